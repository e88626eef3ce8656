import assert from "node:assert/strict";
import { test } from "node:test";
import { allReaders, fuzz, outcomeOf } from "./readers.ts";

/** The same cases in every run; `npm run fuzz` tries others for minutes. */
const RUNS = 60;

for (const reader of allReaders()) {
  test(`damage is noticed or harmless, never a crash or a hang: ${reader.name}`, async () => {
    for (const seed of reader.seeds) await outcomeOf(reader, seed);
    const { executions, outcomes, failure } = await fuzz(reader, { runs: RUNS, timeMs: 600_000 }, 1);
    if (failure !== undefined) throw failure.error;
    assert.ok(executions >= RUNS && outcomes > 1, `${executions} files, ${outcomes} outcomes`);
  });
}
