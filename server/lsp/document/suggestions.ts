/**
 * Keeps one suggestion per document in progress, the newest; begins it at the keystroke if typing asks for
 * suggestions.
 */
import { ResponseError } from "vscode-languageserver-protocol";
import type { InlineCompletions } from "../../features/write/typing/completions.ts";
import { cancelled } from "../errors.ts";
import { createNewestWork } from "./newest.ts";
import type { OpenDocument } from "./positions.ts";

/** The position that a suggestion is for. */
export interface Place {
  /** The cursor, in UTF-16 units. */
  readonly offset: number;
  /** Whether a person asked for it. */
  readonly explicit: boolean;
}

/** Computes a suggestion for a position of a document as it is. */
export type Suggest = (document: OpenDocument, place: Place, signal: AbortSignal) => Promise<InlineCompletions>;

/** The suggestions of all documents. */
export interface Suggestions {
  /**
   * Returns a suggestion, possibly one already begun; ends what is in progress for another position.
   * @throws what `suggest` throws
   */
  request(suggest: Suggest, document: OpenDocument, place: Place, signal: AbortSignal): Promise<InlineCompletions>;
  /**
   * Handles a changed document: what is in progress ends with the reason. If typing in this language has asked for
   * suggestions before, it will ask again once the editor has waited for the next key (VS Code: 50 ms). So the
   * suggestion for the change's end is begun now, also after an accepted suggestion.
   */
  changed(document: OpenDocument, reason: ResponseError<undefined>): void;
  /** Handles a closed document: what is in progress ends with the reason. */
  closed(uri: string, reason: ResponseError<undefined>): void;
}

/**
 * Creates the suggestions, with nothing in progress.
 * @param failed called when a suggestion fails that nobody has asked for
 */
export function createSuggestions(
  now: () => number = () => performance.now(),
  failed: (error: unknown) => void = () => undefined,
): Suggestions {
  const newest = createNewestWork();
  const begun = new Map<string, Begun>();
  /**
   * By the language of documents where typing asks for suggestions; `unasked` counts those begun in a row without a
   * request.
   */
  const typing = new Map<string, { readonly suggest: Suggest; unasked: number }>();
  const changes = new Map<string, number>();

  function begin(suggest: Suggest, document: OpenDocument, place: Place): Begun {
    const signal = newest.begin(document.uri, cancelled("A newer request took its place."));
    const made = suggest(document, place, signal);
    const one = { edition: document.edition, place, signal, made, taken: false };
    // It may never be asked for; an asker gets the error with the answer.
    made.catch((error) => {
      if (!one.taken && !signal.aborted) failed(error);
    });
    begun.set(document.uri, one);
    return one;
  }

  function end(uri: string, reason: ResponseError<undefined>): void {
    newest.abort(uri, reason);
    begun.delete(uri);
  }

  return {
    async request(suggest, document, place, signal) {
      const { uri, edition, languageId } = document;
      if (!place.explicit) typing.set(languageId, { suggest, unasked: 0 });
      let one = begun.get(uri);
      const { offset, explicit } = one?.place ?? {};
      if (one?.edition !== edition || offset !== place.offset || explicit !== place.explicit || one.taken) {
        one = begin(suggest, document, place);
      }
      one.taken = true;
      const asked = one;
      return answered(asked, signal, () => {
        if (begun.get(uri) === asked) newest.abort(uri, signal.reason);
      });
    },
    changed(document, reason) {
      const { uri, changeEnd, languageId } = document;
      end(uri, reason);
      const last = changes.get(uri) ?? Number.NEGATIVE_INFINITY;
      changes.set(uri, now());
      const asks = typing.get(languageId);
      // Editors never ask faster than this: a key is held down, or a program writes.
      if (asks === undefined || changeEnd === undefined || now() - last < LEAST_PAUSE_MS) return;
      // Suggestions are snoozed or paused, so the editor does not ask for now.
      if (asks.unasked >= MOST_UNASKED) return;
      asks.unasked += 1;
      begin(asks.suggest, document, { offset: changeEnd, explicit: false });
    },
    closed(uri, reason) {
      end(uri, reason);
      changes.delete(uri);
    },
  };
}

/** The suggestion, once it is made; the signal aborts it. @throws the response that it was aborted with */
async function answered(one: Begun, signal: AbortSignal, abort: () => void): Promise<InlineCompletions> {
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    const suggested = await one.made;
    one.signal.throwIfAborted();
    return suggested;
  } catch (error) {
    const { aborted, reason } = one.signal;
    throw aborted && reason instanceof ResponseError ? reason : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

const LEAST_PAUSE_MS = 40;
const MOST_UNASKED = 5;

interface Begun {
  readonly edition: string;
  readonly place: Place;
  readonly signal: AbortSignal;
  readonly made: Promise<InlineCompletions>;
  taken: boolean;
}
