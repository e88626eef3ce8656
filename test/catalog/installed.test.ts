import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import {
  listBuiltin,
  meansFolder,
  modelAccount,
  readDecoding,
  readManifest,
  resolveModel,
} from "../../server/catalog/installed.ts";
import { modelFolder, temporaryFolder } from "./folders.ts";

/** A folder of built-in models by name; a manifest where one is given. */
function builtinFolder(t: Parameters<typeof modelFolder>[0], models: Record<string, object | undefined>): string {
  const folder = temporaryFolder(t);
  for (const [name, manifest] of Object.entries(models)) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "config.json"), "{}");
    if (manifest !== undefined) writeFileSync(join(folder, name, "spanfill.json"), JSON.stringify(manifest));
  }
  mkdirSync(join(folder, "no-model"));
  return folder;
}

test("finds a built-in model by id, folder name, distinguishing word, and none at all", (t) => {
  const folder = builtinFolder(t, { "t5-efficient-tiny-nl4-spanfill": undefined, "t5-small": { id: "small-1" } });
  const tiny = join(folder, "t5-efficient-tiny-nl4-spanfill");
  for (const asked of [undefined, "tiny", "nl4", "t5-efficient-tiny-nl4-spanfill"]) {
    assert.equal(resolveModel(asked, { builtinFolder: folder }), tiny, asked);
  }
  for (const asked of ["small-1", "t5-small", "small"])
    assert.equal(resolveModel(asked, { builtinFolder: folder }), join(folder, "t5-small"), asked);
  assert.deepEqual(
    listBuiltin(folder).map(({ id }) => id),
    ["t5-efficient-tiny-nl4-spanfill", "small-1"],
  );
});

test("finds any other model by its folder, as an absolute path", () => {
  const fixture = resolve("test/fixtures/checkpoint/plain");
  assert.equal(resolveModel(fixture), fixture);
  const workingFolder = resolve("test/fixtures");
  for (const path of ["./checkpoint/plain", "../fixtures/checkpoint/plain"]) {
    assert.equal(resolveModel(path, { workingFolder }), fixture);
  }
});

test("only a path that says so means a folder", () => {
  for (const path of ["/a", "./a", "../a", ".", "..", "./google/flan-t5-small"]) {
    assert.equal(meansFolder(path, "linux"), true, path);
    assert.equal(meansFolder(path, "win32"), true, path);
  }
  for (const path of [".\\a", "..\\a", "C:\\a", "c:/a", "c:a", "\\\\server\\share\\a", "\\a", "//server/share"]) {
    assert.equal(meansFolder(path, "win32"), true, path);
  }
  for (const id of ["a", "google/flan-t5-small", "a/../b", "~/a", ".a", "..a", ".../a", "test/fixtures", "", "a:b"]) {
    assert.equal(meansFolder(id, "linux"), false, id);
    if (id !== "a:b") assert.equal(meansFolder(id, "win32"), false, id);
  }
});

test("an id is none of the working folder's folders, which the message tells of", () => {
  const workingFolder = resolve("test/fixtures");
  assert.throws(
    () => resolveModel("checkpoint/plain", { workingFolder }),
    /no model "checkpoint\/plain"\. A folder here has that name: write \.\/checkpoint\/plain to use it\./,
  );
  assert.throws(() => resolveModel("test/fixtures/checkpoint/plain"), /There is no model/);
});

test("a relative path means nothing where nobody called a command", () => {
  assert.throws(() => resolveModel("./test/fixtures/checkpoint/plain"), /relative.*Give the absolute path/);
});

test("a gin file beside a folder that is not there makes no model of it", (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "config.gin"), "");
  assert.throws(() => resolveModel("./none", { workingFolder: folder }), /There is no folder/);
  assert.throws(() => resolveModel("google/none", { workingFolder: folder }), /There is no model/);
});

const unresolved: [string, Record<string, object | undefined>, string | undefined, RegExp][] = [
  [
    "an unknown id, naming those there are",
    { "a-tiny": undefined, "b-small": undefined },
    "large",
    /no model "large"\. Built-in models: a-tiny, b-small; or give the path of a folder/,
  ],
  [
    "a folder without config.json",
    { "a-tiny": undefined },
    resolve("test/fixtures"),
    /fixtures has no config\.json\. Give a folder with/,
  ],
  [
    "a word that several models share",
    { "a-tiny": undefined, "b-tiny": undefined },
    "tiny",
    /"tiny" could be a-tiny or b-tiny/,
  ],
  ["no model at all", {}, undefined, /no model "t5-efficient-tiny-nl4-spanfill"\. No built-in model is installed/],
  [
    "a malformed manifest",
    { "a-tiny": { prefixes: { summarize: 1 } } },
    "tiny",
    /spanfill\.json is malformed \([^)]*summarize/,
  ],
];
for (const [name, models, asked, message] of unresolved) {
  test(`refuses ${name}`, (t) => {
    assert.throws(
      () => resolveModel(asked, { builtinFolder: builtinFolder(t, models) }),
      (error) => error instanceof ModelError && error.code === "config" && message.test(error.message),
    );
  });
}

