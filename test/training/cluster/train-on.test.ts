/** Runs that other processes compute, with a program in torchrun's place. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseConfig } from "../../../models/t5/config.ts";
import { paceSchema } from "../../../protocol/runs.ts";
import { trainRequestSchema } from "../../../protocol/train-request.ts";
import { openSafetensors, readTensorBytes } from "../../../server/catalog/folder/checkpoint.ts";
import { batchesOf, stepReader } from "../../../server/training/data/batches.ts";
import { datasetOptions, encodeData, prefixed } from "../../../server/training/data/encode.ts";
import { readTrainingData } from "../../../server/training/data/read.ts";
import { findTask } from "../../../server/training/data/tasks.ts";
import { commandLine } from "../../support/command-line.ts";
import { type FakeTorchrun, fakeTorchrun } from "../../support/fake-torchrun.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { asLines, pairRows, textOf } from "../../support/pair-rows.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-train-on-"));
const model = randomModelFolder();
const { run: spanfill, start } = commandLine(folder, { SPANFILL_MODELS: join(folder, "models") });
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true });
});

const rows = pairRows(12);
rows.push({ text: textOf(13), summary: `AKIA${"ABCDEFGH".repeat(2)}`, source: "secret" });
writeFileSync(join(folder, "pairs.jsonl"), asLines(rows));

const REQUEST = ["--task", "summarize", "--data", "pairs.jsonl", "--base", model.directory, "--batch-size", "4"];
const on = (name: string, behavior?: FakeTorchrun) => ["--on", `torchrun:${fakeTorchrun(folder, name, behavior)}`];
const train = (out: string, ...more: string[]) =>
  spanfill(["train", ...REQUEST, "--epochs", "1", "--out", out, "--json", ...more]);

/** A run in a process of its own, which is steered by its standard input. */
function steered(out: string, ...more: string[]) {
  const child = start(["train", ...REQUEST, "--epochs", "1", "--out", out, "--json", "--control", ...more]);
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    stdout += part;
  });
  return {
    order: (word: string) => child.stdin.write(`${word}\n`),
    async until(shown: RegExp) {
      while (!shown.test(stdout)) await once(child.stdout, "data");
    },
    async end() {
      const [code] = await once(child, "close");
      return { code, stdout };
    },
  };
}

const eventsOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a run elsewhere tells the events of a local one, and leaves a model that passes its check", async () => {
  const { code, stdout } = await train("whole", ...on("torchrun"), "--workers", "3", "--judged", "2");
  assert.equal(code, 0, stdout);
  const events = eventsOf(stdout);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["plan", "evaluation", "step", "step", "step", "evaluation", "done"],
  );
  assert.match(events[0].notes[0], /torchrun with 3 processes: nothing leaves this machine/);
  assert.ok(events[0].notes.some((note: string) => /key or a token/.test(note)));
  const done = events.at(-1);
  assert.deepEqual([done.steps, done.best.step, done.best.validation], [3, 3, 2]);
  // Judged here, by the task's metric and the model's vocabulary.
  assert.ok(Object.hasOwn(done.best.metrics, "rougeL"));
  assert.ok(done.best.samples[0].input.startsWith("summarize: "));
  const out = join(folder, "whole");
  for (const file of [
    "model.safetensors",
    "config.json",
    "tokenizer.json",
    "spanfill.json",
    "README.md",
    "training.json",
  ])
    assert.ok(existsSync(join(out, file)), file);
  assert.ok(!existsSync(join(out, ".training")));
  const answer = await spanfill(["generate", "--model", out, "--input", "the of and"]);
  assert.equal(answer.code, 0, answer.stderr);
});

test("the job has the examples of the local trainer's steps, and no row that was left out", async () => {
  await train("failed", ...on("failing", { failsAt: 1 }), "--save-every", "7", "--arithmetic", "float32");
  const job = join(folder, "failed", ".training", "job");
  const described = JSON.parse(readFileSync(join(job, "job.json"), "utf8"));
  assert.deepEqual([described.steps, described.saveEvery, described.precision], [3, 7, "float32"]);
  const { tensors } = await openSafetensors(join(job, "examples.safetensors"));
  const integers = async (name: string) => {
    const tensor = tensors.get(name);
    assert.ok(tensor, name);
    const bytes = await readTensorBytes(tensor);
    return [...new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))];
  };
  const [ids, bounds, order] = [await integers("ids"), await integers("bounds"), await integers("order")];
  const sizes = await integers("batch_sizes");
  assert.deepEqual(await integers("step_batches"), [1, 1, 1]);
  const request = trainRequestSchema.parse({ task: "summarize", data: join(folder, "pairs.jsonl") });
  const task = findTask("summarize", undefined);
  const { tokenizer, prefix } = await prefixed(model.directory, task, undefined, 0);
  const data = await readTrainingData(task, request, new AbortController().signal);
  const dataset = encodeData(task, tokenizer, data, datasetOptions(model.directory, task, request, prefix));
  const config = parseConfig(JSON.parse(readFileSync(join(model.directory, "config.json"), "utf8")));
  const read = stepReader(config, dataset, { ...request, batchSize: 4 });
  const local = [1, 2, 3].flatMap((step) => read(step).batches);
  local.push(...batchesOf(config, dataset.validation, request.maxBatchTokens));
  let row = 0;
  for (const [i, batch] of local.entries()) {
    const { B, S, T } = batch.extents;
    assert.equal(sizes[i], B);
    for (let r = 0; r < B; r += 1, row += 1) {
      const [begin, middle, end] = bounds.slice(3 * (order[row] ?? 0));
      const [source, target] = [batch.inputLengths[r] ?? 0, batch.targetLengths[r] ?? 0];
      assert.deepEqual(ids.slice(begin, middle), [...batch.inputIds.subarray(r * S, r * S + source)]);
      assert.deepEqual(ids.slice(middle, end), [...batch.labels.subarray(r * T, r * T + target)]);
    }
  }
  assert.equal(row, order.length);
});

