import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { readGenerationSettings } from "../../server/catalog/folder/generation.ts";
import { requestOf } from "../../server/cli/answers/generate-request.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";

interface Case {
  readonly file: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** The end token of config.json, if it is not the fixture's. */
  readonly end?: number;
  readonly input: readonly number[];
  readonly ids: readonly (readonly number[])[];
}

const cases: Case[] = JSON.parse(gunzipSync(readFileSync("test/fixtures/generation/cases.json.gz")).toString());
const plain = "test/fixtures/checkpoint/plain";
const base = JSON.parse(readFileSync(join(plain, "config.json"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "spanfill-generation-"));
const engine = createLocalEngine();
after(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

/** A tokenizer of 40 words, since the settings are about ids. */
function tokenizerOf(end: number) {
  const nameOf = (id: number) => (id === end ? "</s>" : id === 0 ? "<pad>" : id === 2 ? "<unk>" : `w${id}`);
  return {
    added_tokens: [],
    pre_tokenizer: { type: "WhitespaceSplit" },
    model: {
      type: "WordLevel",
      unk_token: "<unk>",
      vocab: Object.fromEntries(Array.from({ length: 40 }, (_, id) => [nameOf(id), id])),
    },
  };
}

function modelFolder(name: string, files: Readonly<Record<string, unknown>>): string {
  const directory = join(folder, name);
  mkdirSync(directory);
  cpSync(join(plain, "model.safetensors"), join(directory, "model.safetensors"));
  for (const [file, content] of Object.entries({ "config.json": base, "tokenizer.json": tokenizerOf(1), ...files }))
    writeFileSync(join(directory, file), JSON.stringify(content));
  return directory;
}

/**
 * Cases where several sequences have one score up to the last bits of float32, so that rounding decides between them:
 * the scores that transformers gives to its own.
 */
const TIES: Readonly<Record<number, readonly number[]>> = {
  66: [-3.151711940765381],
  76: [-3.6879496574401855, -3.6880266666412354, -3.6880266666412354],
};

test(`${cases.length} random settings give the tokens that transformers generates by them`, async () => {
  const different: string[] = [];
  for (const [i, { file, settings, end: declaredEnd = base.eos_token_id, input, ids }] of cases.entries()) {
    const config = { ...base, eos_token_id: declaredEnd };
    const inConfig = file === "config.json";
    const directory = modelFolder(`${i}`, {
      "config.json": { ...config, ...(inConfig ? settings : {}) },
      "tokenizer.json": tokenizerOf([(inConfig && settings["eos_token_id"]) || declaredEnd].flat()[0]),
      ...(inConfig ? {} : { [file]: settings }),
    });
    const model = await engine.load({ directory, precision: "float32", threads: 1 });
    const options = inConfig && !("max_length" in settings || "max_new_tokens" in settings) ? { maxNewTokens: 10 } : {};
    const { request } = requestOf(input, options, model.info.generation);
    const { sequences } = await model.generate(request);
    const found = (sequences[0] ?? []).map((sequence) => sequence.ids);
    // Shorter rows are padded in transformers, with pad or an end token.
    const ends = [settings["eos_token_id"] ?? (inConfig ? declaredEnd : [])].flat();
    const cut = (row: readonly number[]) => {
      const end = row.findIndex((id) => ends.includes(id));
      return end < 0 ? row : row.slice(0, end + 1);
    };
    const [ours, theirs] = [found.map(cut), ids.map(cut)];
    const tie = TIES[i];
    if (tie !== undefined) {
      const scores = (sequences[0] ?? []).map(({ score }) => score);
      assert.equal(scores.length, tie.length);
      for (const [at, score] of scores.entries())
        assert.ok(Math.abs(score - (tie[at] ?? 0)) < 1e-6, `${scores} ${tie}`);
    } else if (JSON.stringify(ours) !== JSON.stringify(theirs))
      different.push(`${i} ${JSON.stringify(settings)}\n  ${JSON.stringify(ours)}\n  ${JSON.stringify(theirs)}`);
  }
  assert.deepEqual(different, [], different.join("\n"));
});

test("the command line stands above the model's settings, and each says where it comes from", async () => {
  const directory = modelFolder("sources", {
    "generation_config.json": { eos_token_id: [1, 7], num_beams: 3, max_new_tokens: 9, num_beam_groups: 3, top_k: 50 },
  });
  const own = await readGenerationSettings(directory);
  const { request, settings } = requestOf([3, 1], { numBeams: 2 }, own);
  assert.deepEqual([request.numBeams, request.maxNewTokens, request.lengthPenalty], [2, 9, 1]);
  assert.deepEqual(settings["numBeams"], { value: 2, from: "command line" });
  assert.deepEqual(settings["maxNewTokens"], { value: 9, from: "generation_config.json" });
  assert.deepEqual(settings["lengthPenalty"], { value: 1, from: "default" });
  assert.deepEqual(settings["endTokenIds"], { value: [1, 7], from: "generation_config.json" });
  assert.deepEqual(settings["ignored"], ["num_beam_groups"]);
});

test("beams that would be sampled are named as not carried out", async () => {
  const directory = modelFolder("sampled", {
    "generation_config.json": { do_sample: true, num_beams: 4, min_p: 0.1, top_h: 0.4, stop_strings: ["."] },
  });
  const own = await readGenerationSettings(directory);
  assert.deepEqual(own.ignored, ["num_beams", "stop_strings"]);
  const { request, settings, notes } = requestOf([3, 1], {}, own);
  assert.match(String(notes), /^generation_config\.json asks for num_beams, stop_strings, which Spanfill does not do/);
  assert.deepEqual(request.sample, { minP: 0.1, topH: 0.4 });
  assert.deepEqual(settings["numBeams"], { value: 1, from: "default" });
});

test("a start token in a list of one is that token, as transformers takes it", async () => {
  const directory = modelFolder("started", { "generation_config.json": { decoder_start_token_id: [4] } });
  assert.equal((await readGenerationSettings(directory)).startTokenId, 4);
});

test("a malformed file, or a token outside the vocabulary, is refused by name", async () => {
  const load = (name: string, settings: unknown) =>
    engine.load({ directory: modelFolder(name, { "generation_config.json": settings }), precision: "float32" });
  const malformed: [settings: unknown, message: RegExp][] = [
    [{ num_beams: "many" }, /generation_config\.json is not as transformers writes it: "num_beams" must be a number\./],
    [{ max_new_tokens: -1 }, /: "max_new_tokens" must be more than 0\. Correct it/],
    [{ top_p: 2 }, /: "top_p" must be at most 1\./],
    [[1], /: its content must be an object\./],
  ];
  for (const [i, [settings, message]] of malformed.entries())
    await assert.rejects(load(`malformed${i}`, settings), (error: Error) => message.test(error.message));
  await assert.rejects(load("biased", { sequence_bias: [[[3, 41], 1]] }), /names the token 41, but the model has 40/);
  await assert.rejects(load("beyond", { suppress_tokens: [40] }), /names the token 40, but the model has 40 tokens/);
});
