/**
 * The protocol's endpoints over REST: health, metadata and inference for a model's operations, and the metrics.
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
 */
import { OPERATIONS, type Operation, operationSpec, servedName, VERSION } from "../engine/wire/operations.ts";
import { BINARY_EXTENSION, packTensors, unpackTensors, type WireBody } from "../engine/wire/tensors.ts";
import { performed, type Served } from "./inference.ts";

/** A request over HTTP, without its headers that do not matter here. */
export interface Asked extends WireBody {
  readonly method: string;
  readonly path: string;
  /** Whoever asks, for the turns of clients. */
  readonly client: string;
  /** Aborts when the client has left or the time is over. */
  readonly signal: AbortSignal;
}

/** An answer over HTTP. */
export interface Answered extends WireBody {
  readonly status: number;
  readonly contentType: string;
  /** The operation that was asked for, or "other". */
  readonly operation: string;
}

/** The answer to a request. @throws what the work throws, and the signal's reason */
export async function answer(served: Served, asked: Asked): Promise<Answered> {
  const { method, path } = asked;
  const [route, name = "", rest = ""] =
    /^\/v2\/models\/([^/]+)(?:\/versions\/[^/]+)?(\/ready|\/infer)?$/.exec(path) ?? [];
  if (route === undefined) return plainAnswer(served, method, path);
  const operation = operationNamed(served, name, /\/versions\/([^/]+)/.exec(path)?.[1]);
  if (operation === undefined) return failed(404, "There is no such model or version here.");
  const expected = rest === "/infer" ? "POST" : "GET";
  if (method !== expected) return failed(405, `Use ${expected} here.`, operation);
  if (rest === "/infer") return infer(served, operation, asked);
  if (rest === "/ready") return json(served.ready() ? 200 : 503, { name, ready: served.ready() }, operation);
  return json(200, described(served, operation), operation);
}

/** The operation of a name and version; undefined if it is not served. */
export function operationNamed({ id }: Served, name: string, version = VERSION): Operation | undefined {
  return version === VERSION ? OPERATIONS.find((each) => servedName(id, each) === name) : undefined;
}

/** The protocol's metadata of an operation. */
export function described({ id, config }: Served, operation: Operation) {
  const { inputs, optional, outputs } = operationSpec(operation, config);
  const name = servedName(id, operation);
  return { name, versions: [VERSION], platform: "spanfill", inputs: [...inputs, ...optional], outputs };
}

/** The protocol's metadata of the server. */
export function about({ version }: Served) {
  return { name: "spanfill", version, extensions: [BINARY_EXTENSION, "model_repository"] };
}

/** The index of models. */
export function index({ id, ready }: Served) {
  const state = ready() ? "READY" : "UNAVAILABLE";
  return OPERATIONS.map((each) => ({ name: servedName(id, each), version: VERSION, state, reason: "" }));
}

function plainAnswer(served: Served, method: string, path: string): Answered {
  if (method !== "GET" && path !== "/v2/repository/index") return failed(405, "Use GET here.");
  switch (path) {
    case "/v2/health/live":
      return json(200, { live: true });
    case "/v2/health/ready":
      return json(served.ready() ? 200 : 503, { ready: served.ready() });
    case "/v2":
      return json(200, about(served));
    case "/v2/repository/index":
      return json(200, index(served));
    case "/metrics": {
      const gauges = {
        spanfill_waiting: served.scheduler.waiting,
        process_resident_memory_bytes: process.memoryUsage().rss,
      };
      const body = Buffer.from(served.metrics.text(gauges));
      return {
        status: 200,
        contentType: "text/plain; version=0.0.4",
        body,
        headerLength: undefined,
        operation: "other",
      };
    }
    default:
      return failed(404, "There is nothing at this address. The protocol's addresses begin with /v2.");
  }
}

async function infer(served: Served, operation: Operation, { client, signal, ...body }: Asked): Promise<Answered> {
  const { message, tensors } = unpackTensors("inputs", body);
  const wanted = message.outputs?.map(({ name }) => name);
  const inferred = await performed(served, { operation, tensors, wanted }, { client, signal });
  if ("status" in inferred) return failed(inferred.status, inferred.error, operation);
  const binary =
    message.parameters?.["binary_data_output"] === true ||
    (message.outputs?.some(({ parameters }) => parameters?.["binary_data"] === true) ?? false);
  const head = {
    model_name: servedName(served.id, operation),
    model_version: VERSION,
    ...(message.id === undefined ? {} : { id: message.id }),
  };
  const contentType = binary ? "application/octet-stream" : "application/json";
  return { status: 200, contentType, operation, ...packTensors("outputs", inferred.tensors, head, binary) };
}

/** An answer in JSON. */
function json(status: number, value: unknown, operation = "other"): Answered {
  const body = Buffer.from(JSON.stringify(value));
  return { status, contentType: "application/json", body, headerLength: undefined, operation };
}

/** An error as the protocol has it. */
export function failed(status: number, error: string, operation = "other"): Answered {
  return json(status, { error }, operation);
}
