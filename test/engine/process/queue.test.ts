import assert from "node:assert/strict";
import { test } from "node:test";
import { createQueue } from "../../../server/engine/process/queue.ts";

/** Work that notes when it begins and ends, and ends when it is told to. */
function work(name: string, log: string[]) {
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const run = async () => {
    log.push(`${name} begins`);
    await finished;
    log.push(`${name} ends`);
    return name;
  };
  return { run, finish };
}

/** Lets everything that can go on go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("work runs in order, one at a time", async () => {
  const log: string[] = [];
  const queue = createQueue();
  const [first, second] = [work("first", log), work("second", log)];
  const results = [queue.run(undefined, first.run), queue.run(undefined, second.run)];
  second.finish();
  await settle();
  assert.deepEqual(log, ["first begins"]);
  first.finish();
  assert.deepEqual(await Promise.all(results), ["first", "second"]);
  assert.deepEqual(log, ["first begins", "first ends", "second begins", "second ends"]);
});

test("what is cancelled while it waits is let go at once and never runs; the next does not overtake", async () => {
  const log: string[] = [];
  const queue = createQueue();
  const controller = new AbortController();
  const [first, second, third] = [work("first", log), work("second", log), work("third", log)];
  const one = queue.run(undefined, first.run);
  const two = queue.run(controller.signal, second.run);
  const three = queue.run(undefined, third.run);
  await settle();
  controller.abort();
  assert.equal(await two, undefined);
  assert.deepEqual(log, ["first begins"]);
  for (const { finish } of [first, second, third]) finish();
  assert.deepEqual(await Promise.all([one, three]), ["first", "third"]);
  assert.deepEqual(log, ["first begins", "first ends", "third begins", "third ends"]);
  assert.equal(await queue.run(AbortSignal.abort(), second.run), undefined);
  assert.ok(!log.includes("second begins"));
});

test("what has begun sees its own signal through", async () => {
  const log: string[] = [];
  const queue = createQueue();
  const controller = new AbortController();
  const only = work("only", log);
  const result = queue.run(controller.signal, only.run);
  await settle();
  controller.abort();
  only.finish();
  assert.equal(await result, "only");
});

test("a failure is its caller's; the next runs", async () => {
  const queue = createQueue();
  const failing = queue.run(undefined, () => Promise.reject(new Error("no")));
  const next = queue.run(undefined, async () => "next");
  await assert.rejects(failing, /no/);
  assert.equal(await next, "next");
  let closed = false;
  await queue.close(async () => {
    closed = true;
  });
  assert.ok(closed);
});
