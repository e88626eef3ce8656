/** Converts errors to the protocol's error responses; editors show their messages verbatim. */
import { ErrorCodes, LSPErrorCodes, ResponseError } from "vscode-languageserver-protocol";
import * as z from "zod";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";
import type { FailureData } from "../../protocol/requests.ts";
import { messageText } from "../../protocol/shown-text.ts";

/** The error of a cancelled request. */
export function cancelled(why = "The request was cancelled."): ResponseError<undefined> {
  return refused(LSPErrorCodes.RequestCancelled, why);
}

/** The error of a request for an outdated document. */
export function contentModified(message: string): ResponseError<undefined> {
  return refused(LSPErrorCodes.ContentModified, message);
}

/** Thrown when the engine was ended on purpose while it worked on the request. */
export class EngineEnded extends Error {
  override readonly name = "EngineEnded";
  /** Whether the next engine repeats the request. */
  readonly again: boolean;

  constructor(again: boolean) {
    super(`${again ? "The engine was restarted" : "The model's memory was freed"} during the request. Try again.`);
    this.again = again;
  }
}

/** The error of invalid parameters, or of a document that is not open. */
export function invalidParams(message: string): ResponseError<undefined> {
  return refused(ErrorCodes.InvalidParams, message);
}

/** An error response with one of the protocol's codes. */
export function refused(code: number, message: string): ResponseError<undefined> {
  return new ResponseError(code, messageText(message));
}

/**
 * Converts an error that a handler threw to a response.
 * @param signal of the request; if it has aborted, the response is its reason (a ResponseError) or RequestCancelled
 */
export function responseErrorOf(error: unknown, signal: AbortSignal): ResponseError<FailureData | undefined> {
  if (signal.aborted) return signal.reason instanceof ResponseError ? signal.reason : cancelled();
  if (error instanceof ResponseError) return error;
  if (error instanceof EngineEnded) return new ResponseError(LSPErrorCodes.ServerCancelled, error.message);
  if (error instanceof z.ZodError) return invalidParams(`The parameters are not valid: ${z.prettifyError(error)}`);
  const data: FailureData = { code: error instanceof ModelError ? error.code : "internal" };
  const code = error instanceof ModelError ? LSPErrorCodes.RequestFailed : ErrorCodes.InternalError;
  return new ResponseError(code, messageText(reason(error)), data);
}
