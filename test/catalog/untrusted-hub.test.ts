import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { keptDirectory, keptModels, removeModel } from "../../server/catalog/store.ts";
import { COMMIT, hubHash, json, type ListedFile } from "../support/hub-server.ts";
import { FILES, ID, is, NEEDED, setup, WEIGHTS } from "./hub-client.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const TREE = `/api/models/${ID}/tree/${COMMIT}`;
const WEIGHTS_PATH = `/store/${hubHash("x.bin", WEIGHTS)}`;

/** Answers requests whose path begins so. */
function at(path: string, answer: Answer) {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith(path)) return false;
    answer(request, response);
    return true;
  };
}

/** A folder beside the store, whose files a hub would like to have. */
function victimIn(folder: string): { readonly path: string; readonly check: () => void } {
  const path = join(folder, "victim");
  mkdirSync(path);
  const names = ["config.json", "tokenizer.json", "pytorch_model.bin", "main", "x", "x.incomplete"];
  for (const name of names) writeFileSync(join(path, name), "PRECIOUS");
  return {
    path,
    check: () => {
      assert.deepEqual(readdirSync(path).toSorted(), names.toSorted());
      for (const name of names) assert.equal(readFileSync(join(path, name), "utf8"), "PRECIOUS", name);
    },
  };
}

const commits = [
  "../../../victim",
  "/etc",
  "",
  "main",
  `${COMMIT}/..`,
  `${COMMIT}\n`,
  COMMIT.toUpperCase(),
  COMMIT.slice(1),
  7,
  null,
  {},
];
for (const commit of commits) {
  test(`refuses ${JSON.stringify(commit)} for a commit, and writes nothing`, async (t) => {
    const { hub, places, folder, get } = await setup(t);
    const victim = victimIn(folder);
    hub.commit = commit;
    await assert.rejects(
      get(),
      is("network", /^127\.0\.0\.1:\d+ names ".*" as the commit of google.*Name another mirror/),
    );
    victim.check();
    assert.ok(!existsSync(places.hub));
  });
}

/** How a list of files is wrong, and what is said of it. */
const lists: [what: string, alter: (entries: ListedFile[]) => unknown, words: RegExp][] = [
  [
    "a hash that climbs",
    change("pytorch_model.bin", { lfs: { oid: "../../../victim/x", size: 8 } }),
    /bin" .* an invalid hash/,
  ],
  [
    "a git hash that climbs",
    change("config.json", { oid: "../../../victim/config.json", size: 8 }),
    /json" .* an invalid hash/,
  ],
  ["an absolute hash", change("spiece.model", { lfs: { oid: "/etc/passwd", size: 8 } }), /an invalid hash/],
  ["a hash of another length", change("spiece.model", { lfs: { oid: "0".repeat(40), size: 8 } }), /an invalid hash/],
  ["a hash in capitals", change("config.json", { oid: "ABCDEF".padEnd(40, "0") }), /an invalid hash/],
  ["a hash and a line break", change("config.json", { oid: `${"0".repeat(40)}\n` }), /an invalid hash/],
  ["no hash", change("config.json", { oid: undefined }), /an invalid hash/],
  ["a size below zero", change("config.json", { size: -1 }), /an invalid size/],
  ["a size that is text", change("config.json", { size: "19" }), /an invalid size/],
  ["a broken size", change("config.json", { size: 1.5 }), /an invalid size/],
  ["a size beyond all disks", change("spiece.model", { lfs: { oid: "0".repeat(64), size: 2e12 } }), /an invalid size/],
  ["a file twice", (entries) => [...entries, ...entries], /lists \S+ of \S+ twice/],
  ["a name too long", add({ path: `model-${"0".repeat(300)}-of-1.safetensors` }), /an invalid name/],
  ["no list", () => ({ entries: 3 }), /gave no readable answer about/],
  ["a text for a list", () => "../../../victim", /has no config\.json/],
  ["a list of nothing", () => [null, 3, "x", [], {}], /gave no readable answer|has no config\.json/],
  [
    "20,000 files",
    (entries) => [...Array.from({ length: 20_000 }, (_, i) => ({ ...entries[0], path: `f${i}` })), ...entries],
    /more than 10000 files/,
  ],
];
for (const [what, alter, words] of lists) {
  test(`refuses a list of files with ${what}, and writes nothing`, async (t) => {
    const { hub, places, folder, get } = await setup(t);
    const victim = victimIn(folder);
    hub.alter = alter;
    await assert.rejects(get(), (error: Error & { code: "config" }) => is(error.code, words)(error));
    victim.check();
    assert.ok(!existsSync(places.hub));
    assert.equal(hub.sentBytes, 0);
  });
}

