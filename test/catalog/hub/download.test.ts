import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { ModelErrorCode } from "../../../models/errors.ts";
import { createRate, type DownloadProgress } from "../../../server/catalog/hub/get.ts";
import { neededFiles } from "../../../server/catalog/hub/hub.ts";
import { retryAfterMs } from "../../../server/catalog/hub/lease.ts";
import { createFetch, proxyFor } from "../../../server/catalog/hub/network.ts";
import {
  keptDirectory,
  keptModels,
  partialDownloads,
  placesOf,
  removeModel,
  verifyFiles,
} from "../../../server/catalog/store.ts";
import { checkSpace } from "../../../server/files/space.ts";
import { built } from "../../support/built.ts";
import { type HubServer, hubHash, type Mishap, startHub } from "../../support/hub-server.ts";
import { FILES, ID, is, NEEDED, NEEDED_BYTES, setup, WEIGHTS } from "../hub-client.ts";

test("a model arrives whole in the cache that Hugging Face's tools share, and a second time nothing is fetched", async (t) => {
  const { hub, places, get } = await setup(t);
  const progress: DownloadProgress[] = [];
  const directory = await get({ onProgress: (now) => progress.push(now) });
  assert.equal(directory, keptDirectory(ID, places));
  assert.deepEqual(readdirSync(directory).toSorted(), NEEDED);
  for (const name of NEEDED)
    assert.deepEqual(readFileSync(join(directory, name)), FILES[name as keyof typeof FILES], name);
  // models--google--t5-efficient-tiny/{blobs/HASH, refs/main, snapshots/COMMIT/NAME -> ../../blobs/HASH}
  const blob = realpathSync(join(directory, "pytorch_model.bin"));
  assert.equal(
    blob,
    join(realpathSync(places.hub), "models--google--t5-efficient-tiny", "blobs", hubHash("x.bin", WEIGHTS)),
  );
  assert.deepEqual(progress.at(-1)?.doneBytes, NEEDED_BYTES);
  assert.ok(progress.every(({ totalBytes }) => totalBytes === NEEDED_BYTES));
  const sent = hub.sentBytes;
  await get();
  assert.equal(hub.sentBytes, sent);
  assert.deepEqual(
    await verifyFiles(directory, {}),
    NEEDED.map((name) => ({ name, intact: true })),
  );
  assert.deepEqual(
    (await keptModels(places)).map(({ id, place, sizeBytes }) => [id, place, sizeBytes >= NEEDED_BYTES]),
    [[ID, "hub", true]],
  );
});

