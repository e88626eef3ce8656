/**
 * Alternatives for a word, for hovers and code actions: one pass per word, remembered while document and model stay
 * the same.
 */
import { LRUCache } from "lru-cache";
import type { CodeAction, Hover } from "vscode-languageserver-protocol";
import { percent } from "../../../base/figures.ts";
import type { Settings } from "../../../protocol/settings.ts";
import { labelText } from "../../../protocol/shown-text.ts";
import { proseWordAt } from "../../features/write/prose-word.ts";
import { rephrase } from "../../features/write/rephrase.ts";
import { foreignLanguageOf } from "../../text/languages.ts";
import { cancelled, contentModified } from "../errors.ts";
import type { OtherWords, Services, Words } from "../services.ts";
import { isStale, withModel } from "./document-work.ts";
import { commandLink, hover, joined, shownText } from "./hover.ts";
import { createNewestWork } from "./newest.ts";
import type { OpenDocument } from "./positions.ts";

/** Creates the words, with nothing remembered. */
export function createWords(): Words {
  const remembered = new LRUCache<string, OtherWords>({ max: MOST_KEPT });
  const newest = createNewestWork();
  return {
    async at(services, document, offset, request) {
      const { uri, edition, text } = document;
      const signal = newest.begin(uri, cancelled("A newer request took its place."), request);
      const place = await proseWordAt(document, offset, text);
      signal.throwIfAborted();
      if (place === undefined) return undefined;
      const settings = await services.settings.settingsFor(uri);
      const keyOf = (identity: string) => JSON.stringify([edition, place.start, identity, settings]);
      const expected = await services.engine.identity(await services.settings.settingsFor(), "infill");
      signal.throwIfAborted();
      const known = remembered.get(keyOf(expected));
      if (known !== undefined) return known;
      const around = text.slice(Math.max(0, place.start - AROUND), place.end + AROUND);
      let answering: string | undefined;
      const rephrased = await withModel(services, "infill", async (model, { actual }) => {
        const { languages } = (await model()).info;
        if ((await foreignLanguageOf(around, languages, document.languageId)) !== undefined) return undefined;
        const params = { text, ...place, count: MOST_SHOWN };
        const answer = await rephrase({ model, settings }, params, { signal });
        answering = actual();
        return answer;
      });
      signal.throwIfAborted();
      if (rephrased === undefined) return undefined;
      if (rephrased.cancelled) throw cancelled();
      const { start, end, model, calibrated } = rephrased;
      const alternatives = rephrased.alternatives.filter(
        ({ text: other, confidence }) => confidence >= LEAST_SHOWN && ONE_WORD.test(other),
      );
      const word = { word: text.slice(start, end), start, end, alternatives, model, calibrated };
      if (answering !== undefined) remembered.set(keyOf(answering), word);
      return word;
    },
    changed: (uri) => newest.abort(uri, contentModified("The document was changed.")),
  };
}

/**
 * A hover over a word of prose: the alternatives, each with a link that inserts it if the client supports such links.
 */
export async function wordHover(
  services: Services,
  document: OpenDocument,
  offset: number,
  settings: Settings,
  signal: AbortSignal,
): Promise<Hover | null> {
  if (!settings["hover.words"]) return null;
  const { uri, version, edition } = document;
  const found = await services.words.at(services, document, offset, signal);
  if (found === undefined || found.alternatives.length === 0 || isStale(services, document, edition)) return null;
  const { word, start, end, alternatives, model, calibrated } = found;
  const range = document.rangeOf(start, end);
  const shown = alternatives.map(({ text, confidence }) => {
    const argument = { uri, version, range, word, text };
    const label = services.client.followsCommandLinks
      ? commandLink(text, "spanfill.replaceWord", argument, services.t("Replace"))
      : shownText(text);
    return joined(label, shownText(percent(confidence)));
  });
  const note = `Spanfill · ${model}${calibrated ? "" : ` · ${services.t("not calibrated")}`}`;
  return hover(shown, note, range);
}

/** Code actions that replace a word with an alternative, for clients without such links. */
export async function wordActions(
  services: Services,
  document: OpenDocument,
  offset: number,
  signal: AbortSignal,
): Promise<CodeAction[]> {
  const { uri, version, edition } = document;
  const found = await services.words.at(services, document, offset, signal);
  if (found === undefined || isStale(services, document, edition)) return [];
  const range = document.rangeOf(found.start, found.end);
  return found.alternatives.map(({ text, confidence }) => ({
    title: labelText(services.t('Replace "{0}" with "{1}" ({2})', found.word, text, percent(confidence))),
    kind: WORD_KIND,
    edit: { documentChanges: [{ textDocument: { uri, version }, edits: [{ range, newText: text }] }] },
  }));
}

/** The kind of {@link wordActions}. */
export const WORD_KIND = "refactor.rewrite.spanfill.word";

/** Characters on both sides of the word from which the language is detected. */
const AROUND = 500;
const MOST_SHOWN = 5;
/** Less likely alternatives are noise. */
const LEAST_SHOWN = 0.01;
const ONE_WORD = /^\p{L}[\p{L}\p{M}]*(?:['’-][\p{L}\p{M}]+)*$/u;
const MOST_KEPT = 100;
