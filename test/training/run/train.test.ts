/** Whole runs of tuning on a small random model: it learns, stops and goes on exactly, and says what is wrong. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { createTokenizer } from "../../../models/tokenizer/tokenizer.ts";
import type { TrainEvent } from "../../../protocol/training.ts";
import { readTokenizer } from "../../../server/catalog/folder/tokenizer.ts";
import { resolveModel } from "../../../server/catalog/installed.ts";
import { createLocalEngine } from "../../../server/engine/process/local.ts";
import { type Pair, pairDataset } from "../../../server/training/data/dataset.ts";
import { infillDataset } from "../../../server/training/data/infill-dataset.ts";
import { promptTokenizer } from "../../../server/training/data/prompt-tokenizer.ts";
import { writeTrainedFolder } from "../../../server/training/run/results/trained-model.ts";
import { checkRoom, roomNeeded } from "../../../server/training/run/room.ts";
import type { TrainRun, TrainSettings } from "../../../server/training/run/run.ts";
import { type TrainOptions, train } from "../../../server/training/run/train.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const base = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-train-"));
after(() => {
  base.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const pairs: Pair[] = Array.from({ length: 40 }, (_, i) => {
  const text = Array.from({ length: 4 + (i % 9) }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
  return { source: `file ${i}`, input: text, target: text.split(" ").slice(0, 3).join(" "), file: "pairs", row: i + 1 };
});
const limits = { prefix: "", maxInputTokens: 64, maxTargetTokens: 32, validationShare: 0.2, seed: 1 };
const tokenizer = createTokenizer(JSON.parse(readFileSync(join(base.directory, "tokenizer.json"), "utf8")));
const settings: TrainSettings = {
  epochs: 3,
  batchSize: 4,
  maxBatchTokens: 40,
  maxInputTokens: 64,
  optimizer: "adafactor",
  learningRate: 0.01,
  schedule: "linear",
  warmupSteps: 3,
  weightDecay: 0.01,
  clipNorm: 1,
  evaluateEvery: 10,
  judged: 2,
  patience: 0,
  seed: 3,
  dropoutRate: 0.1,
  labelSmoothing: 0.1,
  zLoss: 1e-4,
  threads: 1,
};
const run = (out: string, changed: Partial<TrainRun> = {}): TrainRun => ({
  base: base.directory,
  out: join(folder, out),
  dataset: pairDataset(tokenizer, pairs, limits),
  prefixes: { summarize: "summarize: " },
  settings,
  task: { name: "summarize", metric: "rouge", maxTargetTokens: 16 },
  data: "pairs",
  method: { kind: "full", freezeEmbedding: false },
  reason: "Every weight learns.",
  notes: [],
  restart: false,
  ...changed,
});

/** Runs and returns the losses of its steps, from the step on that it began with. */
async function losses(one: TrainRun, options: TrainOptions = {}): Promise<number[]> {
  const made: number[] = [];
  await train(one, {
    ...options,
    onEvent: (event) => {
      if (event.type === "step") made.push(event.loss);
      options.onEvent?.(event);
    },
  });
  return made;
}

/** Stops a run after a step. */
function stoppingAt(step: number): TrainOptions {
  const controller = new AbortController();
  const onEvent = (event: TrainEvent) => {
    if (event.type === "step" && event.step === step) controller.abort();
  };
  return { signal: controller.signal, onEvent };
}

const failsWith = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ModelError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

