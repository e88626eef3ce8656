/** Added tokens: names in a text that are tokens by themselves. @see src/tokenizer/added_vocabulary.rs */
import { escaped, unsupported } from "./part.ts";
import { WORD } from "./pre-tokenizers.ts";

/** An added token, with the flags of tokenizer.json. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Whether it must stand between characters that are not part of words. */
  readonly single_word: boolean;
  /** Whether it takes the white space before it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Whether it is looked for in the normalized text. */
  readonly normalized: boolean;
  readonly special: boolean;
}

/** Which names of special tokens are tokens: all, none, or those within the first characters of a text. */
export type SpecialRange = boolean | { readonly before: number };

/** A stretch between tokens, or a token. */
export type Section = { readonly from: number; readonly to: number; readonly id?: number };

/** Finds added tokens in a text. */
export type TokenFinder = (text: string, special: SpecialRange, offset?: number) => Section[];

/**
 * Creates a finder: leftmost first, then longest.
 * @param spell the content as it stands in the text that is searched
 */
export function createTokenFinder(
  tokens: readonly AddedToken[],
  spell: (content: string) => string = (content) => content,
): TokenFinder {
  const byText = new Map(tokens.map((token) => [spell(token.content), token]));
  const empty = byText.get("");
  if (empty !== undefined)
    throw unsupported(`of its added token ${JSON.stringify(empty.content)} nothing is left when it is normalized`);
  const pattern = (names: readonly string[]) =>
    names.length === 0
      ? undefined
      : new RegExp(
          [...names]
            .sort((a, b) => b.length - a.length)
            .map(escaped)
            .join("|"),
          "g",
        );
  const all = pattern([...byText.keys()]);
  const ordinary = pattern([...byText].filter(([, token]) => !token.special).map(([text]) => text));
  return (text, special, offset = 0) => {
    const names = special === false ? ordinary : all;
    if (names === undefined) return text === "" ? [] : [{ from: 0, to: text.length }];
    const sections: Section[] = [];
    let begun = 0;
    names.lastIndex = 0;
    for (let match = names.exec(text); match !== null; match = names.exec(text)) {
      const token = byText.get(match[0]);
      if (token === undefined) continue;
      let from = match.index;
      let to = from + match[0].length;
      const beyond = typeof special === "object" && offset + to > special.before;
      if (token.special && beyond) {
        names.lastIndex = from + 1;
        continue;
      }
      if (
        token.single_word &&
        (ENDS_WITH_WORD.test(text.slice(Math.max(0, from - 2), from)) || STARTS_WITH_WORD.test(text.slice(to, to + 2)))
      )
        continue;
      // An earlier token may have taken white space that this one consists of.
      if (token.lstrip) from = Math.max(from, begun);
      if (token.lstrip) while (from > begun && WHITE_SPACE.test(text.charAt(from - 1))) from -= 1;
      if (token.rstrip) while (to < text.length && WHITE_SPACE.test(text.charAt(to))) to += 1;
      if (from > begun) sections.push({ from: begun, to: from });
      if (to > from) sections.push({ from, to, id: token.id });
      begun = to;
    }
    if (begun < text.length) sections.push({ from: begun, to: text.length });
    return sections;
  };
}

const ENDS_WITH_WORD = new RegExp(`[${WORD}]$`, "u");
const STARTS_WITH_WORD = new RegExp(`^[${WORD}]`, "u");
const WHITE_SPACE = /\p{White_Space}/u;
