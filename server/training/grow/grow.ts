/** Grows a model: a larger one begins where the smaller one ended. */
import { basename } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { type GrownSizes, grownConfig } from "../../../models/t5/growth/config.ts";
import { type GrowthMethod, growthOperator } from "../../../models/t5/growth/operator.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import { resolveModel } from "../../catalog/installed.ts";
import { createLocalEngine } from "../../engine/process/local.ts";
import { defaultThreads } from "../../engine/runtime/ort/runner.ts";
import { textDataset } from "../data/text-dataset.ts";
import { fillFolder, freePlace } from "../run/results/export-place.ts";
import { writeTrainedFolder, writeTrainedWeights } from "../run/results/trained-model.ts";
import { readWeights } from "../step/learner.ts";
import { openGrowth } from "./apply.ts";
import { learnGrowth, type OnStep } from "./learn.ts";

/** The model, its new sizes, and how it grows. */
export interface GrowRequest extends GrownSizes {
  readonly method: GrowthMethod;
  /** Steps in which the operator is learned; 0 for none. */
  readonly learn: number;
  /** The text that it is learned on. */
  readonly data?: string;
  readonly lr: number;
  readonly batchSize: number;
  readonly out?: string;
  readonly seed: number;
  readonly threads?: number;
}

/** A grown model. */
export interface Grown {
  readonly out: string;
  readonly parameters: { readonly before: number; readonly after: number };
  /**
   * The largest difference of a token's log probability between the written model, loaded again, and the smaller one,
   * in nats.
   */
  readonly difference: number;
  /** Nats a token on the same texts. */
  readonly loss: { readonly before: number; readonly after: number };
  readonly notes: readonly string[];
}

/**
 * Grows a model and writes it to a new folder, from which it is then loaded and compared with the smaller one.
 * @throws ModelError "input" when a size does not serve, the place is taken or there is too little text, "storage" when
 *   it cannot be written, and what loading throws
 */
export async function growModel(
  model: string,
  request: GrowRequest,
  watch: { readonly signal: AbortSignal; readonly onStep: OnStep },
): Promise<Grown> {
  const { method, learn, data, seed, threads = defaultThreads() } = request;
  const base = resolveModel(model, { workingFolder: process.cwd() });
  const { config: from, weights } = await readWeights(base);
  const config = grownConfig(from, request);
  const out = await freePlace(request.out ?? `${basename(base)}-grown`, "folder");
  const before = await scores(base, threads);
  const operator = growthOperator(from, config, method, seed);
  const notes: string[] = [];
  let grown: Map<string, Float32Array<ArrayBuffer>>;
  if (learn === 0) {
    const matrices = new Map([...operator.matrices].map(([name, { values }]) => [name, values]));
    const growth = await openGrowth(operator, weights, matrices, { threads, learns: false });
    grown = await growth.apply();
    await growth.dispose();
  } else {
    if (data === undefined) {
      throw new ModelError("input", "--learn needs a text to learn the growth on. Name one with --data.");
    }
    const { dataset, notes: left } = await textDataset({ data, seed }, base, "to learn a growth", watch.signal);
    notes.push(...left);
    const settings = {
      ...{ steps: learn, learningRate: request.lr, batchSize: request.batchSize, maxBatchTokens: 4096, seed, threads },
      ...{ dropoutRate: 0, labelSmoothing: 0, zLoss: 1e-4 },
    };
    grown = await learnGrowth(operator, weights, config, dataset, settings, watch);
    watch.signal.throwIfAborted();
  }
  await fillFolder(out, async () => {
    await writeTrainedWeights(out, config, grown);
    await writeTrainedFolder({ base, out, prefixes: {} }, config);
  });
  const after = await scores(out, threads);
  const difference = Math.max(...before.map((logProb, i) => Math.abs(logProb - (after[i] ?? Number.NaN))));
  const mean = (logProbs: readonly number[]) => -logProbs.reduce((sum, value) => sum + value, 0) / logProbs.length;
  return {
    ...{ out, difference, notes },
    parameters: { before: parameterCount(from), after: parameterCount(config) },
    loss: { before: mean(before), after: mean(after) },
  };
}

/** Texts with a gap, and what stands in it. */
const PROBES = [
  ["The <extra_id_0> of the house is open.", "<extra_id_0> door <extra_id_1>"],
  ["It was a cold <extra_id_0>, and the harbor lay still.", "<extra_id_0> morning in March <extra_id_1>"],
] as const;

/** The log probabilities of the probes' targets, by the model as it lies in a folder. */
async function scores(directory: string, threads: number): Promise<number[]> {
  const engine = createLocalEngine();
  try {
    const model = await engine.load({ directory, precision: "float32", threads });
    const all: number[] = [];
    for (const [text, target] of PROBES) {
      const idsOf = (said: string) => model.encode([{ kind: "text", text: said, special: true }]);
      const [input, ids] = [await idsOf(text), await idsOf(target)];
      all.push(...(await model.score(input, ids)).logProbs);
    }
    return all;
  } finally {
    await engine.dispose();
  }
}