test("files with names that lead elsewhere are not those of a model, and are left where they are", async (t) => {
  const { hub, places, folder, get } = await setup(t);
  const victim = victimIn(folder);
  const names = [
    "../config.json",
    "../../../../victim/x",
    "/etc/model.safetensors",
    "C:model.safetensors",
    "..\\model.safetensors",
  ];
  const more = [
    "./model.safetensors",
    "model.safetensors\0",
    "model.safetensors.",
    "model.safetensors ",
    "aux",
    "NUL.json",
  ];
  hub.alter = (entries) => [...[...names, ...more].map((path) => ({ ...entries[0], path })), ...entries];
  assert.deepEqual(readdirSync(await get()).toSorted(), NEEDED);
  victim.check();
  assert.deepEqual(readdirSync(folder).toSorted(), ["hub", "own", "victim"]);
  assert.deepEqual(readdirSync(places.hub), ["models--google--t5-efficient-tiny"]);
});

for (const id of [
  "../x",
  "a/../b",
  "a/b/c",
  "/etc",
  "a\\b",
  "a\0",
  "x y",
  ".a",
  "a.",
  "a--b",
  "a..b",
  "a.git",
  "",
  "é",
  "a".repeat(97),
]) {
  test(`asks no hub for ${JSON.stringify(id.slice(0, 12))}, which cannot be an id, and removes nothing`, async (t) => {
    const { hub, places, get } = await setup(t);
    await assert.rejects(get({ id }), is("input", /cannot be a model's id on the hub\. Write NAME or OWNER\/NAME/));
    await assert.rejects(removeModel(id, places), is("input", /cannot be a model's id/));
    assert.equal(keptDirectory(id, places), undefined);
    assert.deepEqual(hub.requests, []);
  });
}

test("a reference in the store that is no commit's id leads to no model", async (t) => {
  const { places, folder, get } = await setup(t);
  const victim = victimIn(folder);
  const repository = dirname(dirname(await get()));
  assert.notEqual(keptDirectory(ID, places), undefined);
  for (const commit of ["../../../victim", victim.path, "."]) {
    writeFileSync(join(repository, "refs", "main"), commit);
    assert.equal(keptDirectory(ID, places), undefined, commit);
    assert.deepEqual(await keptModels(places), []);
  }
});

/** Links that lie in the store before: what stands at which path, below the model's folder. */
const BLOB = hubHash("config.json", FILES["config.json"]);
const links: [path: string, target: string][] = [
  ["", "."],
  ["blobs", "."],
  ["snapshots", "."],
  [`snapshots/${COMMIT}`, "."],
  ["refs", "."],
  [`blobs/${BLOB}`, "x"],
  [`blobs/${BLOB}.incomplete`, "x"],
  [`blobs/${hubHash("x.bin", WEIGHTS)}.incomplete`, "missing"],
];
for (const [path, target] of links) {
  test(`a link at ${path || "the model's folder"} that leads out of the store is written through by nothing`, async (t) => {
    const { places, folder, get } = await setup(t);
    const victim = victimIn(folder);
    const from = join(places.hub, "models--google--t5-efficient-tiny", path);
    mkdirSync(dirname(from), { recursive: true });
    symlinkSync(join(victim.path, target), from);
    await assert.rejects(get(), is("storage", /is not a (folder|file) but a link.*Remove it/));
    victim.check();
  });
}

test("a pipe in the place of a file is not waited for", {
  timeout: 300_000,
  skip: process.platform === "win32",
}, async (t) => {
  const { places, get } = await setup(t);
  const blobs = join(places.hub, "models--google--t5-efficient-tiny", "blobs");
  mkdirSync(blobs, { recursive: true });
  execFileSync("mkfifo", [join(blobs, `${BLOB}.incomplete`)]);
  await assert.rejects(get(), is("storage", /is not a file but a link or something else/));
});

test("the store itself may be a link to another disk", async (t) => {
  const { places, folder, get } = await setup(t);
  mkdirSync(join(folder, "other"));
  symlinkSync(join(folder, "other"), places.hub);
  const directory = await get();
  assert.deepEqual(readFileSync(join(directory, "pytorch_model.bin")), WEIGHTS);
  assert.ok(realpathSync(directory).startsWith(realpathSync(join(folder, "other"))));
});

/** Bodies without an end, and what is said of them; sent bytes are counted. */
const endless: [what: string, path: string, answer: Answer, words: RegExp][] = [
  [
    "a list",
    TREE,
    (_, response) => pour(response, Buffer.from(`[${`${JSON.stringify({ type: "file", path: "x" })},`.repeat(2000)}`)),
    /more than 16 MB/,
  ],
  ["a list that unpacks to a thousand times its size", TREE, (_, response) => unpack(response), /more than 16 MB/],
  [
    "an answer about the model",
    `/api/models/${ID}/revision`,
    (_, response) => pour(response, Buffer.alloc(1 << 16, 32)),
    /more than 16 MB/,
  ],
  [
    "a file",
    WEIGHTS_PATH,
    (_, response) => pour(response, Buffer.alloc(1 << 16)),
    /should have 700000 bytes, but the server sends more/,
  ],
  ["a file that unpacks", WEIGHTS_PATH, (_, response) => unpack(response), /should have 700000 bytes/],
  [
    "a redirect's body",
    WEIGHTS_PATH,
    (_, response) => pour(response, Buffer.alloc(1 << 16), 302, { location: WEIGHTS_PATH }),
    /redirects more than 5 times/,
  ],
  ["a refusal", WEIGHTS_PATH, (_, response) => pour(response, Buffer.alloc(1 << 16), 404), /\(404\)/],
  [
    "pages",
    TREE,
    (request, response) =>
      json(response, [], { link: `<http://${request.headers.host}${TREE}?cursor=${Math.random()}>; rel="next"` }),
    /on more than 100 pages/,
  ],
];
for (const [what, path, answer, words] of endless) {
  test(`${what} without end is left in time, with nothing left behind`, { timeout: 300_000 }, async (t) => {
    const { hub, places, get } = await setup(t);
    poured = 0;
    const before = process.memoryUsage.rss();
    hub.intercept = at(path, answer);
    await assert.rejects(get({ silenceMs: 5000 }), is("network", words));
    assert.ok(poured < 40e6, `${poured}`);
    assert.ok(process.memoryUsage.rss() - before < 250e6, `${process.memoryUsage.rss() - before}`);
    const blobs = join(places.hub, "models--google--t5-efficient-tiny", "blobs");
    const left = existsSync(blobs) ? readdirSync(blobs) : [];
    assert.deepEqual(
      left.filter((name) => name.endsWith(".incomplete") || name === hubHash("x.bin", WEIGHTS)),
      [],
    );
    if (path !== WEIGHTS_PATH) assert.ok(!existsSync(places.hub));
    assert.deepEqual(await keptModels(places), []);
  });
}

test("a body that does not end after what was announced is not waited for", { timeout: 300_000 }, async (t) => {
  const { hub, get } = await setup(t);
  hub.intercept = at(WEIGHTS_PATH, (_, response) => {
    response.writeHead(200);
    response.write(WEIGHTS);
  });
  // A silence longer than the test's own limit: it would fail if that were waited for.
  assert.deepEqual(readFileSync(join(await get({ silenceMs: 600_000 }), "pytorch_model.bin")), WEIGHTS);
});

let poured = 0;

/** Sends something again and again until the other side has enough. */
function pour(
  response: ServerResponse,
  bytes: Buffer,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  const more = () => {
    do poured += bytes.length;
    while (!response.destroyed && response.write(bytes));
  };
  response.on("drain", more);
  more();
}

/** Sends 4 GB of spaces, packed into 4 MB. */
function unpack(response: ServerResponse): void {
  const member = gzipSync(Buffer.alloc(64 << 20, 32), { level: 9 });
  response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
  for (let i = 0; i < 64; i += 1) response.write(member);
  response.end();
}

function change(path: string, fields: object) {
  return (entries: ListedFile[]) => entries.map((entry) => (entry.path === path ? { ...entry, ...fields } : entry));
}

function add(fields: object) {
  return (entries: ListedFile[]) => [...entries, { ...entries[0], ...fields }];
}
