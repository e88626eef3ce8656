/**
 * The protocol's endpoints over REST: health, metadata and inference for a model's operations, and the metrics.
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
 */
import { ModelError } from "../../models/errors.ts";
import type { T5Config } from "../../models/t5/config.ts";
import {
  OPERATIONS,
  type Operation,
  operationSpec,
  SUM_LENGTH,
  servedName,
  VERSION,
} from "../engine/wire/operations.ts";
import {
  BINARY_EXTENSION,
  packTensors,
  unpackTensors,
  type WireBody,
  type WireTensors,
  wholeNumbers,
} from "../engine/wire/tensors.ts";
import type { Metrics } from "./metrics.ts";
import { type OperationRequest, readRequest } from "./requests.ts";
import type { Scheduler } from "./scheduler.ts";
import { batchKey } from "./worker.ts";

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

/** The model that is served. */
export interface Served {
  readonly id: string;
  readonly config: T5Config;
  /** @see modelSum */
  readonly sum: Int32Array;
  readonly version: string;
  readonly scheduler: Scheduler<OperationRequest, WireTensors>;
  readonly metrics: Metrics;
  /** Whether requests are accepted; false while the server ends. */
  readonly ready: () => boolean;
}

/** The answer to a request. @throws what the work throws, and the signal's reason */
export async function answer(served: Served, asked: Asked): Promise<Answered> {
  const { method, path } = asked;
  const [route, name = "", rest = ""] =
    /^\/v2\/models\/([^/]+)(?:\/versions\/[^/]+)?(\/ready|\/infer)?$/.exec(path) ?? [];
  if (route === undefined) return plainAnswer(served, method, path);
  const operation = OPERATIONS.find((each) => servedName(served.id, each) === name);
  const version = /\/versions\/([^/]+)/.exec(path)?.[1] ?? VERSION;
  if (operation === undefined || version !== VERSION) return failed(404, "There is no such model or version here.");
  const expected = rest === "/infer" ? "POST" : "GET";
  if (method !== expected) return failed(405, `Use ${expected} here.`, operation);
  if (rest === "/infer") return infer(served, operation, asked);
  if (rest === "/ready") return json(served.ready() ? 200 : 503, { name, ready: served.ready() }, operation);
  const { inputs, optional, outputs } = operationSpec(operation, served.config);
  return json(
    200,
    { name, versions: [VERSION], platform: "spanfill", inputs: [...inputs, ...optional], outputs },
    operation,
  );
}

function plainAnswer(served: Served, method: string, path: string): Answered {
  if (method !== "GET" && path !== "/v2/repository/index") return failed(405, "Use GET here.");
  switch (path) {
    case "/v2/health/live":
      return json(200, { live: true });
    case "/v2/health/ready":
      return json(served.ready() ? 200 : 503, { ready: served.ready() });
    case "/v2":
      return json(200, {
        name: "spanfill",
        version: served.version,
        extensions: [BINARY_EXTENSION, "model_repository"],
      });
    case "/v2/repository/index": {
      const state = served.ready() ? "READY" : "UNAVAILABLE";
      return json(
        200,
        OPERATIONS.map((each) => ({ name: servedName(served.id, each), version: VERSION, state, reason: "" })),
      );
    }
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
  if (!served.ready()) return failed(503, "The server is ending. Ask another one, or later.", operation);
  const { message, tensors } = unpackTensors("inputs", body);
  const request = readRequest(operation, tensors, served.config);
  const rows = request.inputs.length;
  const key = batchKey(request) ?? `${operation} ${Math.random()}`;
  const result = served.scheduler.add({ client, key, rows, request, signal });
  if (result === undefined) return failed(503, "Too many requests wait. Try again in a moment.", operation);
  const outputs = await result;
  const produced = outputs["ids"]?.values;
  if (produced !== undefined) served.metrics.produced(produced.filter((id) => id !== served.config.padTokenId).length);
  const sums = Array.from({ length: rows }, () => [...served.sum]).flat();
  const all: WireTensors = { ...outputs, model_sum: wholeNumbers([rows, SUM_LENGTH], sums) };
  const wanted = message.outputs?.map(({ name }) => name) ?? Object.keys(all);
  const missing = wanted.find((name) => all[name] === undefined);
  if (missing !== undefined)
    throw new ModelError("input", `There is no output ${missing.slice(0, 40)} of ${servedName(served.id, operation)}.`);
  const binary =
    message.parameters?.["binary_data_output"] === true ||
    (message.outputs?.some(({ parameters }) => parameters?.["binary_data"] === true) ?? false);
  const head = {
    model_name: servedName(served.id, operation),
    model_version: VERSION,
    ...(message.id === undefined ? {} : { id: message.id }),
  };
  const chosen = Object.fromEntries(Object.entries(all).filter(([name]) => wanted.includes(name)));
  const contentType = binary ? "application/octet-stream" : "application/json";
  return { status: 200, contentType, operation, ...packTensors("outputs", chosen, head, binary) };
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
