/**
 * The page's words: plain English in the sources, another language's where the extension hands them over in the page.
 */

/** The part of the page that holds the texts; absent in tests. */
interface Holder {
  readonly document?: { querySelector(selector: string): { readonly textContent: string | null } | null };
}

const bundle = readBundle();

/**
 * A text in the page's language.
 * @param text English, a literal, for the words are collected from the sources; {0}, {1} stand for the values
 */
export function t(text: string, ...values: readonly (string | number)[]): string {
  return (bundle.get(text) ?? text).replace(/\{(\d)\}/g, (all, place) => String(values[Number(place)] ?? all));
}

/** {@link t} for a text that is declared elsewhere, where it is marked for translation. */
export const translated = t;

/** English -> the page's language, from the JSON of the element #texts. */
function readBundle(): ReadonlyMap<string, string> {
  const json = (globalThis as Holder).document?.querySelector("#texts")?.textContent;
  if (!json) return new Map();
  return new Map(Object.entries(JSON.parse(json) as Record<string, string>));
}
