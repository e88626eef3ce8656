/** The one error type of the engine: a closed set of codes, so that callers can act on what went wrong. */

/**
 * What can go wrong with a model or its input.
 * - `config`: config.json is missing, unreadable, not T5, lacks a key, or disagrees with the tensors.
 * - `checkpoint`: a weight file is missing, truncated, malformed, or holds other tensors than the shape needs.
 * - `tokenizer`: the tokenizer is missing, malformed, or of another vocabulary than the model.
 * - `shape`: a graph was built from values whose shapes do not fit (a mistake of ours, never the user's).
 * - `input`: the text or the options cannot be used (empty, binary, nothing to fill).
 * - `task`: the model was not taught what it is asked to do.
 * - `memory`: the model does not fit.
 * - `runtime`: the inference runtime failed.
 * - `changed`: the model's files are no longer those that were asked; asked again, the model answers as it is now.
 * - `process`: the engine process ended or could not be started.
 * - `network`: a download failed: no way to the hub, refused, not found, damaged, or the answer is not the hub's.
 * - `storage`: the disk is full, or a folder may not be written.
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
   * @param code one of the documented codes
   * @param message what was wrong, where, what to do next; complete sentences for a person
   * @param options `cause`: the error underneath, when there is one
   */
  constructor(code: ModelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