const lora = { kind: "lora", targets: ["q", "v"], rank: 4, alpha: 8, dropoutRate: 0.1 } as const;
const prompted = promptTokenizer(JSON.parse(readFileSync(join(base.directory, "tokenizer.json"), "utf8")), 3);
const withPrompt = createTokenizer(prompted.json);
const short = { ...settings, epochs: 1, optimizer: "adamw" } as const;
/** What is resumed, and after which steps it was stopped. */
const RESUMED: [what: string, changed: Partial<TrainRun>, stops: number[][]][] = [
  ["every weight by Adafactor", {}, [[1], [7, 19], [10, 11]]],
  ["every weight by AdamW", { settings: short }, [[1, 5]]],
  ["LoRA by Adafactor", { settings: { ...short, optimizer: "adafactor" }, method: lora }, [[5]]],
  ["LoRA by AdamW", { settings: short, method: lora }, [[1, 5]]],
  [
    "a soft prompt by AdamW",
    {
      settings: short,
      method: { kind: "prompt", tokens: 3, firstId: prompted.firstId },
      tokenizerJson: JSON.stringify(prompted.json),
      dataset: pairDataset(withPrompt, pairs, { ...limits, prefix: prompted.names.join("") }),
      prefixes: { summarize: prompted.names.join("") },
    },
    [[1, 5]],
  ],
];

