/** One piece of work per document: a newer one ends the one under way. */

/** The work under way, by document. */
export interface NewestWork {
  /**
   * Ends what is under way for a document and begins anew.
   * @returns the new work's signal, which follows `request` too
   */
  begin(uri: string, replaced: unknown, request?: AbortSignal): AbortSignal;
  /** Ends what is under way for a document. */
  abort(uri: string, reason: unknown): void;
}

/** @returns with nothing under way */
export function createNewestWork(): NewestWork {
  const controllers = new Map<string, AbortController>();
  const abort = (uri: string, reason: unknown) => {
    controllers.get(uri)?.abort(reason);
    controllers.delete(uri);
  };
  return {
    begin(uri, replaced, request) {
      abort(uri, replaced);
      const controller = new AbortController();
      controllers.set(uri, controller);
      return request === undefined ? controller.signal : AbortSignal.any([controller.signal, request]);
    },
    abort,
  };
}