test("what the processes say last is the message of a run that fails, which then resumes", async () => {
  const { code, stdout } = await train("failed", ...on("failing", { failsAt: 2 }));
  assert.equal(code, 1);
  assert.match(eventsOf(stdout).at(-1).error.message, /torchrun ended with code 1: torch\.OutOfMemoryError: no room/);
  on("failing");
  const resumed = await spanfill(["train", "--resume", "failed", "--json"]);
  assert.equal(resumed.code, 0, resumed.stdout);
});

test("a stop saves and ends the processes, and the run goes on where it was", async () => {
  const place = on("stopping", { waitsAt: 2 });
  const running = steered("stopped", ...place);
  await running.until(/"type":"step","step":2/);
  running.order("stop");
  assert.match((await running.end()).stdout, /Go on with: spanfill train --resume/);
  const { code, stdout } = await spanfill(["train", "--resume", "stopped", "--json"]);
  assert.equal(code, 0, stdout);
  const events = eventsOf(stdout);
  assert.deepEqual(
    events.filter(({ type }) => type === "step").map(({ step }) => step),
    [3],
  );
  // The base's evaluation was told before the stop.
  assert.deepEqual(
    events.at(-1).evaluations.map(({ step }: { step: number }) => step),
    [0, 3],
  );
});

test("a pause ends the processes, and others go on", async () => {
  const place = on("pausing", { waitsAt: 2 });
  const running = steered("paused", ...place);
  await running.until(/"type":"step","step":2/);
  running.order("pause");
  await running.until(/"type":"paused","step":2/);
  running.order("continue");
  const { code, stdout } = await running.end();
  assert.equal(code, 0, stdout);
  assert.match(stdout, /"type":"continued","step":2[\s\S]*"type":"resumed","step":2[\s\S]*"type":"done"/);
});

test("weights that are not those that were told of are refused", async () => {
  const { code, stdout } = await train("damaged", ...on("damaging", { damages: true }));
  assert.equal(code, 1);
  assert.match(eventsOf(stdout).at(-1).error.message, /is not what training wrote/);
  assert.ok(!existsSync(join(folder, "damaged", "config.json")));
});

test("what the workers do not know is refused by name, and so is a state from elsewhere", async () => {
  const cases: [options: string[], message: RegExp][] = [
    [["--method", "prompt", ...on("torchrun")], /--on does not train --method prompt/],
    [["--method", "bottleneck", ...on("torchrun")], /--on does not train --method bottleneck/],
    [["--on", "moon"], /--on moon is not a place to train\. Give torchrun/],
    [["--on", "torchrun:/no/such/torchrun"], /\/no\/such\/torchrun cannot be started .*Install PyTorch/],
  ];
  for (const [i, [options, message]] of cases.entries()) {
    const { code, stdout } = await train(`refused${i}`, ...options);
    assert.notEqual(code, 0);
    assert.match(eventsOf(stdout).at(-1).error.message, message);
  }
  // As in a repository that was cloned.
  await train("begun", ...on("failing", { failsAt: 1 }));
  cpSync(join(folder, "begun"), join(folder, "cloned"), { recursive: true });
  const { stdout } = await spanfill(["train", "--resume", "cloned", "--json"]);
  assert.match(eventsOf(stdout).at(-1).error.message, /was not made by a run on this machine/);
  const local = await train("begun");
  assert.match(eventsOf(local.stdout).at(-1).error.message, /holds an unfinished run that began with --on/);
});

test("a place is timed beside this machine, with words of ours", async () => {
  const { code, stdout, stderr } = await spanfill([
    ...["train", ...REQUEST, ...on("timed"), "--workers", "2", "--threads", "1", "--measure"],
    ...["--out", "timed-model", "--json"],
  ]);
  assert.equal(code, 0, stderr);
  const pace = paceSchema.parse(JSON.parse(stdout));
  assert.deepEqual([pace.workers, pace.there.tokensPerSecond], [2, 9]);
  assert.ok(pace.here.tokensPerSecond > 9, stdout);
  assert.ok(!existsSync(join(folder, "timed-model")));
  const here = await spanfill(["train", ...REQUEST, "--measure"]);
  assert.match(here.stderr, /computed on this machine/);
});
