/** Connects handlers to requests: checks, cancels, and answers errors. */
import { type CancellationToken, ErrorCodes } from "vscode-languageserver-protocol";
import type * as z from "zod";
import { withStack } from "../../base/reason.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import { tooLate, within } from "./deadlines.ts";
import { responseErrorOf } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Services } from "./services.ts";

/** The server as requests find it. */
interface Server {
  readonly log: Log;
  /** @throws ResponseError before initialize and after shutdown, when requests are refused */
  services(): Services;
}

/** A handler of requests. */
type Handler<Params, Result> = (services: Services, params: Params, signal: AbortSignal) => Promise<Result>;

/** How a handler is waited for. */
interface Waiting<Params, Result> {
  /** How long it may take, in milliseconds. */
  readonly deadline: (params: Params, services: Services) => number | Promise<number>;
  /** The answer when it has taken longer; without one, the request fails. */
  readonly late?: Result;
  /** Whether cancelled work answers with what it has done, if it does at once. */
  readonly isPartial?: (params: Params) => boolean;
}

const GRACE_MS = 1000;

/**
 * Creates what makes a listener of a handler: it refuses requests out of turn, checks the parameters, answers a
 * cancelled request at once, whether or not the work has noticed, and turns errors into responses.
 */
export function createAnswer({ log, services }: Server) {
  return <S extends z.ZodType, R>(
    schema: S,
    handler: Handler<z.output<S>, R>,
    { deadline, isPartial, ...rest }: Waiting<z.output<S>, R>,
  ) =>
    async (params: unknown, token: CancellationToken): Promise<R> => {
      const parts = services();
      const controller = new AbortController();
      const listening = token.onCancellationRequested(() => controller.abort());
      if (token.isCancellationRequested) controller.abort();
      const { signal } = controller;
      try {
        const checked = schema.parse(params);
        const work = async (signal: AbortSignal) => handler(parts, checked, signal);
        const deadlineOf = async (params: z.output<S>) => deadline(params, parts);
        const ms = parts.waitsForModel ? Number.POSITIVE_INFINITY : await unlessAborted(deadlineOf(checked), signal);
        const host = { isLoading: () => parts.engine.isLoading() || parts.client.asksPerson() };
        const late = () => (rest.late === undefined ? tooLate(parts.t, ms) : rest.late);
        return await within(host, ms, signal, work, late, isPartial?.(checked) ? GRACE_MS : 0);
      } catch (error) {
        const response = responseErrorOf(error, signal);
        // An internal error is a bug; a bad model or a cancelled request is an ordinary answer.
        if (response.code === ErrorCodes.InternalError) log.error(`a request failed: ${withStack(error)}`);
        else log.debug(`answered with an error: ${response.message}`);
        throw response;
      } finally {
        listening.dispose();
      }
    };
}
