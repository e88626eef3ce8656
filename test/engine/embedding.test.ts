import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { importModel } from "../../server/catalog/import.ts";
import { openEmbedder } from "../../server/engine/embedding.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { commandLine } from "../support/command-line.ts";

const files = resolve("test/fixtures/checkpoint/formats/gguf-whole");
const path = join(files, "encoder.gguf");
const { models } = JSON.parse(readFileSync(join(files, "expected.json"), "utf8"));
const { mean, input, ids, text }: { mean: number[]; input: number[]; ids: number[][]; text: string } = models.encoder;
const folder = mkdtempSync(join(tmpdir(), "spanfill-embedding-"));
const { run } = commandLine(folder);
after(() => rmSync(folder, { recursive: true }));

test("an encoder alone gives transformers' mean of its last states", async () => {
  await using embedder = await openEmbedder(path, 1);
  const { vector, tokens } = await embedder.embed(text);
  assert.equal(tokens, input.length);
  for (const [i, expected] of mean.entries())
    assert.ok(Math.abs((vector[i] ?? 0) - expected) < 1e-4, `${vector} ${mean}`);
});

test("embed prints a vector for each line, cut where it is told to", async () => {
  const { code, stdout } = await run(
    ["embed", "--model", path, "--max-tokens", "3", "--threads", "1", "--json"],
    "Hello world\n\nx\n",
  );
  assert.equal(code, 0, stdout);
  const { vectors, tokens } = JSON.parse(stdout);
  assert.deepEqual([vectors.length, vectors[0].length, tokens[0]], [2, mean.length, 3]);
  assert.ok((ids[0]?.length ?? 0) > 3);
});

test("an encoder alone is imported, and refused by what it cannot do where text is written", async () => {
  cpSync(path, join(folder, "encoder.gguf"));
  const places = { own: join(folder, "own"), hub: join(folder, "hub") };
  const { directory } = await importModel(join(folder, "encoder.gguf"), places, {
    signal: new AbortController().signal,
  });
  const engine = createLocalEngine();
  await assert.rejects(engine.load({ directory, precision: "float32" }), /hold only an encoder.*spanfill embed/);
  await engine.dispose();
});