describe("tuning", () => {
  it("lowers the loss of examples kept out, and writes a model that loads", async () => {
    const { evaluations, best, cancelled } = await train(run("learns"));
    assert.equal(cancelled, false);
    assert.ok(best.validation < 0.9 * (evaluations[0]?.validation ?? 0), JSON.stringify(evaluations));
    const out = join(folder, "learns");
    assert.deepEqual(readdirSync(out).sort(), [
      "README.md",
      "config.json",
      "model.safetensors",
      "runs",
      "spanfill.json",
      "tokenizer.json",
      "training.json",
    ]);
    const engine = createLocalEngine();
    const model = await engine.load({ directory: out, precision: "float32", threads: 1 });
    assert.deepEqual(model.info.prefixes, { summarize: "summarize: " });
    // The best weights are the ones written: the engine scores the kept-out examples as the last evaluation did.
    const { validation } = run("learns").dataset;
    let [sum, tokens] = [0, 0];
    for (const { input, target } of validation) {
      sum -= (await model.score(input, target)).total;
      tokens += target.length;
    }
    assert.ok(Math.abs(sum / tokens - best.validation) < 1e-4, `${sum / tokens} and ${best.validation}`);
    await engine.dispose();
  });

  for (const [what, changed, stopped] of RESUMED) {
    it(`goes on after a stop as if there had been none, bit by bit: ${what}`, async () => {
      const whole = `${what}, whole`;
      const expected = await losses(run(whole, changed));
      for (const stops of stopped) {
        const name = `${what}, stopped ${stops}`;
        const resumed: number[] = [];
        for (const stop of [...stops, Number.POSITIVE_INFINITY]) {
          resumed.push(...(await losses(run(name, changed), stoppingAt(stop))));
        }
        assert.deepEqual(resumed, expected);
        for (const file of ["model.safetensors", "training.json"]) {
          assert.ok(readFileSync(join(folder, whole, file)).equals(readFileSync(join(folder, name, file))), file);
        }
      }
    });
  }

  it("goes on from the state before when the newest is damaged", async () => {
    const whole = await losses(run("undamaged"));
    await losses(run("damaged"), stoppingAt(14));
    const state = (slot: number) => join(folder, "damaged", ".training", `state-${slot}.safetensors`);
    const newest = [0, 1].find((slot) => readFileSync(state(slot)).includes('\\"step\\":14')) ?? 0;
    const bytes = readFileSync(state(newest));
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 5) ^ 1, bytes.length - 5);
    writeFileSync(state(newest), bytes);
    let resumed = 0;
    const rest = await losses(run("damaged"), {
      onEvent: (event) => {
        if (event.type === "resumed") resumed = event.step;
      },
    });
    assert.equal(resumed, 10);
    assert.deepEqual(rest, whole.slice(10));
  });

  it("adds batches up to the same step as one batch", async () => {
    const one = await losses(run("one batch", { settings: { ...settings, dropoutRate: 0, maxBatchTokens: 4096 } }));
    const many = await losses(run("batches", { settings: { ...settings, dropoutRate: 0, maxBatchTokens: 1 } }));
    // Later steps differ by what rounding has become.
    for (const [i, loss] of one.slice(0, 5).entries())
      assert.ok(Math.abs(loss / (many[i] ?? 0) - 1) < 1e-3, `step ${i}`);
  });

  it("learns to fill gaps from texts", async () => {
    const documents = pairs.map(({ input, source }) => ({ source, text: `${input} ${input} ${input}` }));
    const dataset = infillDataset(tokenizer, documents, limits);
    const { best, evaluations } = await train(run("infill", { dataset }));
    assert.ok(best.validation < 0.9 * (evaluations[0]?.validation ?? 0), JSON.stringify(evaluations));
  });

  it("keeps the base's weights when no step did better, and stops when patience ends", async () => {
    const still = { ...settings, learningRate: 1e-12, weightDecay: 0, patience: 2, evaluateEvery: 2, epochs: 50 };
    const { best, steps } = await train(run("still", { settings: still }));
    assert.ok(best.step <= 2 && steps <= 10, `${best.step} of ${steps}`);
  });

  it("stops and explains when the loss is no number", async () => {
    const wild = {
      ...settings,
      optimizer: "adamw" as const,
      learningRate: 1e30,
      schedule: "constant" as const,
      clipNorm: 0,
    };
    await assert.rejects(
      train(run("wild", { settings: wild })),
      failsWith("input", /a learning rate of .* too: it is too high.*step 0/),
    );
    assert.ok(existsSync(join(folder, "wild", "config.json")));
  });

  it("goes back with a lower rate when the loss is no number, and says so", async () => {
    const rates: number[] = [];
    const rollbacks: TrainEvent[] = [];
    const hot = {
      ...settings,
      optimizer: "adamw" as const,
      learningRate: 1e30,
      weightDecay: 0,
      schedule: "constant" as const,
    };
    await train(run("hot", { settings: { ...hot, epochs: 1, warmupSteps: 0 } }), {
      onEvent(event) {
        if (event.type === "step") rates.push(event.learningRate);
        if (event.type === "rollback") rollbacks.push(event);
      },
    }).catch((error) => assert.match(String(error), /is not a number/));
    const [first] = rollbacks;
    assert.ok(first?.type === "rollback", JSON.stringify(rates));
    assert.equal(first.toStep, 0);
    assert.match(first.reason, /The loss of step \d+ is not a number: a learning rate of 1e\+30 is too high/);
    assert.ok(Math.abs((rates.find((rate) => rate < 1e30) ?? 0) / (1e30 / 3) - 1) < 1e-9, rates.join(", "));
  });

  it("refuses a folder that is taken, and other settings for a stopped run", async () => {
    await assert.rejects(train(run("learns")), failsWith("input", /holds a model already.*--restart/));
    await assert.rejects(train({ ...run("x"), out: base.directory }), failsWith("input", /the model to start from/));
    await losses(run("half"), stoppingAt(1));
    const other = { ...settings, learningRate: 0.02 };
    await assert.rejects(train(run("half", { settings: other })), failsWith("input", /other settings or data/));
    await train(run("half", { settings: { ...other, epochs: 1 }, restart: true }));
  });

  it("keeps config.json as it stands, but for what the weights say otherwise", async () => {
    const published = readFileSync(join(base.directory, "config.json"), "utf8");
    const { config } = await modelConfig();
    const out = mkdtempSync(join(folder, "config-"));
    const written = async (changed: Partial<T5Config>) => {
      await writeTrainedFolder({ base: base.directory, out, prefixes: {} }, { ...config, ...changed });
      return readFileSync(join(out, "config.json"), "utf8");
    };
    assert.equal(await written({}), published);
    const { tieWordEmbeddings, scaleDecoderOutputs } = parseConfig(
      JSON.parse(await written({ tieWordEmbeddings: false })),
    );
    assert.deepEqual([tieWordEmbeddings, scaleDecoderOutputs], [false, true]);
  });

  it("refuses what the machine has no room for", async () => {
    const { config } = await modelConfig();
    const needed = roomNeeded(config, { ...settings, method: { kind: "full", freezeEmbedding: false } });
    await assert.rejects(checkRoom(needed, folder, 1000), failsWith("memory", /takes about [\d.]+ [kMG]B/));
    await assert.rejects(checkRoom({ ...needed, diskBytes: 1e18 }, folder), failsWith("checkpoint", /Free some space/));
  });
});

