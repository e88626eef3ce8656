/** The estimate of a run's memory beside what the system counts of real runs, whose batches differ in size. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { parseConfig } from "../../../models/t5/config.ts";
import { trainEventSchema } from "../../../protocol/training.ts";
import { roomNeeded } from "../../../server/training/run/room.ts";
import { built } from "../../support/built.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const model = randomModelFolder({ width: 256, layers: 2 });
const folder = mkdtempSync(join(tmpdir(), "spanfill-memory-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number, length: number) =>
  Array.from({ length }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
const rows = Array.from({ length: 14 }, (_, i) => ({ text: `${text(i, 480)} ${i}`, summary: text(i, 100), source: i }));
writeFileSync(join(folder, "long.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

/** What a run has used at most when it has made its first step, which it measures before it begins. */
async function measured(maxBatchTokens: number): Promise<number> {
  const limits = ["--batch-size", "10", "--max-target-tokens", "128", "--max-batch-tokens", `${maxBatchTokens}`];
  const data = ["--task", "summarize", "--data", "long.jsonl", "--base", model.directory];
  const rest = ["--method", "full", "--judged", "0", "--threads", "1", "--out", `with ${maxBatchTokens}`, "--json"];
  const child = spawn(process.execPath, [built("cli.js"), "train", ...data, ...limits, ...rest], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    for await (const line of createInterface(child.stdout)) {
      const event = trainEventSchema.parse(JSON.parse(line));
      if (event.type === "estimate") return event.memoryBytes;
    }
    return assert.fail("the run said nothing of its memory");
  } finally {
    child.kill("SIGKILL");
  }
}

test("a larger batch takes about as much more memory as is estimated before a run", async () => {
  const config = parseConfig(JSON.parse(readFileSync(join(model.directory, "config.json"), "utf8")));
  const estimated = (maxBatchTokens: number) =>
    roomNeeded(config, {
      optimizer: "adafactor",
      maxBatchTokens,
      maxInputTokens: 512,
      method: { kind: "full", freezeEmbedding: false },
    }).memoryBytes;
  // The difference leaves out what the runtime takes by itself.
  const grown = (await measured(5600)) - (await measured(700));
  const expected = estimated(5600) - estimated(700);
  assert.ok(grown > 0.25 * expected && grown < 1.25 * expected, `${grown} bytes, estimated ${expected}`);
});
