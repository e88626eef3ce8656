/**
 * Texts in the reader's language: English in the sources, other languages from a bundle (l10n/, checked by `npm run
 * l10n`).
 */

/** Puts a text into the reader's language. The text is a literal; {0}, {1} stand for the values. */
export interface Translate {
  (text: string, ...values: readonly (string | number)[]): string;
  /** ISO 639-1 code. */
  readonly language: string;
}

/** @param bundle English to the language; a text that it lacks stays English */
export function translator(language: string, bundle: Readonly<Record<string, string>>): Translate {
  const t = (text: string, ...values: readonly (string | number)[]) =>
    (Object.hasOwn(bundle, text) ? bundle[text] : text)?.replace(/\{(\d)\}/g, (all, place) =>
      String(values[Number(place)] ?? all),
    ) ?? text;
  return Object.assign(t, { language });
}

/** Leaves texts as they are. */
export const english: Translate = translator("en", {});
