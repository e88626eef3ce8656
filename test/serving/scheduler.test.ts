/** Work in turn: what is given up, and what runs together. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createScheduler } from "../../server/serving/scheduler.ts";

/** A scheduler whose batches end when they are let go, and what ran. */
function held() {
  const ran: string[][] = [];
  const open: (() => void)[] = [];
  const scheduler = createScheduler<string, string>({
    ...{ mostWaiting: 8, mostRows: 2 },
    run: async (requests) => {
      ran.push([...requests]);
      await new Promise<void>((resolve) => open.push(resolve));
      return requests;
    },
  });
  const add = (request: string, client = "a", signal = new AbortController().signal) =>
    scheduler.add({ client, key: request.slice(0, 1), rows: 1, request, signal });
  const begun = async (count: number) => {
    while (ran.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  return { scheduler, ran, open, add, begun };
}

test("a request that is given up ends at once, behind another and in the midst of its batch", async () => {
  const { scheduler, ran, open, add, begun } = held();
  const [waits, runs] = [new AbortController(), new AbortController()];
  const first = add("x1", "a", runs.signal);
  await begun(1);
  const second = add("y1", "b", waits.signal);
  waits.abort(new Error("left while waiting"));
  await assert.rejects(async () => second, /left while waiting/);
  runs.abort(new Error("left while running"));
  await assert.rejects(async () => first, /left while running/);
  open[0]?.();
  await scheduler.idle();
  const late = add("z1", "a", AbortSignal.abort(new Error("left before")));
  await assert.rejects(async () => late, /left before/);
  assert.deepEqual(ran, [["x1"]]);
});

test("requests of one kind run together, as many rows as fit, and clients take turns", async () => {
  const { scheduler, ran, open, add, begun } = held();
  const results = [add("x1"), add("y1"), add("y2"), add("x2", "b"), add("y3", "c")];
  for (let batch = 1; batch <= 3; batch += 1) {
    await begun(batch);
    open[batch - 1]?.();
  }
  assert.deepEqual(await Promise.all(results), ["x1", "y1", "y2", "x2", "y3"]);
  await scheduler.idle();
  // After client a's first turn, c is next, and a's oldest request of the same kind joins it.
  assert.deepEqual(ran, [["x1", "x2"], ["y3", "y1"], ["y2"]]);
});
