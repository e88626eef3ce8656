/** An operation of the served model, whichever protocol asked for it. */
import { ModelError } from "../../models/errors.ts";
import type { T5Config } from "../../models/t5/config.ts";
import { type Operation, SUM_LENGTH, servedName } from "../engine/wire/operations.ts";
import { type WireTensors, wholeNumbers } from "../engine/wire/tensors.ts";
import type { Metrics } from "./metrics.ts";
import { type OperationRequest, type Produced, readRequest } from "./requests.ts";
import type { Scheduler } from "./scheduler.ts";
import { batchKey } from "./worker.ts";

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

/** The outputs that a request asks for. */
export interface Wanted {
  readonly operation: Operation;
  readonly tensors: WireTensors;
  /** Names of outputs; all of them if undefined. */
  readonly wanted: readonly string[] | undefined;
}

/** Whoever asks, until when, and who receives tokens as they are produced. */
export interface Asker {
  readonly client: string;
  readonly signal: AbortSignal;
  readonly onTokens?: (produced: Produced) => void;
}

/** An answer that is an error, with its status in HTTP. */
export interface Failure {
  readonly status: number;
  readonly error: string;
}

/**
 * Performs an operation when its turn comes.
 * @returns the outputs that are wanted
 * @throws ModelError "input" for tensors that are not valid; what the work throws, and the signal's reason
 */
export async function performed(
  served: Served,
  { operation, tensors, wanted }: Wanted,
  { client, signal, onTokens }: Asker,
): Promise<{ readonly tensors: WireTensors } | Failure> {
  if (!served.ready()) return { status: 503, error: "The server is ending. Ask another one, or later." };
  const request = readRequest(operation, tensors, served.config);
  const rows = request.inputs.length;
  const key = batchKey(request) ?? `${operation} ${Math.random()}`;
  const heard = request.operation === "generate" && onTokens !== undefined ? { ...request, onTokens } : request;
  const result = served.scheduler.add({ client, key, rows, request: heard, signal });
  if (result === undefined) return { status: 503, error: "Too many requests wait. Try again in a moment." };
  const outputs = await result;
  const produced = outputs["ids"]?.values;
  if (produced !== undefined) served.metrics.produced(produced.filter((id) => id !== served.config.padTokenId).length);
  return { tensors: chosen(served, operation, { ...outputs, ...sumOf(served, rows) }, wanted) };
}

/** The model's sum for each row of an answer. */
export function sumOf({ sum }: Served, rows: number): WireTensors {
  const sums = Array.from({ length: rows }, () => [...sum]).flat();
  return { model_sum: wholeNumbers([rows, SUM_LENGTH], sums) };
}

function chosen({ id }: Served, operation: Operation, all: WireTensors, wanted: readonly string[] | undefined) {
  const missing = wanted?.find((name) => all[name] === undefined);
  if (missing !== undefined)
    throw new ModelError("input", `There is no output ${missing.slice(0, 40)} of ${servedName(id, operation)}.`);
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted?.includes(name) ?? true));
}

/** The answer to a request that failed; details of this machine stay here. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ModelError && error.code === "input") return { status: 400, error: error.message };
  if (error instanceof DOMException && error.name === "TimeoutError")
    return { status: 504, error: "The request took too long. Ask for less at a time, or later." };
  if (error instanceof DOMException) return { status: 499, error: "The client left." };
  return {
    status: 500,
    error: "The model failed. The server's operator finds out more with spanfill info and spanfill models verify.",
  };
}
