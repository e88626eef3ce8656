/**
 * The vocabularies that tests use: T5's from its two files, and the built-in models', which is T5's with layout and
 * length marks.
 */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

interface TokenizerJson {
  readonly added_tokens: readonly AddedToken[];
  readonly model: {
    readonly type?: string;
    readonly byte_fallback?: boolean;
    readonly unk_id: number;
    readonly vocab: readonly (readonly [string, number])[];
  };
  readonly normalizer: unknown;
  readonly pre_tokenizer: unknown;
  readonly decoder: unknown;
}

/** Bytes of a file of test/fixtures/tokenizer, without its .br. */
export function fixture(name: string): Uint8Array {
  return brotliDecompressSync(readFileSync(`test/fixtures/tokenizer/${name}.br`));
}

/** Rows of [text, ids with eos, decoded] that the published vocabulary gives. */
export function referenceEncodings(): [string, number[], string][] {
  return JSON.parse(Buffer.from(fixture("encodings.json")).toString());
}

/** T5's tokenizer.json, in the older layout. */
export function t5Json(): TokenizerJson {
  return JSON.parse(Buffer.from(fixture("tokenizer.json")).toString());
}

/** The built-in models' tokenizer.json. @see builtin_tokenizer, models/recipes/tokenizer.py */
export function builtinJson(): TokenizerJson {
  const t5 = t5Json();
  const layout = ["\n", "\n\n", "\n -", "\t", "`", " `", "```", "{", "}", " {", "<", " <", "</", "\\", "^", "~"];
  layout.push("  ", "    ", "        ", "→");
  const marks = [1, 2, 4, 8, 16, 32].map((words) => `<length_${words}>`);
  const added = [...layout, ...marks].map((content, i) => ({ id: 32100 + i, content, special: i >= layout.length }));
  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: true };
  return {
    ...t5,
    added_tokens: [...t5.added_tokens, ...added.map((token) => ({ ...token, normalized: false }))],
    pre_tokenizer: metaspace,
    decoder: metaspace,
    model: { type: "Unigram", byte_fallback: false, ...t5.model },
  };
}
