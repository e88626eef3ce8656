import assert from "node:assert/strict";
import { test } from "node:test";
import { FIELDS } from "../../protocol/train-fields.ts";
import {
  runRequestSchema,
  trainRequestSchema,
  writtenRequestSchema,
  wrongFields,
} from "../../protocol/train-request.ts";
import { OWN_TASKS, TASK_NAMES } from "../../protocol/train-tasks.ts";

/** The request.json of a run that an earlier version began, as it wrote it. */
const EARLIER = {
  ...{ method: "full", columns: {}, epochs: 3, batchSize: 4, schedule: "constant", warmup: 0, weightDecay: 0 },
  ...{ clipNorm: 0, labelSmoothing: 0, zLoss: 0.0001, loraRank: 16, loraAlpha: 32, loraDropout: 0.05 },
  ...{ loraTargets: ["q", "v", "wi", "wi_0", "wi_1", "wo"], promptTokens: 20, maxBatchTokens: 4096 },
  ...{ validationShare: 0.1, evaluateEvery: 2, judged: 50, patience: 0, seed: 0, threads: 1, task: "summarize" },
  ...{ data: "/data/pairs.jsonl", base: "/models/base", out: "/models/interrupted", freezeEmbedding: false },
  ...{ restart: false, reason: "Every weight learns, for the model is small (0 M parameters) and the run short." },
  checkpointing: false,
} as const;

/** The fields that the version of EARLIER did not have. */
const LATER = { objective: "spans", maxInputTokens: 512, bottleneckLayout: "houlsby", bottleneckSize: 32 };

test("the request of an earlier version is read as it was written", () => {
  assert.deepEqual(trainRequestSchema.parse(EARLIER), { ...EARLIER, ...LATER });
  // One of a later version has fields that are not known here.
  assert.deepEqual(trainRequestSchema.parse({ ...EARLIER, later: 1 }), {
    ...EARLIER,
    ...LATER,
  });
});

test("absent fields get the defaults that users know", () => {
  assert.deepEqual(trainRequestSchema.parse({ task: "title", data: "a.csv" }), {
    ...{ task: "title", data: "a.csv", restart: false, objective: "spans", columns: {}, epochs: 5, batchSize: 16 },
    ...{
      schedule: "constant",
      warmup: 0,
      weightDecay: 0,
      clipNorm: 0,
      labelSmoothing: 0,
      zLoss: 1e-4,
      freezeEmbedding: false,
    },
    ...{ loraRank: 16, loraAlpha: 32, loraDropout: 0.05, loraTargets: ["q", "v", "wi", "wi_0", "wi_1", "wo"] },
    ...{
      bottleneckLayout: "houlsby",
      bottleneckSize: 32,
      promptTokens: 20,
      maxInputTokens: 512,
      maxBatchTokens: 4096,
      validationShare: 0.1,
      judged: 50,
    },
    ...{ patience: 3, seed: 0 },
  });
});

test("a wrong field is named with what to write instead", () => {
  const needed = { task: "title", data: "a.csv" };
  const cases: [request: unknown, words: RegExp][] = [
    [{ ...needed, epochs: 0 }, /^Field "epochs": Use a whole number from 1 to 1000\.$/],
    [{ ...needed, epochs: "3" }, /^Field "epochs": Use a whole number/],
    [{ ...needed, learningRate: 0 }, /^Field "learningRate": Use a number above 0 and at most 100\.$/],
    [{ ...needed, clipNorm: -1 }, /^Field "clipNorm": Use a number of at least 0\.$/],
    [{ ...needed, validationShare: 1 }, /^Field "validationShare": Use a number above 0 and below 1\.$/],
    [{ ...needed, method: "all" }, /^Field "method": Use one of full, lora, bottleneck, prompt\.$/],
    [{ ...needed, objective: "bert" }, /^Field "objective": Use one of spans, ul2, metro\.$/],
    [{ ...needed, restart: "yes" }, /^Field "restart": Use true or false\.$/],
    [{ ...needed, columns: "a=b" }, /^Field "columns": Use an object/],
    [{ ...needed, columns: { text: 1 } }, /^Field "columns\.text": Use an object/],
    [{ ...needed, loraTargets: "q" }, /^Field "loraTargets": Use a list of names\.$/],
    [{ ...needed, prefix: "x".repeat(10_001) }, /^Field "prefix": Use a text of at most 10000 characters\.$/],
    [{ ...needed, epoch: 3 }, /^There is no field "epoch"\. The fields are task, data, .*epochs.*saveEvery.*\.$/],
    [{ data: "" }, /^Field "task": Use one of summarize, .* Field "data": Use a text of 1 to 10000 characters\.$/],
    [[], /^Write an object with the fields of a request\.$/],
  ];
  for (const [request, words] of cases) {
    const { error } = writtenRequestSchema.safeParse(request);
    assert.match(error === undefined ? "nothing is wrong" : wrongFields(error), words, JSON.stringify(request));
  }
});

test("the panel's request keeps what was chosen apart from the defaults, and names no place to write to", () => {
  const request = { task: "infill", data: "/docs", base: "own", epochs: 3 };
  assert.deepEqual(runRequestSchema.parse({ ...request, out: "/etc", restart: true, reason: "x" }), request);
  assert.ok(!runRequestSchema.safeParse({ task: "infill", data: "/docs" }).success);
});

test("every field has a flag or is a part of the panel's form, but for a begun run's reason", () => {
  const hidden = FIELDS.filter(([, { flag, form }]) => flag === undefined && form === undefined);
  assert.deepEqual(
    hidden.map(([name]) => name),
    ["reason"],
  );
  for (const name of Object.keys(OWN_TASKS))
    assert.ok(
      TASK_NAMES.some((task) => task === name),
      name,
    );
});
