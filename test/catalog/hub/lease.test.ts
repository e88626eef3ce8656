import assert from "node:assert/strict";
import { test } from "node:test";
import { createLease, LEAST_BYTES_PER_SECOND } from "../../../server/catalog/hub/lease.ts";

/**
 * A server that brings so many bytes every so many seconds; says after how many seconds it is left, at most `seconds`.
 */
async function leftAfter(bytes: number, everySeconds: number, seconds: number): Promise<number> {
  let nowMs = 0;
  const lease = createLease(30_000, () => nowMs);
  while (nowMs < 1000 * seconds) {
    const arrival = Promise.resolve().then(() => {
      nowMs += 1000 * everySeconds;
    });
    // The timer is real, the clock is not: time that has passed is missing from the next wait.
    await lease.wait(arrival);
    if (lease.leftMs() <= 0) return nowMs / 1000;
    lease.count(bytes);
  }
  return seconds;
}

test("silence is the end after 30 seconds, and so is a drip, however it is spread", async () => {
  assert.equal(await leftAfter(0, 1, 100), 30);
  for (const [bytes, every] of [
    [1, 1],
    [1, 5],
    [1, 29],
    [999, 1],
    [29_000, 29],
  ] as const) {
    const seconds = await leftAfter(bytes, every, 1000);
    assert.ok(seconds >= 29 && seconds <= 60, `${bytes} bytes every ${every} s: ${seconds} s`);
  }
});

test("what is slow but goes on is waited for", async () => {
  for (const [bytes, every] of [
    [2000, 1],
    [LEAST_BYTES_PER_SECOND * 30, 29],
    [1e9, 29],
  ] as const) {
    assert.equal(await leftAfter(bytes, every, 1000), 1000, `${bytes} bytes every ${every} s`);
  }
});

test("time passes only while the server is waited for", async () => {
  let nowMs = 0;
  const lease = createLease(30_000, () => nowMs);
  for (let i = 0; i < 10; i += 1) {
    await lease.wait(Promise.resolve());
    nowMs += 29_000; // spent by us
  }
  assert.equal(lease.leftMs(), 30_000);
});

test("waiting ends by itself, with a TimeoutError", async () => {
  await assert.rejects(createLease(20).wait(new Promise(() => undefined)), { name: "TimeoutError" });
  await assert.rejects(createLease(20).wait(Promise.reject(new Error("own"))), { message: "own" });
});
