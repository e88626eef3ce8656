/**
 * A client of servers that speak the Open Inference Protocol over gRPC, with binary tensors: one attempt more where the
 * connection breaks, a deadline for everything, and answers that are checked before use. Nothing is logged.
 */
import { setTimeout as wait } from "node:timers/promises";
import {
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type ServiceError,
  setLogger,
  status,
} from "@grpc/grpc-js";
import * as z from "zod";
import { reason } from "../../../../base/reason.ts";
import type { ModelError } from "../../../../models/errors.ts";
import { busy, failed, garbage, late, notServed, tokenRefused, unreachable } from "../errors.ts";
import type { InferenceClient } from "../inference-client.ts";
import type { Reach } from "../reach.ts";
import {
  decodeMessage,
  encodeMessage,
  inferResponseSchema,
  listedTensors,
  METHODS,
  type Method,
  pathOf,
  tensorsOf,
} from "./messages.ts";

const PAUSE_MS = 200;
const MOST_LISTED = 8;
const MOST_ANSWER_BYTES = 256 * 1024 * 1024;

const aboutSchema = z.looseObject({ name: z.string(), version: z.string() });
const metadataSchema = z.looseObject({ inputs: z.array(z.looseObject({ name: z.string() })).max(1000) });
const indexSchema = z.looseObject({ models: z.array(z.looseObject({ name: z.string() })).max(10_000) });

/** Creates a client; it connects with the first call. @throws ModelError "network" for a proxy that speaks https */
export function createGrpcClient(reach: Reach): InferenceClient {
  const { host } = reach;
  setLogger(SILENT);
  const client = connectionTo(reach);
  const ask = createAsk(client, reach);
  return {
    host,
    async about() {
      const about = aboutSchema.safeParse(await ask("ServerMetadata", "", {}));
      if (!about.success || about.data.name === "") throw garbage(host);
      return `${about.data.name} ${about.data.version}`.trim().slice(0, 60);
    },
    async models() {
      const index = indexSchema.safeParse(await ask("RepositoryIndex", "", {}).catch(() => undefined));
      const listed = index.data?.models ?? [];
      const names = listed.flatMap(({ name }) => /^(.{1,100})-step$/.exec(name)?.[1] ?? []);
      return [...new Set(names)].slice(0, MOST_LISTED);
    },
    async inputsOf(name) {
      const answered = await ask("ModelMetadata", name, { name });
      if (answered === undefined) return undefined;
      const metadata = metadataSchema.safeParse(answered);
      if (!metadata.success) throw garbage(host);
      return new Set(metadata.data.inputs.map((input) => input.name));
    },
    async infer(name, tensors, outputs, signal) {
      const { listed, raw } = listedTensors(tensors);
      const wanted = outputs.map((output) => ({ name: output }));
      const request = { model_name: name, inputs: listed, outputs: wanted, raw_input_contents: raw };
      const answered = await ask("ModelInfer", name, request, signal);
      if (answered === undefined) throw notServed(host, name);
      const response = inferResponseSchema.safeParse(answered);
      if (!response.success) throw garbage(host);
      try {
        return tensorsOf(response.data.outputs, response.data.raw_output_contents);
      } catch (error) {
        throw garbage(host, reason(error));
      }
    },
    dispose: async () => client.close(),
  };
}

