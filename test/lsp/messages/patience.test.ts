/** How long the server waits for its client, and for work that was cancelled. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import { within } from "../../../server/lsp/deadlines.ts";
import { createPatience } from "../../../server/lsp/patience.ts";
import { createProgress } from "../../../server/lsp/progress.ts";

const never = new Promise<never>(() => undefined);

test("a client's answer is passed on, and so is its error", async () => {
  const patience = createPatience(assert.fail, 10_000);
  assert.equal(await patience.ask("a", async () => 7), 7);
  await assert.rejects(
    patience.ask("a", async () => {
      throw new Error("no");
    }),
    /^Error: no$/,
  );
});

test("a kind of question that is not answered costs the time once, until it is answered after all", async () => {
  const lines: string[] = [];
  const patience = createPatience((line) => lines.push(line), 300);
  let answer = (_: number) => {};
  const late = new Promise<number>((resolve) => {
    answer = resolve;
  });
  const began = performance.now();
  await assert.rejects(
    patience.ask("a", () => late),
    /did not answer a/,
  );
  const first = performance.now() - began;
  await assert.rejects(
    patience.ask("a", () => never),
    /did not answer a/,
  );
  assert.ok(performance.now() - began - first < first / 2, `${first} ms, then ${performance.now() - began - first}`);
  assert.equal(await patience.ask("b", async () => 1), 1);
  assert.equal(lines.length, 1, lines.join("\n"));
  answer(3);
  await late;
  await new Promise((resolve) => setImmediate(resolve));
  const slow = new Promise<number>((resolve) => setTimeout(resolve, 50, 4));
  assert.equal(await patience.ask("a", () => slow), 4);
});

test("whoever cancels does not wait for the work", async () => {
  const controller = new AbortController();
  const waiting = unlessAborted(never, controller.signal);
  controller.abort(new Error("cancelled"));
  await assert.rejects(waiting, /cancelled/);
  await assert.rejects(unlessAborted(never, controller.signal), /cancelled/);
  assert.equal(await unlessAborted(Promise.resolve(1), new AbortController().signal), 1);
});

test("work that fails after it was given up troubles nobody", async () => {
  const failing = new Promise<never>((_, reject) => setTimeout(reject, 5, new Error("too late")));
  await assert.rejects(unlessAborted(failing, AbortSignal.abort(new Error("cancelled"))), /cancelled/);
  await new Promise((resolve) => setTimeout(resolve, 20));
});

test("work that takes too long is ended and answered for; loading does not count, and a cancel stays one", async () => {
  let isLoading = true;
  const engine = { isLoading: () => isLoading };
  const { signal } = new AbortController();
  let ended = false;
  const work = (own: AbortSignal) => {
    own.addEventListener("abort", () => {
      ended = true;
    });
    return never;
  };
  const answered = within(engine, 50, signal, work, () => "late");
  const first = await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 400, "loading"))]);
  assert.equal(first, "loading");
  isLoading = false;
  assert.equal(await answered, "late");
  assert.equal(ended, true);
  assert.equal(await within(engine, 10_000, signal, async () => "in time", assert.fail), "in time");
  const cancelled = within(engine, 10_000, AbortSignal.abort(new Error("cancelled")), work, () => "late");
  await assert.rejects(cancelled, /cancelled/);
});

test("work waits for no display of its progress, and one that comes late shows the rest of it", async () => {
  let create = () => {};
  const created = new Promise<void>((resolve) => {
    create = resolve;
  });
  const kinds: string[] = [];
  const progress = createProgress({ create: () => created, send: (_, { kind }) => kinds.push(kind) });
  const work = { title: "Work", token: undefined, signal: new AbortController().signal };
  const never = await progress.run({ ...work, run: async () => "done" });
  assert.deepEqual([never, kinds], ["done", []]);
  const late = await progress.run({
    ...work,
    run: async (_, report) => {
      report({ done: 1, total: 3 });
      create();
      await created;
      await new Promise((resolve) => setImmediate(resolve));
      report({ done: 2, total: 3 });
      return "done";
    },
  });
  assert.deepEqual([late, kinds], ["done", ["begin", "report", "end"]]);
});