describe("datasets", () => {
  it("leaves out repeated and over-long pairs and says which", () => {
    const long = { source: "long", input: "a", target: "the of and ".repeat(40), file: "pairs", row: 41 };
    const cut = { source: "cut", input: "the of and ".repeat(40), target: "a", file: "pairs", row: 42 };
    const { notes, count, validation } = pairDataset(
      tokenizer,
      [...pairs, { ...pairs[0], row: 43 } as Pair, long, cut],
      limits,
    );
    assert.deepEqual(notes, [
      "pairs: 1 row repeated, left out (43)",
      "pairs: 1 row left out: the target is longer than 32 tokens (41)",
      "pairs: 1 row cut to 64 input tokens (42)",
    ]);
    assert.equal(count + validation.length, 41);
  });

  it("encodes a prefix and its text as the features do: the text begins a word, whatever white space stands between", async () => {
    const own = await readTokenizer(resolveModel());
    const ids = (prefix: string) => pairDataset(own, pairs, { ...limits, prefix }).examples(0)[0]?.input;
    assert.deepEqual(ids("summarize: "), ids("summarize:"));
    const [first] = pairDataset(own, pairs, { ...limits, prefix: "" }).judged;
    const text = `summarize: ${first?.text}`;
    const [judged] = pairDataset(own, pairs, { ...limits, prefix: "summarize: " }).judged;
    assert.deepEqual(judged?.example.input, [...own.encode(text), own.eosId]);
  });

  it("keeps the rows of a source together", () => {
    const few = pairs.map((pair, i) => ({ ...pair, source: `file ${i % 3}` }));
    const { count, validation } = pairDataset(tokenizer, few, limits);
    assert.deepEqual([count, validation.length].sort(), [13, 27]);
  });

  it("refuses data of one source", () => {
    assert.throws(
      () => pairDataset(tokenizer, pairs.slice(0, 1), limits),
      failsWith("input", /too little to learn from/),
    );
    assert.throws(() => pairDataset(tokenizer, [], limits), failsWith("input", /0 usable examples/));
  });

  it("takes whole words out and puts them behind their sentinels, elsewhere in each epoch", async () => {
    const own = await readTokenizer(resolveModel());
    const text =
      "# Title\n\nThe cache, which is kept on disk, holds every page that was read since the last start of it.\n- An item of a list.";
    const documents = [0, 1, 2].map((i) => ({ source: `${i}`, text }));
    const dataset = infillDataset(own, documents, { ...limits, prefix: "infill: " });
    const seen = new Set<string>();
    for (let epoch = 0; epoch < 8; epoch += 1) {
      for (const { input, target } of dataset.examples(epoch)) {
        const fills = own
          .decode(target, { keepSpecial: true })
          .split(/<extra_id_\d+>/)
          .slice(1);
        const shown = own.decode(input, { keepSpecial: true }).replace(/<length_\d+>/g, "");
        seen.add(shown);
        let i = 0;
        const filled = shown
          .replace(/ ?<extra_id_\d+>/g, () => ` ${fills[i++]?.trim()}`)
          .replace(" </s>", "")
          .replace("</s>", "");
        assert.equal(filled.replace(/\s+/g, " "), `infill: ${text}`.replace(/\s+/g, " "));
        for (const fill of fills.slice(0, -1)) assert.match(fill.trim(), /^[\w]+(\W+\w+)*$/);
      }
    }
    assert.ok(seen.size > 12, `${seen.size} different`);
  });
});

async function modelConfig() {
  const engine = createLocalEngine();
  const { info } = await engine.load({ directory: base.directory, precision: "float32", threads: 1 });
  await engine.dispose();
  return info;
}
