/** What is remembered of texts: bounded, on disk only where that is allowed, and never the text. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as z from "zod";
import { rememberedSummary } from "../../../server/features/read/remembered-summary.ts";
import { createSummaryCache } from "../../../server/features/read/summary-cache.ts";
import { fakeModel } from "../../support/models/fake-model.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-cache-"));
after(() => rmSync(folder, { recursive: true }));
const schema = z.object({ n: z.number() });
const words = (name: string) => Array.from({ length: 60 }, (_, i) => `${name}${i}`).join(" ");

test("the least recently used goes when there are too many bytes", () => {
  const cache = createSummaryCache({ mostBytes: 1000 });
  for (let n = 0; n < 4; n++) {
    cache.set([n], { n });
    assert.deepEqual(cache.get([0], schema), { n: 0 });
  }
  for (let n = 4; n < 8; n++) cache.set([n], { n });
  const kept = [0, 1, 2, 3, 4, 5, 6, 7].filter((n) => cache.get([n], schema) !== undefined);
  assert.ok(kept.length >= 2 && kept.length <= 5, `${kept.length} of 1000 bytes`);
  assert.deepEqual(kept, [7, 6, 5, 4, 3].slice(0, kept.length).toSorted());
});

test("what reads otherwise than it was written is not taken", () => {
  const cache = createSummaryCache();
  cache.set(["a"], { n: "one" });
  assert.equal(cache.get(["a"], schema), undefined);
});

test("processes that write at the same time lose nothing", async () => {
  const file = join(folder, "together.json");
  const caches = Array.from({ length: 8 }, () => createSummaryCache({ file }));
  await Promise.all(caches.map((cache) => cache.keep("disk")));
  for (let round = 0; round < 2; round++) {
    for (const [n, cache] of caches.entries()) cache.set([round, n], { n });
    await Promise.all(caches.map((cache) => cache.flush()));
  }
  const after = createSummaryCache({ file });
  await after.keep("disk");
  const kept = caches.flatMap((_, n) => [0, 1].filter((round) => after.get([round, n], schema) !== undefined));
  assert.equal(kept.length, 16);
});

test("on disk only when it is asked for, for the user alone, and gone when it is not wanted any more", async () => {
  const file = join(folder, "kept.json");
  const cache = createSummaryCache({ file });
  cache.set(["a secret text"], { n: 1 });
  await cache.flush();
  assert.ok(!existsSync(file));
  await cache.keep("disk");
  cache.set(["another text"], { n: 2 });
  await cache.flush();
  assert.equal(statSync(file).mode & 0o777, process.platform === "win32" ? 0o666 : 0o600);
  assert.ok(!readFileSync(file, "utf8").includes("text"), "keys are hashes");

  const other = createSummaryCache({ file });
  assert.equal(other.get(["a secret text"], schema), undefined);
  await other.keep("disk");
  assert.deepEqual(other.get(["a secret text"], schema), { n: 1 });
  other.set(["of the other window"], { n: 3 });
  await other.flush();
  cache.set(["last"], { n: 4 });
  await cache.flush();
  const third = createSummaryCache({ file });
  await third.keep("disk");
  assert.deepEqual(third.get(["of the other window"], schema), { n: 3 }, "one window does not undo the other's");
  assert.deepEqual(third.get(["last"], schema), { n: 4 });

  await third.keep("memory");
  assert.ok(!existsSync(file));
  assert.deepEqual(third.get(["last"], schema), { n: 4 });
});

test("clearing forgets what is in memory and on disk", async () => {
  const file = join(folder, "cleared.json");
  const cache = createSummaryCache({ file });
  await cache.keep("disk");
  cache.set(["a"], { n: 1 });
  await cache.flush();
  assert.equal(await cache.clear(), 1);
  assert.equal(cache.get(["a"], schema), undefined);
  assert.ok(!existsSync(file));
  await cache.flush();
  assert.ok(!existsSync(file), "nothing is written again");
});

test("what one window forgets is forgotten by the others, in memory and on disk, and what they make since is kept", async () => {
  const file = join(folder, "forgotten.json");
  const [one, other] = [createSummaryCache({ file }), createSummaryCache({ file })];
  for (const cache of [one, other]) await cache.keep("disk");
  other.set(["old"], { n: 1 });
  await other.flush();
  other.set(["not written yet"], { n: 2 });
  await one.clear();
  other.set(["new"], { n: 3 });
  await other.flush();
  const read = async () => {
    const third = createSummaryCache({ file });
    await third.keep("disk");
    return ["old", "not written yet", "new"].map((key) => third.get([key], schema)?.n);
  };
  assert.deepEqual(await read(), [undefined, undefined, 3]);
  assert.deepEqual(
    ["old", "not written yet", "new"].map((key) => other.get([key], schema)?.n),
    [undefined, undefined, 3],
  );
  // In the middle of writing.
  other.set(["old"], { n: 4 });
  const writing = other.flush();
  await one.clear();
  await writing;
  await other.flush();
  assert.deepEqual(await read(), [undefined, undefined, undefined]);
  assert.ok(!existsSync(file), "what was forgotten lies on the disk");
  // A window that was not there.
  other.set(["new"], { n: 5 });
  await other.flush();
  assert.deepEqual(await read(), [undefined, undefined, 5]);
});

test("what was kept on disk goes with the next start that does not want it there, and when that is said while it is written", async () => {
  const file = join(folder, "left.json");
  const before = createSummaryCache({ file });
  await before.keep("disk");
  before.set(["a"], { n: 1 });
  await before.flush();
  const after = createSummaryCache({ file });
  await after.keep("memory");
  assert.ok(!existsSync(file));
  await after.keep("disk");
  assert.equal(after.get(["a"], schema), undefined);

  after.set(["b"], { n: 2 });
  await Promise.all([after.flush(), after.keep("memory")]);
  assert.ok(!existsSync(file));
  assert.deepEqual(after.get(["b"], schema), { n: 2 }, "it stays in memory");
});

for (const [what, content] of [
  ["no JSON", "{"],
  ["other JSON", '{"a":1}'],
  ["values that are no JSON", '[["a","{"]]'],
] as const) {
  test(`a file with ${what} is taken for none`, async () => {
    const file = join(folder, "damaged.json");
    writeFileSync(file, content);
    const cache = createSummaryCache({ file });
    await cache.keep("disk");
    cache.set(["a"], { n: 1 });
    await cache.flush();
    assert.equal(JSON.parse(readFileSync(file, "utf8")).length, 1);
  });
}

test("the same text asks for no model, nor does a change far from what it read; a changed part does", async () => {
  const cache = createSummaryCache();
  const model = fakeModel((input) => `says ${input.trim().split(/\s+/)[2]}.`);
  const texts = ["alpha", "beta", "gamma", "delta"].map((name) => `# ${name}\n\n${words(name)}.`);
  const params = (parts: readonly string[]) =>
    ({ text: parts.join("\n\n"), style: "sentence", maxContextTokens: 128 }) as const;
  const context = { model: async () => model, identity: "one", cache };
  const first = await rememberedSummary(context, params(texts), {});
  assert.deepEqual(await rememberedSummary(context, params(texts), {}), first);
  const unasked = () => Promise.reject(new Error("the model was asked for"));
  assert.deepEqual(await rememberedSummary({ ...context, model: unasked }, params(texts), {}), first);
  assert.equal(model.requests.length, 1);
  const far = await rememberedSummary(context, params(texts.with(3, `# omega\n\n${words("omega")}.`)), {});
  assert.equal(far?.summary, first?.summary);
  assert.equal(model.requests.length, 1);
  const near = await rememberedSummary(context, params(texts.with(0, `# omega\n\n${words("omega")}.`)), {});
  assert.match(near?.summary ?? "", /omega/);
  assert.equal(model.requests.length, 2);
});

test("a cancelled summary is not remembered", async () => {
  const cache = createSummaryCache();
  const controller = new AbortController();
  const model = fakeModel(() => {
    controller.abort();
    return "half";
  });
  const context = { model: async () => model, identity: "one", cache };
  const params = { text: "Some text.", style: "sentence" } as const;
  assert.equal(await rememberedSummary(context, params, { signal: controller.signal }), undefined);
  await rememberedSummary(context, params, {});
  assert.equal(model.requests.length, 1, "the part itself had been written to its end");
});
