/**
 * Every bound of the training options: within it a run can be prepared, beyond it the option and its range are named.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CommanderError } from "commander";
import { trainCommand } from "../../server/cli/training/train.ts";
import { commandLine } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { asLines, pairRows, textOf } from "../support/pair-rows.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-options-"));
const model = randomModelFolder();
const { run } = commandLine(folder);
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true });
});

writeFileSync(join(folder, "pairs.jsonl"), asLines(pairRows(8)));
mkdirSync(join(folder, "docs"));
for (let i = 0; i < 6; i += 1) writeFileSync(join(folder, "docs", `${i}.md`), `${textOf(i)}\n\n${textOf(i + 7)}\n`);

const shared = ["--base", model.directory, "--threads", "1", "--json"];
const pairs = ["--task", "summarize", "--data", "pairs.jsonl", ...shared];
const docs = ["--task", "infill", "--data", "docs", ...shared];

async function train(args: readonly string[]) {
  const { code, stdout, stderr } = await run(["train", ...args]);
  return { code, said: stdout + stderr };
}

/** What the options say of their values, before anything is read. */
async function refusalOf(...args: string[]): Promise<string> {
  const command = trainCommand().exitOverride();
  let said = "";
  command.configureOutput({ writeErr: (text) => (said += text) });
  await assert.rejects(command.parseAsync(args, { from: "user" }), CommanderError, args.join(" "));
  return said;
}

const optionOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The bounds as the documentation of earlier versions had them, not those of the table. */
const BOUNDS = {
  loraRank: [1, 1024],
  promptTokens: [1, 1000],
  epochs: [1, 1000],
  batchSize: [1, 4096],
  warmup: [0, 1_000_000],
  maxInputTokens: [16, 4096],
  maxTargetTokens: [2, 4096],
  maxBatchTokens: [64, 65_536],
  evaluateEvery: [1, 1_000_000],
  judged: [0, 10_000],
  patience: [0, 1000],
  seed: [0, 2 ** 31 - 1],
  threads: [1, 256],
} as const;

test("whole numbers out of their range are refused with the option and the range", async () => {
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    for (const value of [least - 1, most + 1, least + 0.5, "", "x", "1e400", "NaN", -1]) {
      const said = await refusalOf(`${optionOf(name)}=${value}`);
      assert.ok(said.includes(`'${optionOf(name)} <n>'`), said);
      assert.ok(said.includes(`Use a whole number from ${least} to ${most}.`), said);
    }
  }
});

const FRACTIONS: Record<string, readonly (number | string)[]> = {
  "--lr": [0, -1, 101, "x", "Infinity"],
  "--weight-decay": [-0.1, 1.1, "NaN"],
  "--clip-norm": [-1, "Infinity"],
  "--dropout": [-0.1, 1],
  "--label-smoothing": [-0.1, 1],
  "--z-loss": [-0.1, 1.1],
  "--lora-alpha": [0, 1e7],
  "--lora-dropout": [-0.1, 1],
  "--validation-share": [-0.1, 0, 1],
};

test("fractions out of their range too", async () => {
  for (const [option, values] of Object.entries(FRACTIONS)) {
    for (const value of values) {
      const said = await refusalOf(`${option}=${value}`);
      assert.match(said, new RegExp(`'${option} .*'.*Use a number (of at least|above) [\\d.]+`, "s"));
    }
  }
});

test("the least and the most of each can be prepared, or is refused by its name", async () => {
  const lora = ["--method", "lora"];
  const cases: [args: readonly string[], refusal?: RegExp][] = [
    [[...pairs, "--max-target-tokens", "2"]],
    [[...pairs, "--max-target-tokens", "4096", "--max-input-tokens", "4096", "--max-batch-tokens", "65536"]],
    [[...docs, "--max-target-tokens", "2"], /--max-target-tokens 2 leaves no room for gaps.*Use at least 4\./],
    [[...docs, "--max-target-tokens", "3"], /--max-target-tokens 3 leaves no room for gaps/],
    [[...docs, "--max-target-tokens", "4"]],
    [[...docs, "--max-target-tokens", "4096"]],
    [[...docs, "--max-input-tokens", "16", "--prefix", ""]],
    [
      [...docs, "--objective", "ul2", "--max-target-tokens", "12"],
      /--max-target-tokens 12 leaves no room.*at least 13/,
    ],
    [[...docs, "--objective", "ul2", "--max-target-tokens", "13"]],
    [[...docs, "--objective", "ul2", "--max-input-tokens", "16"], /--max-input-tokens 16 leaves no room/],
    [
      [...docs, "--max-input-tokens", "16", "--prefix", "fill in what is not there:"],
      /--max-input-tokens 16 leaves no room/,
    ],
    [[...pairs, "--max-input-tokens", "16", "--prefix", textOf(1)], /--max-input-tokens 16 leaves no room for a text/],
    [
      [...pairs, "--method", "prompt", "--prompt-tokens", "1000"],
      /--max-input-tokens 512 leaves no room.*Use at least 10\d\d/,
    ],
    [[...pairs, "--method", "prompt", "--prompt-tokens", "1"]],
    [[...pairs, ...lora, "--lora-rank", "1024", "--lora-alpha", "1000000", "--lora-dropout", "0.99"]],
    [[...pairs, ...lora, "--lora-targets", ""], /no layers named/],
    [[...pairs, "--epochs", "1000", "--batch-size", "4096", "--warmup", "1000000", "--seed", "2147483647"]],
    [[...pairs, "--evaluate-every", "1000000", "--judged", "10000", "--patience", "1000", "--threads", "256"]],
    [[...pairs, "--validation-share", "0"], /--validation-share.*Use a number above 0 and below 1/],
    [[...pairs, "--validation-share", "0.999"]],
  ];
  for (const [args, refusal] of cases) {
    // What is refused is refused in a real run, which does not begin.
    const { code, said } = await train([...args, ...(refusal === undefined ? ["--dry-run"] : ["--out", "refused"])]);
    assert.equal(code === 0, refusal === undefined, `${args.join(" ")}: ${said}`);
    if (refusal !== undefined) assert.match(said, refusal);
  }
});

test("with the smallest values a run comes to its end", async () => {
  const least = [
    "--epochs",
    "1",
    "--batch-size",
    "1",
    "--max-batch-tokens",
    "64",
    "--evaluate-every",
    "1",
    "--judged",
    "0",
  ];
  for (const task of [
    [...pairs, "--max-target-tokens", "2"],
    [...docs, "--max-target-tokens", "4"],
  ]) {
    const { code, said } = await train([...task, ...least, "--patience", "0", "--out", task[1] ?? ""]);
    assert.equal(code, 0, said);
  }
});