test("a manifest gives id, prefixes and digests; without one the folder's name is the id", (t) => {
  const folder = modelFolder(t, "plain");
  const none = { id: "plain", prefixes: {}, sha256: {}, calibration: {}, languages: ["en"] };
  assert.deepEqual(readManifest(folder), none);
  writeFileSync(join(folder, "spanfill.json"), JSON.stringify({ id: "x", prefixes: { infill: "fill: " } }));
  assert.deepEqual(readManifest(folder), { ...none, id: "x", prefixes: { infill: "fill: " } });
  // The longest soft prompt that `train` makes.
  const prompt = Array.from({ length: 1000 }, (_, i) => `<prompt_${i}>`).join("");
  writeFileSync(join(folder, "spanfill.json"), JSON.stringify({ id: "x", prefixes: { text: prompt } }));
  assert.equal(readManifest(folder).prefixes["text"], prompt);
  const modes = { R: "[NLU] ", S: "[S2S] ", X: "[NLG] " };
  writeFileSync(join(folder, "spanfill.json"), JSON.stringify({ modes }));
  assert.deepEqual(readManifest(folder), { ...none, modes });
  writeFileSync(join(folder, "spanfill.json"), JSON.stringify({ modes: { R: "" } }));
  assert.throws(() => readManifest(folder), /spanfill\.json is malformed/);
  // UL2 was published without such a file.
  assert.deepEqual(readManifest("/hub/models--google--ul2/snapshots/0").modes, modes);
  assert.equal(readManifest("/hub/models--google--flan-ul2/snapshots/0").modes, undefined);
});

test("a manifest says what likelihoods mean and which languages a model knows", (t) => {
  const folder = modelFolder(t, "plain");
  const write = (manifest: object) => writeFileSync(join(folder, "spanfill.json"), JSON.stringify(manifest));
  const calibration = { fill: { bias: -1, weights: { total: 0.5 } } };
  write({ calibration, languages: ["de", "en"] });
  const { calibration: read, languages } = readManifest(folder);
  assert.deepEqual([read, languages], [calibration, ["de", "en"]]);
  for (const wrong of [
    { languages: [] },
    { languages: ["German"] },
    { calibration: { fill: { bias: "high", weights: {} } } },
    { calibration: { fill: { bias: 0, weights: { luck: 1 } } } },
  ]) {
    write(wrong);
    assert.throws(() => readManifest(folder), /spanfill\.json is malformed/);
  }
});

test("accounts for a model: shape, exact parameters, memory, files and whether they are intact", async (t) => {
  const folder = modelFolder(t, "plain");
  symlinkSync("nowhere", join(folder, "dangling"));
  const sha256 = {
    "model.safetensors": createHash("sha256")
      .update(readFileSync(join(folder, "model.safetensors")))
      .digest("hex"),
    "config.json": "0".repeat(64),
  };
  writeFileSync(join(folder, "spanfill.json"), JSON.stringify({ sha256 }));
  const account = await modelAccount(folder);
  assert.equal(account.id, "plain");
  assert.equal(account.config.dFf, 136);
  assert.equal(account.weights, "float");
  // The fixture's tensors, counted from their shapes by Python.
  const expected: Record<string, { shape: number[] }> = JSON.parse(
    readFileSync("test/fixtures/checkpoint/expected.json", "utf8"),
  ).plain.float32;
  const parameters = Object.values(expected).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  assert.equal(account.parameters, parameters);
  assert.equal(account.memoryBytes.float32, 4 * parameters);
  assert.deepEqual(
    account.files.map(({ name, intact }) => [name, intact]),
    [
      ["config.json", false],
      ["model.safetensors", true],
      ["spanfill.json", undefined],
    ],
  );
  assert.equal(account.files[1]?.sizeBytes, readFileSync(join(folder, "model.safetensors")).length);
});

test("an account checks the tensors too", async (t) => {
  const folder = modelFolder(t, "plain");
  writeFileSync(join(folder, "model.safetensors"), "");
  await assert.rejects(modelAccount(folder), (error) => error instanceof ModelError && error.code === "checkpoint");
});

test("reads how a model decodes best, says nothing without the file, and refuses a malformed one", (t) => {
  const folder = temporaryFolder(t);
  assert.deepEqual(readDecoding(folder), { frequent: [] });
  const write = (content: object) => writeFileSync(join(folder, "decoding.json"), JSON.stringify(content));
  const decoding = {
    shortlist: 4096,
    summary: { beams: 4 },
    title: { copyBias: { afterOne: 2 } },
    frequent: [3, 9],
  };
  write(decoding);
  assert.deepEqual(readDecoding(folder), decoding);
  for (const wrong of [
    { shortlist: 0 },
    { summary: { beams: 0 } },
    { frequent: [-1] },
    { title: { copyBias: { afterTwo: "much" } } },
  ]) {
    write(wrong);
    assert.throws(() => readDecoding(folder), { code: "config", message: /decoding\.json is malformed/ });
  }
});
