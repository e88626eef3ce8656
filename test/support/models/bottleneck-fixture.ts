/** Bottlenecks that AdapterHub's library wrote, and its values (test/fixtures/parity/make_bottlenecks.py). */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Rows } from "./gradient-fixture.ts";
import { parityModels, writeParityModel } from "./parity-model.ts";

interface Fixture extends Rows {
  /** A parity model's name. */
  readonly base: string;
  readonly input: readonly number[];
  readonly target: readonly number[];
  readonly adapters: Readonly<Record<string, ExpectedBottleneck>>;
}

/** The library's values with one adapter. */
export interface ExpectedBottleneck {
  /** Of the target. */
  readonly logProbs: readonly number[];
  /** Generated greedily. */
  readonly tokens: readonly number[];
  /** The batch's loss before each step of AdamW. */
  readonly losses: readonly number[];
  /** Of the batch's loss, by the library's names: base64 of float32. */
  readonly gradients: Readonly<Record<string, string>>;
}

/** The folder with the adapters. */
export const BOTTLENECKS = resolve("test/fixtures/parity/bottlenecks");

/** The library's values. */
export function bottleneckFixture(): Fixture {
  return JSON.parse(gunzipSync(readFileSync(join(BOTTLENECKS, "expected.json.gz"))).toString());
}

/** Writes the adapters' base as a model's folder with a tokenizer of whole words, `w3` being token 3. */
export function writeBottleneckBase(directory: string): void {
  const { base } = bottleneckFixture();
  const model = parityModels().find(({ name }) => name === base);
  if (model === undefined) throw new RangeError(`there is no parity model ${base}`);
  writeParityModel({ ...model, config: { ...model.config, eos_token_id: 1 } }, directory);
  const words = ["<pad>", "</s>", "<unk>", ...Array.from({ length: 125 }, (_, i) => `w${i + 3}`)];
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  const tokenizer = {
    pre_tokenizer: { type: "WhitespaceSplit" },
    model: { type: "WordLevel", unk_token: "<unk>", vocab },
  };
  writeFileSync(join(directory, "tokenizer.json"), JSON.stringify({ added_tokens: [], ...tokenizer }));
}
