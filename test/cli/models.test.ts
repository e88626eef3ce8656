import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ModelRow } from "../../protocol/panel/models.ts";
import { commandLine, ended } from "../support/command-line.ts";
import { startHub } from "../support/hub-server.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const ID = "google/t5-efficient-tiny";
const folder = mkdtempSync(join(tmpdir(), "spanfill-models-"));
const model = randomModelFolder();
const files = Object.fromEntries(
  readdirSync(model.directory).map((name) => [name, readFileSync(join(model.directory, name))]),
);
const hub = await startHub({ [ID]: files });
after(async () => {
  await hub[Symbol.asyncDispose]();
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const variables = {
  ...{ HF_HOME: folder, HF_HUB_CACHE: join(folder, "hub"), HF_ENDPOINT: hub.endpoint },
  ...{ SPANFILL_MODELS: join(folder, "own"), SPANFILL_CACHE: join(folder, "cache") },
};
const { run: spanfill } = commandLine(folder, variables);

async function listed(...args: string[]): Promise<ModelRow[]> {
  const { code, stdout } = await spanfill(["models", "--json", ...args]);
  assert.equal(code, 0);
  return JSON.parse(stdout).models;
}

test("models lists the whole catalog and the built-in model, installed ones marked", async () => {
  const models = await listed();
  assert.equal(models.filter(({ family }) => family === "t5-efficient").length, 172);
  assert.ok(models.length >= 212, `${models.length}`);
  const installed = models.filter((row) => row.installed !== undefined);
  assert.deepEqual([...new Set(installed.map(({ family }) => family))], ["built-in"]);
  const { code, stdout } = await spanfill(["models"]);
  assert.equal(code, 0);
  assert.match(stdout, /^google-t5\/t5-small +60,506,624 +6 +512 +242 MB$/m);
  assert.match(stdout, /^google\/t5-efficient-base-nl36 .* needs fine-tuning$/m);
});

test("a model is got, used by its name, checked, found damaged, and removed", async () => {
  const got = await spanfill(["models", "get", ID]);
  assert.equal(got.code, 0, got.stderr);
  const directory = got.stdout.trim();
  assert.deepEqual((await listed("--installed")).map(({ id }) => id).includes(ID), true);
  const args = ["generate", "--model", ID, "--input", "the of and", "--max-new-tokens", "3", "--json"];
  const made = await spanfill(args);
  assert.equal(made.code, 0, made.stderr);
  assert.equal(JSON.parse((await spanfill(["info", ID, "--json"])).stdout).id, ID);

  const fine = await spanfill(["models", "verify", ID, "--json"]);
  assert.equal(fine.code, 0, fine.stdout);
  const path = realpathSync(join(directory, "tokenizer.json"));
  writeFileSync(path, readFileSync(path).subarray(1));
  const damaged = await spanfill(["models", "verify", ID]);
  assert.equal(damaged.code, 1);
  assert.match(
    damaged.stderr,
    /tokenizer.json in .* is damaged or was changed.*Remove the model and download it again/,
  );

  assert.equal((await spanfill(["models", "remove", ID])).code, 0);
  assert.deepEqual((await listed("--installed")).map(({ id }) => id).includes(ID), false);
  assert.equal((await spanfill(["models", "remove", ID])).code, 1);
});

test("an import gives the model the name that was asked for", async () => {
  const made = await spanfill(["models", "import", model.directory, "--name", "mine", "--json"]);
  assert.equal(JSON.parse(made.stdout).id, "mine");
  assert.equal((await spanfill(["info", "mine"])).code, 0);
  assert.equal((await spanfill(["models", "remove", "mine"])).code, 0);
});

test("what goes wrong ends with exit code 1 and says what to do", async () => {
  const { start } = commandLine(folder, { ...variables, HF_HUB_OFFLINE: "1" });
  const offline = await ended(start(["models", "get", ID, "--json"]));
  assert.equal(offline.code, 1);
  assert.deepEqual(JSON.parse(offline.stdout).error.code, "network");
  assert.equal((await spanfill(["models", "get"])).code, 2);
  const none = await spanfill(["models", "import", join(folder, "nothing")]);
  assert.match(none.stderr, /does not exist. Name a folder, a zip file or a weights file/);
});
