/** Countdowns of running time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { countDown } from "../../base/running-time.ts";

test("a countdown ends once, and not after it was stopped", async () => {
  let ends = 0;
  await new Promise<void>((resolve) => {
    countDown({
      ms: 20,
      onEnd: () => {
        ends += 1;
        resolve();
      },
    });
  });
  countDown({ ms: 20, onEnd: () => assert.fail("it was stopped") })();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(ends, 1);
});

test("time that does not count does not pass", async () => {
  let counts = false;
  let ended = false;
  const end = new Promise<void>((resolve) => {
    countDown({
      ms: 30,
      counts: () => counts,
      onEnd: () => {
        ended = true;
        resolve();
      },
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(ended, false);
  counts = true;
  await end;
});

test("a thread that stood still has used up two ticks of its time at most", async () => {
  let ended = false;
  const stop = countDown({
    ms: 60_000,
    onEnd: () => {
      ended = true;
    },
  });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(ended, false);
  stop();
});
