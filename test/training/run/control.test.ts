/** The orders that a run takes from a file, and the time that it waits while a person types. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { holdFile } from "../../../protocol/training.ts";
import { createControl } from "../../../server/training/run/control.ts";

async function setup(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-control-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "control");
  const control = await createControl(new AbortController().signal, file);
  t.after(() => control.close());
  const order = (word: string) => writeFileSync(file, `${word}\n`);
  const holdFor = (ms: number) => {
    const until = new Date(Date.now() + ms);
    utimesSync(holdFile(file), until, until);
  };
  return { control, order, holdFor, hold: holdFile(file) };
}

/** Whether a promise is still pending after everything that was ready has run. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([promise.then(() => false), Promise.resolve(true)]);
}

test("a run waits while a person types, and then goes on by itself", { timeout: 300_000 }, async (t) => {
  const { control, holdFor } = await setup(t);
  assert.equal(control.whilePaused(), undefined);
  holdFor(10_000);
  const pause = control.whilePaused();
  assert.equal(pause?.brief, true);
  assert.ok(await isPending(pause.until));
  holdFor(-1);
  await pause.until;
  assert.equal(control.whilePaused(), undefined);
});

test("a pause that was ordered outlasts the typing, and ends by order only", { timeout: 300_000 }, async (t) => {
  const { control, order, holdFor } = await setup(t);
  order("pause");
  holdFor(10_000);
  const pause = control.whilePaused();
  assert.equal(pause?.brief, false);
  holdFor(-1);
  assert.equal(control.whilePaused()?.brief, false);
  assert.ok(await isPending(pause.until));
  order("continue");
  assert.equal(control.whilePaused(), undefined);
  await pause.until;
});

test("an order to stop ends a pause, and other words do nothing", { timeout: 300_000 }, async (t) => {
  const { control, order } = await setup(t);
  order("nonsense");
  assert.equal(control.whilePaused(), undefined);
  order("pause");
  const pause = control.whilePaused();
  order("stop");
  assert.equal(control.whilePaused(), undefined);
  assert.equal(control.signal.aborted, true);
  await pause?.until;
});

test("the file that says until when to wait goes with the run; another's is left alone", async (t) => {
  const { control, hold } = await setup(t);
  assert.ok(existsSync(hold));
  await control.close();
  assert.ok(!existsSync(hold));
  writeFileSync(hold, "somebody's notes");
  await assert.rejects(createControl(new AbortController().signal, hold.replace(/\.hold$/, "")), /something else/);
});
