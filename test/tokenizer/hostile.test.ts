/** Tokenizers that would take hours or all memory: refused by name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { createTokenizer } from "../../models/tokenizer/tokenizer.ts";
import { t5Json } from "./vocabularies.ts";

const double = { type: "Replace", pattern: { String: "a" }, content: "aa" };
const sequence = (normalizers: readonly unknown[]) => ({ type: "Sequence", normalizers });
const deep = (levels: number) =>
  Array.from({ length: levels }).reduce<unknown>((inner) => sequence([inner]), { type: "NFC" });
const split = (source: string) => ({ type: "Split", pattern: { Regex: source }, behavior: "Isolated" });

const rows: [what: string, parts: object, message: RegExp][] = [
  [
    "twenty replacements that double",
    { normalizer: sequence(Array(20).fill(double)) },
    /normalizer makes a text .* 32 times/,
  ],
  [
    "a replacement by a million characters",
    { normalizer: { ...double, content: "a".repeat(1e6) } },
    /content of more than 1000/,
  ],
  ["a replacement by 900 characters", { normalizer: { ...double, content: "a".repeat(900) } }, /32 times longer/],
  ["a sequence in a sequence, a thousand times", { normalizer: deep(1000) }, /more than 16 levels deep/],
  ["two thousand replacements", { normalizer: sequence(Array(2000).fill(double)) }, /more than 1000 parts/],
  [
    "a decoder that doubles",
    { decoder: { type: "Sequence", decoders: Array(20).fill(double) } },
    /decoder makes a text/,
  ],
  [
    "byte levels of byte levels",
    { pre_tokenizer: { type: "Sequence", pretokenizers: Array(20).fill({ type: "ByteLevel", use_regex: false }) } },
    /pre-tokenizer makes a text/,
  ],
  ...[
    ...["(a+)+$", "(a|a)*$", "(a|aa)+b", "(?:a?){40}b", "(a{1,100}){1,100}$", "(x+x+)+y", "(?=(a+)+$)a", "(a*)\\1b"],
    ...["a*a*b", ".*x.*y", "((a{0,50}){0,50}){0,50}b", "a?".repeat(30), "a".repeat(1001)],
  ].map((source): [string, object, RegExp] => [
    `the pattern ${source.slice(0, 40)}`,
    { pre_tokenizer: split(source) },
    /has the pattern .* \(it .*, which may take hours\)\. Use another file of the same vocabulary/,
  ]),
];
for (const [what, parts, message] of rows) {
  test(`refuses a tokenizer.json with ${what}`, () => {
    const json = { ...(t5Json() as object), ...parts };
    const began = process.cpuUsage();
    assert.throws(
      () => {
        const tokenizer = createTokenizer(json);
        tokenizer.decode(tokenizer.encode(`${"a".repeat(2000)}é!`));
      },
      (error) => error instanceof ModelError && error.code === "tokenizer" && message.test(error.message),
    );
    const { user } = process.cpuUsage(began);
    assert.ok(user < 2e6, `${user} us`);
  });
}

const published = [
  " {2,}",
  "\\s+",
  "\\d",
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
];
for (const source of published) {
  test(`takes the published pattern ${source}`, () => {
    const tokenizer = createTokenizer({ ...(t5Json() as object), pre_tokenizer: split(source) });
    assert.ok(tokenizer.encode("The sky is blue.").length > 0);
  });
}
