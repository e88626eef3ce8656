/** Keeps one suggestion a document under way, the newest; where typing asks for them, it is begun at the keystroke itself. */
import { ResponseError } from "vscode-languageserver-protocol";
import type { InlineCompletions } from "../../features/write/inline-completion.ts";
import { cancelled } from "../errors.ts";
import { createNewestWork } from "./newest.ts";
import type { OpenDocument } from "./positions.ts";

/** What a suggestion is for. */
export interface Place {
  /** The cursor, in UTF-16 units. */
  readonly offset: number;
  /** Whether a person asked for it. */
  readonly explicit: boolean;
}

/** Makes a suggestion for a place of a document as it is. */
export type Suggest = (document: OpenDocument, place: Place, signal: AbortSignal) => Promise<InlineCompletions>;

/** The suggestions of all documents. */
export interface Suggestions {
  /** A suggestion, perhaps one that is begun already; what is under way for another place ends. @throws what `suggest` throws */
  request(suggest: Suggest, document: OpenDocument, place: Place, signal: AbortSignal): Promise<InlineCompletions>;
  /**
   * The document has changed: what is under way ends with the reason. Where typing in this language has asked before, it will ask
   * again when the editor has waited for the next key (VS Code: 50 ms), so the suggestion for the change's end is begun meanwhile:
   * after an accepted suggestion the next one, too.
   */
  changed(document: OpenDocument, reason: ResponseError<undefined>): void;
  /** The document was closed: what is under way ends with the reason. */
  closed(uri: string, reason: ResponseError<undefined>): void;
}

/**
 * @param failed is told when one fails that was begun and that nobody asks for
 * @returns with nothing under way
 */
export function createSuggestions(
  now: () => number = () => performance.now(),
  failed: (error: unknown) => void = () => undefined,
): Suggestions {
  const newest = createNewestWork();
  const begun = new Map<string, Begun>();
  /** By the language of the documents where typing asks for suggestions; `unasked`: begun in a row for nothing. */
  const typing = new Map<string, { readonly suggest: Suggest; unasked: number }>();
  const changes = new Map<string, number>();

  function begin(suggest: Suggest, document: OpenDocument, place: Place): Begun {
    const signal = newest.begin(document.uri, cancelled("A newer request took its place."));
    const made = suggest(document, place, signal);
    const one = { edition: document.edition, place, signal, made, taken: false };
    // It may never be asked for; who asks is told of it by the answer.
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
      const { made } = one;
      const abort = () => {
        if (begun.get(uri) === one) newest.abort(uri, signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
      try {
        const suggested = await made;
        one.signal.throwIfAborted();
        return suggested;
      } catch (error) {
        const { aborted, reason } = one.signal;
        throw aborted && reason instanceof ResponseError ? reason : error;
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    changed(document, reason) {
      const { uri, changeEnd, languageId } = document;
      end(uri, reason);
      const last = changes.get(uri) ?? Number.NEGATIVE_INFINITY;
      changes.set(uri, now());
      const asks = typing.get(languageId);
      // Faster than this no editor asks: a key is held down, or a program writes.
      if (asks === undefined || changeEnd === undefined || now() - last < LEAST_PAUSE_MS) return;
      // Suggestions are snoozed or paused: the editor does not ask, until it does again.
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

const LEAST_PAUSE_MS = 40;
const MOST_UNASKED = 5;

interface Begun {
  readonly edition: string;
  readonly place: Place;
  readonly signal: AbortSignal;
  readonly made: Promise<InlineCompletions>;
  taken: boolean;
}
