/** Runs whose folder cannot be read for a while. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { answerBy, type Questions } from "../../protocol/panel.ts";
import type { RunDetails, RunList, RunNews } from "../../protocol/runs.ts";
import type { Places } from "../../server/catalog/store.ts";
import { runFiles, writeRecord } from "../../server/runs/folder.ts";
import { createRunService, type RunKind } from "../../server/runs/service.ts";

const home = mkdtempSync(join(tmpdir(), "spanfill-runs-"));
const places: Places = { hub: join(home, "hub"), own: join(home, "models") };
after(() => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));

const line = (step: number) =>
  `${JSON.stringify({
    ...{ type: "step", step, steps: 9, epoch: 1, loss: 1, learningRate: 1e-3, gradientNorm: 1 },
    ...{ tokensPerSecond: 1, secondsLeft: 1, memoryBytes: 1 },
  })}\n`;

async function makeRun(id: string): Promise<string> {
  const { folder, events } = runFiles(places, id);
  mkdirSync(folder, { recursive: true });
  const request = { task: "summarize", data: "/data.jsonl", base: "base" } as const;
  const startedAt = new Date(0).toISOString();
  await writeRecord(places, { id, title: id, startedAt, request, out: join(places.own, id), launchedMs: 0 });
  writeFileSync(events, line(1));
  return events;
}

test("a run that could not be read once is read the next time, and never keeps others from being read", async () => {
  const news: RunNews[] = [];
  const service = createRunService({ places, cli: "none", onNews: (piece) => news.push(piece) });
  const ask = (question: Questions[RunKind]) =>
    answerBy(service.answers, question.kind, question, new AbortController().signal);
  const stepOf = async (id: string) => ((await ask({ kind: "run", id })) as RunDetails).summary.step;
  const steps = async () => {
    const { runs } = (await ask({ kind: "runs" })) as RunList;
    return Object.fromEntries(runs.map(({ id, step }) => [id, step]));
  };
  const [a, b] = [await makeRun("a"), await makeRun("b")];
  assert.deepEqual(await steps(), { a: 1, b: 1 });
  // In the events' place, something that no one can read.
  rmSync(a);
  mkdirSync(a);
  for (let i = 0; i < 300; i += 1) writeFileSync(join(a, `some-rather-long-name-that-takes-room-${i}`), "");
  writeFileSync(b, line(1) + line(2));
  await assert.rejects(ask({ kind: "run", id: "a" }));
  assert.deepEqual(await steps(), { a: 1, b: 2 }, "what is known of one, all of the other");
  rmSync(a, { recursive: true });
  writeFileSync(a, line(1) + line(2) + line(3));
  assert.equal(await stepOf("a"), 3);
  writeFileSync(a, line(1) + line(2) + line(3) + line(4));
  while (!news.some(({ summary }) => summary.id === "a" && summary.step === 4)) await setTimeout(20);
  service.dispose();
});