/** Returns a function that asks once more where the connection breaks or the server is busy: that is safe. */
function createAsk(client: Client, { host, authorization, deadlineMs }: Reach) {
  const metadata = new Metadata();
  metadata.set("spanfill-client", Math.random().toString(36).slice(2)); // tells the server whose turn it is
  if (authorization !== undefined) metadata.set("authorization", authorization);

  /** @throws ServiceError; the signal's reason */
  function attempt(method: Method, message: Buffer, deadline: number, signal: AbortSignal | undefined) {
    return new Promise<Buffer>((resolve, reject) => {
      const same = (bytes: Buffer) => bytes;
      const ended = (error: ServiceError | null, value?: Buffer) => {
        signal?.removeEventListener("abort", cancel);
        if (value !== undefined && error === null) resolve(value);
        else reject(signal?.aborted ? signal.reason : error);
      };
      const call = client.makeUnaryRequest(pathOf(method), same, same, message, metadata, { deadline }, ended);
      const cancel = () => call.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  /** The answer as its message says; undefined if there is no such model. */
  return async (method: Method, name: string, message: object, signal?: AbortSignal): Promise<unknown> => {
    const bytes = encodeMessage(METHODS[method][0], message);
    const deadline = Date.now() + deadlineMs;
    for (let attempts = 1; ; attempts += 1) {
      signal?.throwIfAborted();
      try {
        return readAnswer(host, method, await attempt(method, bytes, deadline, signal));
      } catch (error) {
        signal?.throwIfAborted();
        if (!isServiceError(error)) throw error;
        if (error.code === status.NOT_FOUND) return undefined;
        const again = error.code === status.UNAVAILABLE || error.code === status.RESOURCE_EXHAUSTED;
        if (attempts === 2 || !again || isCertificate(error)) throw errorOf(host, name, error, deadlineMs);
      }
      await wait(PAUSE_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  };
}

/** grpc-js reports failed connections to the console. */
const SILENT = { error: () => undefined, info: () => undefined, debug: () => undefined };

function connectionTo({ url, host, certificates, proxy }: Reach): Client {
  const { hostname, port, protocol } = url;
  const address = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  if (proxy !== undefined && proxy.url.protocol !== "http:")
    throw failed(host, "is asked over gRPC, which takes an HTTP proxy only. Use an address with https://");
  const security =
    protocol === "https:"
      ? credentials.createSsl(certificates.length === 0 ? null : Buffer.from(certificates.join("\n")))
      : credentials.createInsecure();
  const options: ChannelOptions = {
    "grpc.max_receive_message_length": MOST_ANSWER_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.enable_http_proxy": 0, // chosen here
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1, // no look-ups besides the address
    "grpc.use_local_subchannel_pool": 1,
  };
  if (proxy === undefined) return new Client(address, security, options);
  const through = `${proxy.url.hostname}:${proxy.url.port || 80}`;
  return new Client(through, security, { ...options, ...tunnelTo(address, proxy.authorization) });
}

/** Options for a connection through a proxy (CONNECT), as grpc-js sets them by itself. @see http_proxy.ts of grpc-js */
function tunnelTo(address: string, authorization: string | undefined): ChannelOptions {
  const user = authorization?.replace(/^Basic /, "");
  return {
    "grpc.http_connect_target": `dns:${address}`,
    "grpc.default_authority": address,
    ...(user === undefined ? {} : { "grpc.http_connect_creds": Buffer.from(user, "base64").toString() }),
  };
}

function readAnswer(host: string, method: Method, bytes: Uint8Array): unknown {
  try {
    return decodeMessage(METHODS[method][1], bytes);
  } catch (error) {
    throw garbage(host, reason(error));
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error;
}

/** The error of a call. @see https://grpc.io/docs/guides/status-codes/ */
function errorOf(host: string, name: string, error: ServiceError, deadlineMs: number): ModelError {
  const { code, details } = error;
  switch (code) {
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return tokenRefused(host, status[code]);
    case status.DEADLINE_EXCEEDED:
      return late(host, deadlineMs);
    case status.RESOURCE_EXHAUSTED:
      return /larger than max/.test(details)
        ? failed(host, "refuses a request of that size, or sent more than is allowed here")
        : busy(host, status[code]);
    case status.UNAVAILABLE:
      return unreachable(host, shortened(details), isCertificate(error));
    case status.UNIMPLEMENTED:
      return garbage(host, "it has no such call");
    case status.NOT_FOUND:
      return notServed(host, name);
    default:
      return failed(host, `answered ${status[code] ?? code}: ${shortened(details)}`);
  }
}

function isCertificate({ code, details }: ServiceError): boolean {
  return code === status.UNAVAILABLE && /certificate|altnames|CERT_/i.test(details);
}

function shortened(details: string): string {
  return details
    .replace(/^No connection established\. Last error: (Error: )?/, "")
    .replace(/\.? Resolution note: .*$/s, "")
    .slice(0, 200);
}
