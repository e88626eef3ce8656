/** The one place that turns what went wrong into the protocol's error responses; editors show their messages as they are. */
import { ErrorCodes, LSPErrorCodes, ResponseError } from "vscode-languageserver-protocol";
import { z } from "zod";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";
import type { FailureData } from "../../protocol/requests.ts";
import { messageText } from "../../protocol/shown-text.ts";

/** The request was cancelled by the client. */
export function cancelled(why = "The request was cancelled."): ResponseError<undefined> {
  return refused(LSPErrorCodes.RequestCancelled, why);
}

/** The document is not the one that the request was made for. */
export function contentModified(message: string): ResponseError<undefined> {
  return refused(LSPErrorCodes.ContentModified, message);
}

/** The engine was ended, as someone wanted, while it worked on the request. */
export class EngineEnded extends Error {
  override readonly name = "EngineEnded";
  /** Whether the request is to be done by the next engine. */
  readonly again: boolean;

  constructor(again: boolean) {
    super(
      `${again ? "The engine was restarted" : "The model's memory was freed"} in the middle of the request. Ask again.`,
    );
    this.again = again;
  }
}

/** The request's parameters are not as the protocol says, or name a document that is not open. */
export function invalidParams(message: string): ResponseError<undefined> {
  return refused(ErrorCodes.InvalidParams, message);
}

/** An error response with a code of the protocol. */
export function refused(code: number, message: string): ResponseError<undefined> {
  return new ResponseError(code, messageText(message));
}

/**
 * The response for whatever a handler threw.
 * @param signal the request's; once aborted, the answer is its reason (a ResponseError) or RequestCancelled
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
