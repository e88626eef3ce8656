/** Ids that a graph would trust: wherever a file or a request names one, it is checked against the vocabulary. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { batchOf } from "../../models/t5/batch.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { wholeNumbers } from "../../server/engine/wire/tensors.ts";
import { readRequest } from "../../server/serving/requests.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

type Json = Record<string, unknown>;

const json = (path: string): Json => JSON.parse(readFileSync(path, "utf8"));

/** Does something with a model whose file was changed. */
async function withChanged(file: string, change: (json: Json) => Json, act: (folder: string) => Promise<unknown>) {
  const model = randomModelFolder();
  const path = join(model.directory, file);
  const made = file === "added_tokens.json" || file === "decoding.json" || file === "generation_config.json";
  try {
    writeFileSync(path, JSON.stringify(change(made ? {} : json(path))));
    await act(model.directory);
  } finally {
    model.dispose();
  }
}

function isRefusal(code: string, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  };
}

const ROWS: number = (() => {
  const model = randomModelFolder();
  try {
    return Number(json(join(model.directory, "config.json"))["vocab_size"]);
  } finally {
    model.dispose();
  }
})();

const framed = (id: number) => (tokenizer: Json) => ({
  ...tokenizer,
  post_processor: {
    type: "TemplateProcessing",
    single: [{ Sequence: { id: "A", type_id: 0 } }, { SpecialToken: { id: "</s>", type_id: 0 } }],
    special_tokens: { "</s>": { id: "</s>", ids: [id], tokens: ["</s>"] } },
  },
});
const table = (id: unknown) => (tokenizer: Json) => ({
  ...tokenizer,
  added_tokens: [],
  model: { type: "WordLevel", unk_token: "<unk>", vocab: { "<pad>": 0, "</s>": 1, "<unk>": 2, a: id } },
});
const ofModel = (change: (model: Json) => Json) => (tokenizer: Json) => ({
  ...tokenizer,
  model: change(tokenizer["model"] as Json),
});
const more = ofModel((model) => ({ ...model, vocab: [...(model["vocab"] as unknown[]), ["one", -1], ["more", -1]] }));

/** Files that training refuses too, since it reads the same tokenizer. */
const tokenizers: [what: string, file: string, change: (json: Json) => Json, words: RegExp][] = [
  ["more pieces than rows", "tokenizer.json", more, /ids go up to \d+, but the model has \d+ tokens/],
  ["a token behind texts beyond the rows", "tokenizer.json", framed(ROWS), /puts the token \d+ around texts/],
  ["a token behind texts below zero", "tokenizer.json", framed(-1), /puts the token -1 around texts/],
  ["a token behind texts that is no whole number", "tokenizer.json", framed(1.5), /puts the token 1.5 around texts/],
  ["a piece beyond the rows", "tokenizer.json", table(ROWS), /ids go up to/],
  ...[2 ** 32 - 1, 2 ** 32, 2 ** 53, -1, 1.5, "3", null].map((id): [string, string, (json: Json) => Json, RegExp] => [
    `a piece with the id ${id}`,
    "tokenizer.json",
    table(id),
    /the id of its piece "a" is not a number from 0 to/,
  ]),
  [
    "an unknown piece beyond the pieces",
    "tokenizer.json",
    ofModel((model) => ({ ...model, unk_id: ROWS })),
    /unknown piece has id/,
  ],
];
for (const [what, file, change, words] of tokenizers) {
  test(`a tokenizer with ${what} is refused`, () =>
    withChanged(file, change, (folder) => assert.rejects(readTokenizer(folder), isRefusal("tokenizer", words))));
}

const config = (name: string, value: unknown) => (json: Json) => ({ ...json, [name]: value });
const generation = (settings: object) => () => ({ decoder_start_token_id: 0, eos_token_id: 1, ...settings });
const models: [file: string, change: (json: Json) => Json, words: RegExp][] = [
  ...["pad_token_id", "eos_token_id", "decoder_start_token_id"].flatMap((name) => [
    ["config.json", config(name, ROWS), /outside its vocabulary/] as const,
    ["config.json", config(name, -1), /where at least 0 is needed/] as const,
  ]),
  ["config.json", config("eos_token_id", [1, ROWS]), /names the token \d+, but the model has/],
  ...[
    { eos_token_id: [1, ROWS] },
    { pad_token_id: ROWS },
    { decoder_start_token_id: ROWS },
    { suppress_tokens: [ROWS] },
    { begin_suppress_tokens: [ROWS] },
    { bad_words_ids: [[ROWS]] },
    { forced_bos_token_id: ROWS },
    { forced_eos_token_id: ROWS },
    { sequence_bias: [[[ROWS], 1]] },
  ].map((settings) => ["generation_config.json", generation(settings), /generation_config\.json names/] as const),
  ["generation_config.json", generation({ decoder_start_token_id: -5 }), /must be at least 0/],
  ["decoding.json", () => ({ frequent: [ROWS] }), /decoding\.json names the token \d+, but the model has/],
  ["decoding.json", () => ({ frequent: [-1] }), /must be at least 0/],
].map(([file, change, words]) => [file, change, words] as [string, (json: Json) => Json, RegExp]);
test("settings that name tokens outside the vocabulary are refused when the model is loaded", async () => {
  const engine = createLocalEngine();
  try {
    for (const [file, change, words] of models) {
      await withChanged(file, change, async (directory) =>
        assert.rejects(engine.load({ directory, precision: "float32", threads: 1 }), isRefusal("config", words), file),
      );
    }
  } finally {
    await engine.dispose();
  }
});

const shape = parseConfig({
  ...{ model_type: "t5", vocab_size: 20, d_model: 8, d_ff: 16, d_kv: 4, num_heads: 2, num_layers: 1 },
});

test("no batch of examples has an id without a row", () => {
  for (const id of [20, -1, 2 ** 32, Number.NaN]) {
    for (const example of [
      { input: [3, id, 1], target: [4, 1] },
      { input: [3, 1], target: [id, 1] },
    ])
      assert.throws(() => batchOf(shape, [example]), isRefusal("tokenizer", /has the token .+, but the model has 20/));
  }
  assert.equal(batchOf(shape, [{ input: [19, 1], target: [0, 1] }]).extents.B, 1);
});

test("no request to a served model has an id without a row", () => {
  const right = {
    input_ids: wholeNumbers([1, 2], [3, 1]),
    attention_mask: wholeNumbers([1, 2], [1, 1]),
    tokens: wholeNumbers([1, 1], [0]),
    banned: wholeNumbers([1, 1], [3]),
    stops: wholeNumbers([1, 1], [1]),
    candidates: wholeNumbers([1, 2], [3, 1]),
    common: wholeNumbers([1, 1], [1]),
    steps: wholeNumbers([1, 1], [4]),
    ngram: wholeNumbers([1, 1], [2 ** 30]),
  };
  assert.equal(readRequest("generate", right, shape).operation, "generate");
  for (const [name, axes] of Object.entries({ input_ids: 2, tokens: 1, banned: 1, stops: 1, candidates: 2 })) {
    for (const id of [20, -2, 2 ** 31 - 1, -(2 ** 31)]) {
      const values = axes === 1 ? [id] : [3, id];
      const tensors = { ...right, [name]: wholeNumbers([1, axes], values) };
      assert.throws(
        () => readRequest("generate", tensors, shape),
        isRefusal("input", new RegExp(`The tensor ${name} `)),
      );
    }
  }
});
