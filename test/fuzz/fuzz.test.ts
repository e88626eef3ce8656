import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkpointReaders, fuzz, outcomeOf } from "./checkpoints.ts";
import { allReaders } from "./readers.ts";

/** The same cases in every run; `npm run fuzz` tries others for minutes. */
const RUNS = 60;
/** Inputs that a search by coverage kept, in a folder for each reader. */
const KEPT = "test/fixtures/fuzz";
/** Readers of bytes that refuse most of what is damaged; those of texts take nearly all. */
const refusing = new Set(checkpointReaders().map(({ name }) => name));

for (const reader of allReaders()) {
  test(`damage is noticed or harmless, never a crash or a hang: ${reader.name}`, async () => {
    const folder = join(KEPT, reader.name);
    const kept = existsSync(folder) ? readdirSync(folder).map((name) => readFileSync(join(folder, name))) : [];
    for (const seed of [...reader.seeds, ...kept]) await outcomeOf(reader, new Uint8Array(seed));
    const { executions, outcomes, failure } = await fuzz(reader, { runs: RUNS, timeMs: 600_000 }, 1);
    if (failure !== undefined) throw failure.error;
    assert.ok(executions >= RUNS, `${executions} inputs`);
    if (refusing.has(reader.name)) assert.ok(outcomes > 1, `${outcomes} outcomes`);
  });
}