test("damage is found afterwards", async (t) => {
  const { get } = await setup(t);
  const directory = await get();
  const path = realpathSync(join(directory, "pytorch_model.bin"));
  const bytes = readFileSync(path);
  bytes[1234] = (bytes[1234] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const bad = (await verifyFiles(directory, {})).filter(({ intact }) => intact === false);
  assert.deepEqual(bad, [{ name: "pytorch_model.bin", intact: false }]);
});

/** Mishaps with the weights that are overcome, and how many requests for them that takes. */
const overcome: [what: string, mishaps: Mishap[], requests: number, resumes: boolean][] = [
  ["a connection that is cut", [{ kind: "cut", afterBytes: 300_000 }], 2, true],
  ["one that is cut often", Array(6).fill({ kind: "cut", afterBytes: 100_000 }), 7, true],
  ["a server that falls silent", [{ kind: "stall", afterBytes: 200_000 }], 2, true],
  ["a busy hub that says when to come back", [{ kind: "status", status: 429, retryAfter: "0" }], 2, false],
  [
    "a gateway that fails",
    [
      { kind: "status", status: 503 },
      { kind: "status", status: 502 },
    ],
    3,
    false,
  ],
  ["a server that knows no ranges", [{ kind: "cut", afterBytes: 300_000 }, { kind: "whole" }], 2, true],
  ["damage on the way", [{ kind: "damaged" }], 2, false],
];
for (const [what, mishaps, requests, resumes] of overcome) {
  test(`overcomes ${what}`, async (t) => {
    const { hub, get } = await setup(t);
    skipSmall(hub, mishaps);
    const directory = await get();
    assert.deepEqual(readFileSync(join(directory, "pytorch_model.bin")), WEIGHTS);
    const tries = hub.requests.filter(({ path }) => path === `/store/${hubHash("x.bin", WEIGHTS)}`);
    assert.equal(tries.length, requests);
    assert.equal(
      tries.slice(1).every(({ range }) => range !== undefined),
      resumes,
      JSON.stringify(tries),
    );
  });
}

test("what was asked to wait is waited for", async (t) => {
  const { hub, get } = await setup(t);
  skipSmall(hub, [{ kind: "status", status: 429, retryAfter: "1" }]);
  const started = performance.now();
  await get();
  assert.ok(performance.now() - started >= 1000);
  assert.equal(retryAfterMs("120"), 120_000);
  assert.equal(Math.round((retryAfterMs(new Date(Date.now() + 60_000).toUTCString()) ?? 0) / 10_000), 6);
  assert.equal(retryAfterMs("soon"), undefined);
});

/** What cannot be overcome, and what a person is told. */
const failures: [what: string, change: (hub: HubServer) => void, code: ModelErrorCode, words: RegExp][] = [
  [
    "a model that is not there",
    () => undefined,
    "network",
    /does not let you read google\/none \(401\): it does not exist, or requires a token/,
  ],
  ["a model that wants a token", (hub) => (hub.token = "secret"), "network", /\(401\).*set a token \(HF_TOKEN/],
  ["a file that is gone", (hub) => skipSmall(hub, [{ kind: "status", status: 404 }]), "network", /\(404\).*mirror/],
  [
    "a hub that stays busy",
    (hub) => skipSmall(hub, Array(9).fill({ kind: "status", status: 429 })),
    "network",
    /too many requests/,
  ],
  [
    "a login page for the listing",
    (hub) => hub.mishaps.api.push({ kind: "page" }),
    "network",
    /login page.*Open http:\/\/127.0.0.1:\d+ in a browser/,
  ],
  [
    "a redirect to a login page",
    (hub) => hub.mishaps.api.push({ kind: "page", redirect: true }),
    "network",
    /from localhost:\d+ arrived instead/,
  ],
  ["a login page for a file", (hub) => skipSmall(hub, [{ kind: "page" }]), "network", /login page/],
  [
    "damage every time",
    (hub) => skipSmall(hub, [{ kind: "damaged" }, { kind: "damaged" }]),
    "network",
    /damaged twice/,
  ],
];
for (const [what, change, code, words] of failures) {
  test(`says what to do about ${what}, and leaves no model`, async (t) => {
    const { hub, places, get } = await setup(t);
    change(hub);
    const id = what === "a model that is not there" ? "google/none" : ID;
    await assert.rejects(get({ id }), is(code, words));
    assert.deepEqual(await keptModels(places), []);
  });
}

test("a token goes to the hub, and not on to the store that the hub sends to", async (t) => {
  const { hub, get } = await setup(t);
  hub.token = "secret";
  await get({ token: "secret" });
  const toStore = hub.requests.filter(({ path }) => path.startsWith("/store/"));
  assert.ok(toStore.length > 3);
  assert.deepEqual(
    toStore.filter(({ authorization }) => authorization !== undefined),
    [],
  );
});

test("a download that is stopped goes on where it was", async (t) => {
  const { hub, places, get } = await setup(t);
  hub.bytesPerSecond = 400_000;
  const controller = new AbortController();
  const onProgress = ({ doneBytes }: DownloadProgress) => {
    if (doneBytes > 200_000) controller.abort();
  };
  await assert.rejects(get({ signal: controller.signal, onProgress }), { name: "AbortError" });
  assert.deepEqual(await keptModels(places), []);
  const kept = (await partialDownloads(places)).get(ID) ?? 0;
  assert.ok(kept > 150_000, `${kept}`);
  hub.bytesPerSecond = undefined;
  const before = hub.sentBytes;
  await get();
  // All but what was there; chunks may have been under way when it was stopped.
  assert.ok(hub.sentBytes - before <= NEEDED_BYTES - kept, `${hub.sentBytes - before} of ${NEEDED_BYTES - kept}`);
  assert.deepEqual([...(await partialDownloads(places))], []);
});

test("a download whose process is killed goes on where it was", { timeout: 300_000 }, async (t) => {
  const { hub, places, get } = await setup(t);
  hub.bytesPerSecond = 300_000;
  const env = { ...process.env, HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: places.hub, HF_TOKEN: "" };
  const child = spawn(process.execPath, [built("cli.js"), "models", "get", ID], { env, stdio: "ignore" });
  const blob = join(
    places.hub,
    "models--google--t5-efficient-tiny",
    "blobs",
    `${hubHash("x.bin", WEIGHTS)}.incomplete`,
  );
  while ((statSync(blob, { throwIfNoEntry: false })?.size ?? 0) < 200_000) {
    assert.equal(child.exitCode, null, "it ended by itself");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  const { size } = statSync(blob);
  assert.equal(keptDirectory(ID, places), undefined);
  hub.bytesPerSecond = undefined;
  hub.requests.length = 0;
  const directory = await get();
  assert.deepEqual(readFileSync(join(directory, "pytorch_model.bin")), WEIGHTS);
  const ranges = hub.requests.filter(({ path }) => path.startsWith("/store/")).flatMap(({ range }) => range ?? []);
  assert.deepEqual(ranges, [`bytes=${size}-`]);
});

test("what a stopped download of Hugging Face's own tools left is used", async (t) => {
  const { hub, places, get } = await setup(t);
  const blobs = join(places.hub, "models--google--t5-efficient-tiny", "blobs");
  await mkdir(blobs, { recursive: true });
  writeFileSync(join(blobs, `${hubHash("x.bin", WEIGHTS)}.incomplete`), WEIGHTS.subarray(0, 600_000));
  const directory = await get();
  assert.deepEqual(readFileSync(join(directory, "pytorch_model.bin")), WEIGHTS);
  assert.ok(hub.sentBytes < 200_000, `${hub.sentBytes}`);
  // And a rest that is of another file does no harm.
  await rm(join(blobs, ".."), { recursive: true });
  await mkdir(blobs, { recursive: true });
  writeFileSync(join(blobs, `${hubHash("x.bin", WEIGHTS)}.incomplete`), randomBytes(600_000));
  assert.deepEqual(readFileSync(join(await get(), "pytorch_model.bin")), WEIGHTS);
});

test("removing frees the space, what others have is left alone", async (t) => {
  const { places, get } = await setup(t);
  await get();
  await mkdir(join(places.hub, "datasets--squad"));
  assert.ok((await removeModel(ID, places)) >= NEEDED_BYTES);
  assert.deepEqual(readdirSync(places.hub), ["datasets--squad"]);
  await assert.rejects(removeModel(ID, places), is("config", /not among the downloaded/));
  await mkdir(places.own, { recursive: true });
  for (const folder of [".", ".."]) writeFileSync(join(places.own, folder, "config.json"), "{}");
  for (const id of [".", "..", "../x", "a/../..", "/etc"]) assert.equal(keptDirectory(id, places), undefined, id);
});

test("nothing is asked of the hub when HF_HUB_OFFLINE is set, and models that are there are found", async (t) => {
  const { hub, places, get } = await setup(t);
  await get();
  hub.requests.length = 0;
  await assert.rejects(get({ environment: { HF_HUB_OFFLINE: "1" } }), is("network", /HF_HUB_OFFLINE is set/));
  assert.deepEqual(hub.requests, []);
  assert.notEqual(keptDirectory(ID, places), undefined);
});

test("a hub that cannot be reached is told from one that is not found", async () => {
  const fetch = createFetch();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const refused = /127.0.0.1:\d+ could not be reached \(ECONNREFUSED\)/;
  await assert.rejects(fetch(`http://127.0.0.1:${port}/x`, { headers: {} }), is("network", refused));
  await assert.rejects(
    fetch("http://nowhere.invalid/x", { headers: {} }),
    is("network", /nowhere.invalid was not found.*offline/),
  );
});

test("a proxy is gone through, and one that wants a password named", async (t) => {
  const asked: string[] = [];
  let refuses = false;
  const proxy = createServer();
  proxy.on("connect", (request, socket) => {
    asked.push(String(request.url));
    if (refuses) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const [host = "", port] = String(request.url).split(":");
    const upstream = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  t.after(() => proxy.close());
  const { hub, get } = await setup(t);
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  await get({ proxy: address });
  assert.ok(asked.includes(new URL(hub.endpoint).host), asked.join());
  refuses = true;
  await assert.rejects(get({ proxy: address }), is("network", /proxy .* requires a user name and password/));
});

const proxied: [address: string, environment: NodeJS.ProcessEnv, proxy: string | undefined][] = [
  ["https://huggingface.co", { HTTPS_PROXY: "http://p:1" }, "http://p:1"],
  ["https://huggingface.co", { HTTP_PROXY: "http://p:1" }, undefined],
  ["https://huggingface.co", { HTTPS_PROXY: "http://p:1", https_proxy: "http://q:1" }, "http://q:1"],
  ["https://hub.firm.example", { HTTPS_PROXY: "http://p:1", NO_PROXY: "localhost, .firm.example" }, undefined],
  ["https://otherfirm.example", { HTTPS_PROXY: "http://p:1", NO_PROXY: "firm.example" }, "http://p:1"],
  ["http://127.0.0.1:9", { HTTP_PROXY: "http://p:1", NO_PROXY: "127.0.0.1:9" }, undefined],
  ["https://huggingface.co", { HTTPS_PROXY: "http://p:1", NO_PROXY: "*" }, undefined],
];
test("NO_PROXY names hosts and domains that need no proxy", () => {
  for (const [address, environment, proxy] of proxied) {
    assert.equal(proxyFor(new URL(address), environment), proxy, `${address} ${JSON.stringify(environment)}`);
  }
});

test("a certificate that nobody knows is refused with what to do, and taken once NODE_EXTRA_CA_CERTS names it", async (t) => {
  const { places } = await setup(t);
  const [cert, key] = ["crt", "key"].map((end) => readFileSync(`test/fixtures/tls/localhost.${end}`));
  assert.ok(cert && key);
  await using hub = await startHub({ [ID]: FILES }, { cert, key });
  await assert.rejects(
    createFetch()(`${hub.endpoint}/api`, { headers: {} }),
    is("network", /certificate of 127.0.0.1:\d+ is not trusted by this machine.*NODE_EXTRA_CA_CERTS/),
  );
  const trusted = { NODE_EXTRA_CA_CERTS: "test/fixtures/tls/localhost.crt" };
  const env = { ...process.env, ...trusted, HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: places.hub, HF_TOKEN: "" };
  const child = spawn(process.execPath, [built("cli.js"), "models", "get", ID], { env, stdio: "ignore" });
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.notEqual(keptDirectory(ID, places), undefined);
});

test("the disk is looked at before anything is fetched", async (t) => {
  const { places } = await setup(t);
  await assert.rejects(
    checkSpace(places.hub, 3e9, async () => 2e9),
    is("storage", /3\.0 GB are needed in .* has only 2\.0 GB left/),
  );
  await checkSpace(places.hub, 1e9, async () => 2e9);
  await checkSpace(places.hub, 1);
});

test("weights are fetched in one format: safetensors before PyTorch's, all shards of it", () => {
  const names = (...paths: string[]) =>
    neededFiles(
      "x",
      paths.map((path) => ({ path, sizeBytes: 1, hash: "0" })),
    ).map(({ path }) => path);
  assert.deepEqual(names("config.json", "model.safetensors", "pytorch_model.bin", "spiece.model", "tf_model.h5"), [
    "config.json",
    "spiece.model",
    "model.safetensors",
  ]);
  assert.deepEqual(
    names(
      "config.json",
      "spiece.model",
      "pytorch_model-00001-of-00002.bin",
      "pytorch_model-00002-of-00002.bin",
      "pytorch_model.bin.index.json",
    ),
    [
      "config.json",
      "spiece.model",
      "pytorch_model.bin.index.json",
      "pytorch_model-00001-of-00002.bin",
      "pytorch_model-00002-of-00002.bin",
    ],
  );
  assert.throws(() => names("config.json", "operative_config.gin"), is("config", /has no weights/));
  assert.throws(() => names("pytorch_model.bin"), is("config", /has no config.json/));
});

test("speed is that of the last seconds", () => {
  let now = 0;
  const rate = createRate(() => now);
  assert.equal(rate(0), 0);
  for (let second = 1; second <= 10; second += 1) {
    now = 1000 * second;
    rate(1e6 * second);
  }
  now = 11_000;
  assert.equal(Math.round(rate(11e6)), 1_000_000);
  for (let second = 12; second <= 20; second += 1) {
    now = 1000 * second;
    rate(11e6);
  }
  assert.equal(rate(11e6), 0);
});

test("places are those that Hugging Face's tools use", () => {
  assert.equal(placesOf({ HF_HOME: "/h" }, "linux").hub, join("/h", "hub"));
  assert.equal(placesOf({ HF_HUB_CACHE: "/c", HF_HOME: "/h" }, "linux").hub, "/c");
  assert.equal(placesOf({ XDG_CACHE_HOME: "/x" }, "linux").hub, join("/x", "huggingface", "hub"));
  assert.equal(placesOf({ XDG_DATA_HOME: "/d" }, "linux").own, join("/d", "spanfill", "models"));
});

/** Lets the small files before the weights through: these mishaps are the weights'. */
function skipSmall(hub: HubServer, mishaps: readonly Mishap[]): void {
  hub.mishaps.store.push(undefined, undefined, undefined, ...mishaps);
}
