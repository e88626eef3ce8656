/**
 * `spanfill serve --grpc`: the protocol's gRPC service beside REST, with binary tensors, and with tokens as they are
 * produced where a client streams. The same token, limits and turns hold; nothing of a request is written anywhere.
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/inference_grpc.md
 */
import {
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type StatusObject,
  setLogger,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ModelError } from "../../models/errors.ts";
import {
  decodeMessage,
  encodeMessage,
  inferRequestSchema,
  listedTensors,
  METHODS,
  type Method,
  pathOf,
  tensorsOf,
} from "../engine/wire/grpc/messages.ts";
import { invalid, type WireTensors } from "../engine/wire/tensors.ts";
import { about, described, index, operationNamed } from "./answers.ts";
import {
  type HttpOptions,
  type HttpServer,
  isOwnHost,
  MOST_BODY_BYTES,
  MOST_MS,
  sameToken,
  tokenMissing,
} from "./http.ts";
import { type Asker, type Failure, failureOf, performed, type Served, sumOf } from "./inference.ts";

/** Time for what runs when the server ends. */
const GRACE_MS = 10_000;

/**
 * Starts to listen.
 * @throws ModelError "network" when the address cannot be had; "input" when it is not this machine's own and there is
 *   no token, or for files that are not a certificate and its key
 */
export async function listenGrpc(served: Served, options: HttpOptions): Promise<HttpServer> {
  const { host, port, token, tls } = options;
  if (!isOwnHost(host) && token === undefined) throw tokenMissing(host);
  setLogger({ error: () => undefined, info: () => undefined, debug: () => undefined });
  const server = new Server({ "grpc.max_receive_message_length": MOST_BODY_BYTES, "grpc.max_send_message_length": -1 });
  server.addService(definition(), implementation(served, options));
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ cert_chain: tls.cert, private_key: tls.key }]);
  const bare = host.replace(/^\[|\]$/g, "");
  const shown = bare.includes(":") ? `[${bare}]` : bare;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${shown}:${port}`, credentials, (cause, at) => {
      if (cause === null) resolve(at);
      else
        reject(
          new ModelError(
            "network",
            `${shown}:${port} cannot be listened on for gRPC. Choose another address or port, or end the program that uses it.`,
            { cause },
          ),
        );
    });
  });
  return {
    address: `${tls === undefined ? "grpc" : "grpcs"}://${shown}:${bound}`,
    close: (graceMs = GRACE_MS) => close(server, graceMs),
  };
}

async function close(server: Server, graceMs: number): Promise<void> {
  const late = setTimeout(() => server.forceShutdown(), graceMs);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(late);
}

/** The service with its messages read and written; a request that is not valid is {@link UNREADABLE}. */
function definition(): ServiceDefinition {
  const methods = Object.entries(METHODS).map(
    ([name, [request, response]]): [string, MethodDefinition<unknown, object>] => {
      const streams = name === "ModelStreamInfer";
      return [
        name,
        {
          ...{ path: pathOf(name as Method), requestStream: streams, responseStream: streams },
          requestSerialize: () => Buffer.alloc(0),
          requestDeserialize: (bytes) => readable(() => decodeMessage(request, bytes)),
          responseSerialize: (message) => encodeMessage(response, message),
          responseDeserialize: () => ({}),
        },
      ];
    },
  );
  return Object.fromEntries(methods);
}

/** A request that could not be read. */
const UNREADABLE = {};

function readable(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return UNREADABLE;
  }
}

type Named = Readonly<Record<string, unknown>>;
interface Call extends Pick<ServerUnaryCall<unknown, object>, "metadata" | "getPeer"> {
  on(event: "cancelled", listener: () => void): unknown;
}

function implementation(served: Served, options: HttpOptions): UntypedServiceImplementation {
  const simple = (answer: (asked: Named) => object | Failure, open = false) => ({
    ...{ open, operation: () => "other" },
    answer: async (asked: Named) => answer(asked),
  });
  const calls: Readonly<Record<Exclude<Method, "ModelStreamInfer">, UnaryAnswer>> = {
    ServerLive: simple(() => ({ live: true }), true),
    ServerReady: simple(() => ({ ready: served.ready() }), true),
    ModelReady: simple((asked) => found(served, asked, () => ({ ready: served.ready() }))),
    ServerMetadata: simple(() => about(served)),
    ModelMetadata: simple((asked) => found(served, asked, (operation) => described(served, operation))),
    RepositoryIndex: simple(() => ({ models: index(served) })),
    ModelInfer: {
      open: false,
      operation: ({ model_name: name }) => operationNamed(served, String(name)) ?? "other",
      answer: (asked, asker) => infer(served, asked, asker),
    },
  };
  const unary = Object.entries(calls).map(([name, call]) => [name, unaryHandler(served, options, call)]);
  const stream = (call: ServerDuplexStream<unknown, object>) => void streamed(served, options, call);
  return { ...Object.fromEntries(unary), ModelStreamInfer: stream };
}

interface UnaryAnswer {
  /** Whether no token is needed. */
  readonly open: boolean;
  readonly operation: (asked: Named) => string;
  readonly answer: (asked: Named, asker: Asker) => Promise<object | Failure>;
}

