import assert from "node:assert/strict";
import { test } from "node:test";
import { doOnce, onceFor } from "../../server/files/once.ts";

test("work is done once, for all who ask meanwhile too", async () => {
  let done = 0;
  const ask = doOnce(async () => (done += 1));
  assert.deepEqual(await Promise.all([ask(), ask()]), [1, 1]);
  assert.equal(await ask(), 1);
});

test("work that failed is done again by the next to ask, and a late failure forgets nothing newer", async () => {
  let done = 0;
  const ask = doOnce(async () => {
    done += 1;
    if (done < 3) throw new Error(`attempt ${done}`);
    return done;
  });
  await Promise.all([1, 2].map(() => assert.rejects(ask(), /attempt 1/)));
  await assert.rejects(ask(), /attempt 2/);
  assert.equal(await ask(), 3);
  const known = new Map<string, Promise<number>>();
  let fail = (_: Error) => {};
  const late = onceFor(known, "a", () => new Promise<number>((_, reject) => (fail = reject)));
  known.delete("a");
  const newer = onceFor(known, "a", async () => 1);
  fail(new Error("late"));
  await assert.rejects(late, /late/);
  assert.equal(
    onceFor(known, "a", async () => 2),
    newer,
  );
});
