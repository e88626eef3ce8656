/** The engine's only error type: a closed set of codes that callers can act on. */

/**
 * Reasons why a model or its input fails.
 * - `config`: config.json is missing, unreadable, not T5, lacks a key, or disagrees with the tensors.
 * - `checkpoint`: a weights file is missing, truncated, malformed, or has other tensors than the shape needs.
 * - `tokenizer`: the tokenizer is missing, malformed, or has another vocabulary than the model.
 * - `shape`: a graph was built from values whose shapes do not fit (our bug, never the user's mistake).
 * - `input`: the text or the options cannot be used (empty, binary, nothing to fill).
 * - `task`: the model was not trained for what it is asked to do.
 * - `memory`: the model does not fit.
 * - `runtime`: the inference runtime failed.
 * - `changed`: the model's files changed during the request; the next request uses the new ones.
 * - `process`: the engine process ended or could not be started.
 * - `network`: a download failed: the hub is unreachable, refuses, or does not have it; it is damaged; or the answer
 * is not the hub's.
 * - `storage`: the disk is full, or a folder is not writable.
 */
export type ModelErrorCode =
  | "config"
  | "checkpoint"
  | "tokenizer"
  | "shape"
  | "input"
  | "task"
  | "memory"
  | "runtime"
  | "changed"
  | "process"
  | "network"
  | "storage";

/** An error whose message says what was wrong, where, and what to do next. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly code: ModelErrorCode;

  /**
   * Creates an error.
   * @param code one of the documented codes
   * @param message what was wrong, where, and what to do next, in complete sentences for a person
   * @param options `cause`: the underlying error, if any
   */
  constructor(code: ModelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
