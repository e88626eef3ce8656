/** One file deletes, and only what is ours. */
import assert from "node:assert/strict";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { safetensorsHeader } from "../models/checkpoint/safetensors.ts";
import { trimCache } from "../server/catalog/folder/cache.ts";
import { removeModel } from "../server/catalog/store.ts";
import { createSummaryCache } from "../server/features/read/summary-cache.ts";
import {
  hasMetadata,
  isOwnFolder,
  makeOwnFolder,
  noteFolder,
  removeOwn,
  removeOwnFolder,
} from "../server/files/removal.ts";
import { listRuns, readRecord, readyFolder, runFiles, writeRecord } from "../server/runs/folder.ts";
import { createRunService } from "../server/runs/service.ts";

test("nothing else in the server deletes", () => {
  const only = join("server", "files", "removal.ts");
  const files = readdirSync("server", { recursive: true, encoding: "utf8" })
    .map((name) => join("server", name))
    .filter((name) => name.endsWith(".ts"));
  assert.ok(files.includes(only));
  // An import of such a function, or a call of one on the module; rmdir takes only what is empty.
  const deletes =
    /import[^;]*\b(rm|rmSync|unlink|unlinkSync)\b[^;]*from "node:fs|\b(fs|promises)\.(rm|rmSync|unlink|unlinkSync)\b/;
  assert.match('import { a, rm } from "node:fs/promises";', deletes);
  assert.deepEqual(
    files.filter((name) => name !== only && deletes.test(readFileSync(name, "utf8"))),
    [],
    "use removeOwn of server/files/removal.ts",
  );
});

const home = realpathSync(mkdtempSync(join(tmpdir(), "spanfill-removal-")));
after(() => rmSync(home, { recursive: true }));
const models = join(home, "models");
let count = 0;
function folder(): string {
  count += 1;
  const path = join(home, `${count}`);
  mkdirSync(path);
  return path;
}

test("what lies elsewhere, or is reached through a link, stays", async () => {
  const [within, other] = [folder(), folder()];
  writeFileSync(join(other, "a"), "");
  symlinkSync(other, join(within, "link"));
  symlinkSync(join(other, "a"), join(within, "a"));
  const any = () => true;
  assert.equal(await removeOwn(join(other, "a"), within, any), false);
  assert.equal(await removeOwn(join(within, "link", "a"), within, any), false);
  assert.equal(await removeOwn(join(within, "..", "2", "a"), within, any), false);
  assert.equal(await removeOwn(within, within, any), false);
  assert.equal(await removeOwn(join(within, "none"), within, any), false);
  // A link itself, where the mark takes links, and never what it leads to.
  assert.equal(await removeOwn(join(within, "a"), within, (_, status) => status.isFile()), false);
  assert.equal(await removeOwn(join(within, "a"), within, (_, status) => status.isSymbolicLink()), true);
  assert.ok(existsSync(join(other, "a")));
});

test("a folder is ours when it was made here, and neither its copy, nor its successor, nor a link to it", async () => {
  const within = folder();
  const path = join(within, "made");
  await makeOwnFolder(path, models);
  assert.equal(await isOwnFolder(path, models), true);
  cpSync(path, join(within, "copy"), { recursive: true });
  symlinkSync(path, join(within, "link"));
  mkdirSync(join(within, "theirs"));
  await makeOwnFolder(join(within, "theirs"), models);
  for (const name of ["copy", "link", "theirs", "none"]) {
    assert.equal(await isOwnFolder(join(within, name), models), false, name);
    assert.equal(await removeOwnFolder(join(within, name), within, models), false, name);
  }
  renameSync(path, join(within, "away"));
  mkdirSync(path);
  assert.equal(await removeOwnFolder(path, within, models), false, "another by its name");
  await noteFolder(path, models);
  assert.equal(await removeOwnFolder(path, within, models), true);
  assert.deepEqual(readdirSync(within).toSorted(), ["away", "copy", "link", "theirs"]);
  assert.equal(readdirSync(join(models, ".made")).length, 0);
});

/** A safetensors file without tensors, as large as wanted. */
function weights(path: string, metadata: Readonly<Record<string, string>>, bytes = 1000): void {
  const header = safetensorsHeader([{ name: "a", dtype: "F32", shape: [bytes / 4] }], metadata);
  writeFileSync(path, Buffer.concat([header.bytes, Buffer.alloc(bytes)]));
  utimesSync(path, 1, 1);
}