function unaryHandler(served: Served, options: HttpOptions, { open, operation, answer }: UnaryAnswer) {
  return async (
    call: ServerUnaryCall<unknown, object>,
    callback: (error: Partial<StatusObject> | null, value?: object) => void,
  ) => {
    const beganMs = performance.now();
    const { asker, release } = askerOf(call, options);
    const asked = call.request as Named;
    const answered = await (async () => {
      if (!open && !allowed(call.metadata, options)) return REFUSED;
      if (asked === UNREADABLE) throw invalid("it is not of the protocol");
      return answer(asked, asker);
    })()
      .catch(failureOf)
      .finally(release);
    const failure = isFailure(answered) ? answered : undefined;
    const name = operation(asked);
    served.metrics.answered(name, failure?.status ?? 200, (performance.now() - beganMs) / 1000);
    if (failure === undefined) callback(null, answered);
    else callback({ code: codeOf(failure), details: failure.error, metadata: new Metadata() });
  };
}

/** Answers the requests of a stream in any order; each has its own end or error. */
async function streamed(
  served: Served,
  options: HttpOptions,
  call: ServerDuplexStream<unknown, object>,
): Promise<void> {
  if (!allowed(call.metadata, options)) {
    call.emit("error", { code: codeOf(REFUSED), details: REFUSED.error });
    return;
  }
  const running = new Set<Promise<void>>();
  const one = async (asked: Named) => {
    const beganMs = performance.now();
    const { asker, release } = askerOf(call, options);
    const head = { model_name: asked["model_name"], model_version: "1", id: asked["id"] };
    const write = (message: object) => {
      if (!call.destroyed && !call.cancelled) call.write(message);
    };
    let part = 0;
    const onTokens: Asker["onTokens"] = (produced) => {
      part += 1;
      const rows = produced.ids.shape[0] ?? 0;
      write({ infer_response: { ...head, ...outputs({ ...produced, ...sumOf(served, rows) }) } });
    };
    const answered = await (async () => {
      if (asked === UNREADABLE) throw invalid("it is not of the protocol");
      return infer(served, asked, { ...asker, onTokens });
    })()
      .catch(failureOf)
      .finally(release);
    const failure = isFailure(answered) ? answered : undefined;
    const name = operationNamed(served, String(asked["model_name"])) ?? "other";
    served.metrics.answered(name, failure?.status ?? 200, (performance.now() - beganMs) / 1000);
    const last = { parameters: { triton_final_response: { bool_param: true } } };
    if (failure !== undefined) write({ error_message: failure.error, infer_response: { id: head.id } });
    else write({ infer_response: { ...(part === 0 ? answered : head), ...last } });
  };
  call.on("data", (asked: Named) => {
    const work = one(asked).finally(() => running.delete(work));
    running.add(work);
  });
  call.on("error", () => undefined);
  await new Promise<void>((resolve) => call.once("end", resolve).once("cancelled", resolve));
  await Promise.all(running);
  call.end();
}

async function infer(served: Served, asked: Named, asker: Asker): Promise<object | Failure> {
  const parsed = inferRequestSchema.safeParse(asked);
  if (!parsed.success) throw invalid("its members do not have the protocol's form");
  const {
    model_name: name,
    model_version: version,
    id,
    inputs,
    outputs: wanted,
    raw_input_contents: raw,
  } = parsed.data;
  return found(served, { name, version }, async (operation) => {
    const names = wanted.length === 0 ? undefined : wanted.map((output) => output.name);
    const result = await performed(served, { operation, tensors: tensorsOf(inputs, raw), wanted: names }, asker);
    if ("status" in result) return result;
    return { model_name: name, model_version: "1", id, ...outputs(result.tensors) };
  });
}

function outputs(tensors: WireTensors) {
  const { listed, raw } = listedTensors(tensors);
  return { outputs: listed, raw_output_contents: raw };
}

/** The answer for an operation by its name and version, or that there is none. */
function found<T>(
  served: Served,
  { name, version }: Named,
  answer: (operation: NonNullable<ReturnType<typeof operationNamed>>) => T,
): T | Failure {
  const operation = operationNamed(served, String(name), version === "" ? undefined : String(version));
  return operation === undefined
    ? { status: 404, error: "There is no such model or version here." }
    : answer(operation);
}

function askerOf(
  call: Call,
  { mostMs = MOST_MS }: HttpOptions,
): { readonly asker: Asker; readonly release: () => void } {
  const left = new AbortController();
  const late = setTimeout(() => left.abort(new DOMException("too late", "TimeoutError")), mostMs);
  call.on("cancelled", () => left.abort(new DOMException("the client left", "AbortError")));
  const name = String(call.metadata.get("spanfill-client")[0] ?? "").slice(0, 64);
  const client = `${name} ${call.getPeer().replace(/:\d+$/, "")}`;
  return { asker: { client, signal: left.signal }, release: () => clearTimeout(late) };
}

const REFUSED: Failure = { status: 401, error: "The token is missing or wrong." };

function allowed(metadata: Metadata, { token }: HttpOptions): boolean {
  return token === undefined || sameToken(String(metadata.get("authorization")[0] ?? ""), token);
}

function isFailure(answered: object): answered is Failure {
  return "error" in answered && "status" in answered;
}

/** gRPC's status for one of HTTP. */
function codeOf({ status: http }: Failure): status {
  const codes: Readonly<Record<number, status>> = {
    400: status.INVALID_ARGUMENT,
    401: status.UNAUTHENTICATED,
    404: status.NOT_FOUND,
    499: status.CANCELLED,
    503: status.RESOURCE_EXHAUSTED,
    504: status.DEADLINE_EXCEEDED,
  };
  return codes[http] ?? status.INTERNAL;
}
