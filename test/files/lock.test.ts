import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inTurn, isLocked, lockFolder } from "../../server/files/lock.ts";
import { eventually } from "../support/waiting.ts";

const place = mkdtempSync(join(tmpdir(), "spanfill-lock-"));
after(() => rmSync(place, { recursive: true }));
const taken = /Another process is working in .* Wait until it ends/;
const isUnix = process.platform !== "win32";
const isRoot = process.getuid?.() === 0;

/** A process that listens at an address, as one that has locked a folder does. */
async function listener(address: string, ...before: string[]): Promise<ChildProcess> {
  const script = `require("node:net").createServer().listen(${JSON.stringify(address)}, () => process.stdout.write("."));`;
  const [command = "", ...args] = [...before, process.execPath, "-e", script];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

test("a folder is one's own until it is given back", async () => {
  const [folder = "", other = ""] = ["a", "b"].map((name) => join(place, name));
  assert.equal(await isLocked(folder), false);
  const lock = await lockFolder(folder);
  assert.deepEqual([await isLocked(folder), await isLocked(other)], [true, false]);
  await assert.rejects(lockFolder(join(other, "..", "a")), taken);
  lock.release();
  (await lockFolder(folder)).release();
});

test("a folder is locked by whatever way it is reached, also before it exists", { skip: !isUnix }, async () => {
  mkdirSync(join(place, "real"));
  symlinkSync("real", join(place, "link"));
  const [folder, linked] = [join(place, "real", "run"), join(place, "link", "run")];
  const lock = await lockFolder(folder);
  await assert.rejects(lockFolder(linked), taken);
  mkdirSync(folder);
  await lock.hold();
  assert.equal(await isLocked(linked), true);
  await assert.rejects(lockFolder(linked), taken);
  lock.release();
  await eventually(() => !existsSync(join(folder, ".spanfill-lock")));
  (await lockFolder(linked)).release();
});

test("what a killed process left locks nothing", { skip: !isUnix }, async () => {
  const folder = join(place, "crashed");
  mkdirSync(folder);
  const owner = await listener(join(folder, ".spanfill-lock"));
  await assert.rejects(lockFolder(folder), taken);
  await killed(owner);
  assert.deepEqual([existsSync(join(folder, ".spanfill-lock")), await isLocked(folder)], [true, false]);
  const lock = await lockFolder(folder);
  assert.equal(await isLocked(folder), true);
  lock.release();
});

const apart = ["unshare", "--user", "--map-root-user", "--net"];
const isolates = isUnix && spawnSync("unshare", [...apart.slice(1), "true"]).status === 0;
test("a process of another container locks the folder that it shares", { skip: !isolates }, async () => {
  const folder = join(place, "shared");
  mkdirSync(folder);
  const owner = await listener(join(folder, ".spanfill-lock"), ...apart);
  assert.equal(await isLocked(folder), true);
  await assert.rejects(lockFolder(folder), taken);
  await killed(owner);
  (await lockFolder(folder)).release();
});

test("another user who takes the name of a folder's lock locks nothing", {
  skip: process.platform !== "linux" || !isRoot,
}, async () => {
  const folder = join(place, "squatted");
  mkdirSync(folder);
  const name = `spanfill-${createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 24)}`;
  const lock = await lockFolder(folder);
  assert.ok(readFileSync("/proc/net/unix", "utf8").includes(` @${name}`), "the name has changed");
  lock.release();
  const squatter = await listener(`\0${name}`, "setpriv", "--reuid=65534", "--clear-groups");
  assert.equal(await isLocked(folder), false);
  (await lockFolder(folder)).release();
  await killed(squatter);
});

test("work on one file is done in turn", async () => {
  const file = join(place, "file.json");
  const order: string[] = [];
  const work = (name: string) =>
    inTurn(file, async () => {
      order.push(name);
      await new Promise((resolve) => setTimeout(resolve, 20));
      order.push(name);
    });
  await Promise.all(["a", "b", "c"].map(work));
  assert.deepEqual(
    order.filter((name, i) => i % 2 === 0 && order[i + 1] !== name),
    [],
  );
  await assert.rejects(
    inTurn(file, async () => assert.fail("no")),
    /no/,
  );
  await inTurn(file, async () => undefined);
});