test("the sweep of the cache takes weights of its own making, and no other file of the folder", async () => {
  const cache = folder();
  const key = "0123456789abcdef0123";
  const ours = join(cache, "m-0123456789abcdef.safetensors");
  weights(ours, { spanfill: "1", key });
  const theirs = [
    "model.safetensors",
    "n-0123456789abcdef.safetensors",
    "shipped.safetensors",
    "o-fedcba9876543210.safetensors",
  ];
  weights(join(cache, "model.safetensors"), { format: "pt" });
  weights(join(cache, "n-0123456789abcdef.safetensors"), { format: "pt", key });
  weights(join(cache, "shipped.safetensors"), { spanfill: "1" });
  weights(join(cache, "o-fedcba9876543210.safetensors"), { spanfill: "1", key });
  const others: [string, string][] = [
    [".model.safetensors.11111111-2222-3333-4444-555555555555.tmp", "a person's"],
    ["0123456789abcdef0123456789abcdef.intact", "a person's"],
    ["notes.safetensors", "no such file"],
  ];
  for (const [name, text] of others) {
    writeFileSync(join(cache, name), text);
    utimesSync(join(cache, name), 1, 1);
  }
  const half = join(cache, ".m-0123456789abcdef.safetensors.11111111-2222-3333-4444-555555555556.tmp");
  copyFileSync(ours, half);
  utimesSync(half, 1, 1);
  const kept = join(cache, "new.safetensors");
  weights(kept, { spanfill: "1", key }, 4000);
  await trimCache(cache, kept, 10);
  const left = [...theirs, ...others.map(([name]) => name), "new.safetensors"].toSorted();
  assert.deepEqual(readdirSync(cache).toSorted(), left);
});

test("a half-written file of weights is known by its header", async () => {
  const within = folder();
  weights(join(within, "a"), { spanfill: "1" });
  const whole = readFileSync(join(within, "a"));
  writeFileSync(join(within, "a"), whole.subarray(0, whole.length - 900));
  assert.equal(await removeOwn(join(within, "a"), within, hasMetadata("spanfill", "key")), false);
  assert.equal(await removeOwn(join(within, "a"), within, hasMetadata("spanfill")), true);
});

test("models remove leaves what a person has put there, by hand or by another tool", async () => {
  const places = { hub: join(folder(), "hub"), own: join(folder(), "own") };
  const byHand = join(places.own, "by-hand");
  const victim = folder();
  mkdirSync(byHand, { recursive: true });
  for (const path of [byHand, victim]) writeFileSync(join(path, "config.json"), "{}");
  symlinkSync(victim, join(places.own, "linked"));
  const commit = "0".repeat(40);
  const repository = join(places.hub, "models--a--b");
  mkdirSync(join(repository, "snapshots", commit), { recursive: true });
  mkdirSync(join(repository, "refs"));
  writeFileSync(join(repository, "refs", "main"), commit);
  writeFileSync(join(repository, "snapshots", commit, "config.json"), "{}");
  for (const id of ["by-hand", "linked", "a/b"]) {
    await assert.rejects(removeModel(id, places), /stays: Spanfill did not create this folder/, id);
  }
  for (const path of [byHand, victim, join(repository, "refs")]) assert.ok(readdirSync(path).length > 0, path);
});

test("a run's file does not choose what is removed", async () => {
  const places = { hub: join(folder(), "hub"), own: join(folder(), "own") };
  const victim = folder();
  writeFileSync(join(victim, "thesis.md"), "");
  const request = { task: "summarize", data: join(home, "d.jsonl"), base: "b" } as const;
  const record = { title: "R", startedAt: "2026-01-01T00:00:00Z", request, launchedMs: 0 };
  for (const [id, said] of [
    ["r", { id: "r", out: victim }],
    ["s", { id: "../../victim", out: victim }],
  ] as const) {
    await readyFolder(places, id);
    await writeRecord(places, { ...record, id, out: victim });
    writeFileSync(runFiles(places, id).record, JSON.stringify({ ...record, ...said }));
  }
  assert.equal((await readRecord(places, "r"))?.out, join(places.own, "r"));
  const service = createRunService({ places, cli: "none", onNews: () => undefined });
  const remove = (id: string) =>
    service.answers.removeRun({ kind: "removeRun", id, model: true }, new AbortController().signal);
  // A folder in the model's place that the run did not make stays, and so does all else then.
  symlinkSync(victim, join(places.own, "r"));
  await assert.rejects(remove("r"), /stays: Spanfill did not create/);
  rmSync(join(places.own, "r"));
  await remove("r");
  await assert.rejects(remove("s"), /no run/);
  service.dispose();
  assert.deepEqual(await listRuns(places), ["s"]);
  assert.deepEqual(readdirSync(victim), ["thesis.md"]);
});

test("only a file of summaries is forgotten", async () => {
  const file = join(folder(), "summaries.json");
  writeFileSync(file, '{"a": "person\'s"}');
  const cache = createSummaryCache({ file });
  await cache.clear();
  assert.ok(existsSync(file));
  await cache.keep("disk");
  cache.set(["a"], { summary: "s" });
  await cache.flush();
  await cache.clear();
  assert.equal(existsSync(file), false);
});
