/**
 * Random checkpoints (wrappers, tables, ties, types, shards, generation settings) give transformers' tokens, or are
 * refused by name: a recorded slice, or the file that SPANFILL_DIFFERENTIAL_CHECKPOINTS names (`npm run differential`).
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { ModelError } from "../../../models/errors.ts";
import { requestOf } from "../../../server/cli/answers/generate-request.ts";
import { createLocalEngine } from "../../../server/engine/process/local.ts";
import { temporaryFolder } from "../folders.ts";

interface Case {
  readonly name: string;
  /** The folder's files in base64, without a tokenizer. */
  readonly files: Readonly<Record<string, string>>;
  readonly input: readonly number[];
  readonly ids: readonly number[];
}

const VOCABULARY = 24;

const recorded = "test/fixtures/checkpoint/differential.json.gz";
const path = process.env["SPANFILL_DIFFERENTIAL_CHECKPOINTS"] ?? recorded;
const cases: Case[] = JSON.parse(gunzipSync(readFileSync(path)).toString());

const engine = createLocalEngine();
after(() => engine.dispose());

const names = ["<pad>", "</s>", "<unk>", ...Array.from({ length: VOCABULARY - 3 }, (_, i) => `w${i + 3}`)];
const tokenizer = {
  added_tokens: [],
  pre_tokenizer: { type: "WhitespaceSplit" },
  model: { type: "WordLevel", unk_token: "<unk>", vocab: Object.fromEntries(names.map((name, id) => [name, id])) },
};

test(`${cases.length} random checkpoints give the tokens that transformers generates, or are refused by name`, async (t) => {
  const [different, refused]: [string[], string[]] = [[], []];
  for (const { name, files, input, ids } of cases) {
    const directory = temporaryFolder(t);
    writeFileSync(join(directory, "tokenizer.json"), JSON.stringify(tokenizer));
    for (const [file, content] of Object.entries(files))
      writeFileSync(join(directory, file), Buffer.from(content, "base64"));
    try {
      const model = await engine.load({ directory, precision: "float32", threads: 1 });
      const { request } = requestOf(input, {}, model.info.generation);
      const { sequences } = await model.generate(request);
      const found = sequences[0]?.[0]?.ids ?? [];
      if (
        JSON.stringify(found) !== JSON.stringify(ids.slice(0, found.length)) ||
        ids.slice(found.length).some((id) => id !== 0)
      )
        different.push(`${name}\n  ${found}\n  ${ids}`);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      refused.push(`${name}: ${error.message}`);
    }
  }
  if (path !== recorded)
    console.log(
      `${cases.length} checkpoints, ${different.length} differ, ${refused.length} refused:\n${refused.join("\n")}`,
    );
  assert.equal(different.length, 0, different.join("\n"));
});
