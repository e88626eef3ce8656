/** Compares two models: their states layer by layer, and what slips in the text cost each. */
import { basename, join } from "node:path";
import { slowerFormsOf, tensorPlan } from "../../../models/checkpoint/plan.ts";
import { ModelError } from "../../../models/errors.ts";
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import { type Batch, batchOf } from "../../../models/t5/batch.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { refuseFairseq } from "../../../models/t5/fairseq/config.ts";
import type { Comparison, PerturbedLoss } from "../../../protocol/comparison.ts";
import { openSafetensors } from "../../catalog/folder/checkpoint.ts";
import { dequantizedSources } from "../../catalog/folder/convert.ts";
import { prepareWeights } from "../../catalog/folder/int8/prepare.ts";
import { resolveModel } from "../../catalog/installed.ts";
import type { LoadedModel, Precision } from "../../engine/engine.ts";
import { createLocalEngine } from "../../engine/process/local.ts";
import { defaultThreads } from "../../engine/runtime/ort/runner.ts";
import { readWeights } from "../step/learner.ts";
import { PERTURBATIONS, perturbed } from "./perturb.ts";
import { readSamples, type Sample, type SampleSource } from "./samples.ts";
import type { Search } from "./search.ts";
import { type CompareWatch, sameInputs, similarities } from "./similarity.ts";
import { openStates, type StateModel } from "./states.ts";

/** The text and what is compared on it. */
export interface CompareRequest {
  readonly source: SampleSource;
  /** Examples, drawn by the seed. */
  readonly limit: number;
  /** Steps of each search for STIR; 0 for no STIR. */
  readonly stirSteps: number;
  readonly stirSearch: Search;
  /** The share of words that a perturbation changes. */
  readonly share: number;
  readonly precision: readonly [first: Precision, second: Precision];
  readonly seed: number;
  readonly threads?: number;
}

/** One of the two models. */
interface Side {
  readonly states: StateModel;
  readonly model: LoadedModel;
}

type Sides = readonly [first: Side, second: Side];

/**
 * Compares two models.
 * @throws ModelError "input" when they have different vocabularies, or the data hold no example; "config" for a LongT5;
 *   and what loading throws; DOMException AbortError when the signal is aborted
 */
export async function compareModels(
  [first, second]: readonly [string, string],
  request: CompareRequest,
  watch: CompareWatch,
): Promise<Comparison> {
  const { threads = defaultThreads(), precision } = request;
  const [a, b] = [first, second].map((name) => resolveModel(name, { workingFolder: process.cwd() })) as [
    string,
    string,
  ];
  const engine = createLocalEngine();
  const opened: StateModel[] = [];
  try {
    const load = async (directory: string, of: Precision): Promise<Side> => {
      const model = await engine.load({ directory, precision: of, threads });
      const { config, weights } = await weightsIn(directory, of);
      refuseOthers(config, directory);
      const states = await openStates(config, weights, threads);
      opened.push(states);
      return { states, model };
    };
    const sides = [await load(a, precision[0]), await load(b, precision[1])] as const;
    const { samples, notes } = await readSamples(a, request.source, request, watch.signal);
    await refuseOtherVocabulary(sides, samples, [first, second]);
    const losses = await lossesOf(sides, samples, request, watch);
    const batch = await batchFor(sides[0], samples, MOST_TOKENS);
    const batches = { batch, searched: await batchFor(sides[0], samples, MOST_SEARCHED) };
    const layers = await similarities([sides[0].states, sides[1].states], batches, request, watch);
    return {
      ...{ first: nameOf(first, precision[0]), second: nameOf(second, precision[1]) },
      examples: batch.extents.B,
      tokens: [...batch.inputLengths, ...batch.targetLengths].reduce((sum, length) => sum + length, 0),
      ...{ layers, losses, notes: [...notes, ...noStir(sides, request)] },
    };
  } finally {
    for (const states of opened) await states.dispose();
    await engine.dispose();
  }
}

function nameOf(model: string, precision: Precision): string {
  return precision === "float32" ? model : `${model} (int8)`;
}

/** A model's weights as floats; in int8 as rounding left them in the file that the engine has loaded. */
async function weightsIn(directory: string, precision: Precision) {
  if (precision === "float32") return readWeights(directory);
  const { config, folder, tensors } = await prepareWeights(directory, "int8");
  const weights = new Map<string, Float32Array<ArrayBuffer>>();
  for (const file of new Set([...tensors.values()].map((tensor) => tensor.file))) {
    const checkpoint = await openSafetensors(join(folder, file));
    for (const planned of tensorPlan(config, slowerFormsOf(checkpoint.metadata)))
      for (const [name, values] of await dequantizedSources(planned, checkpoint))
        weights.set(name, Float32Array.from(values));
  }
  return { config, weights };
}

function refuseOthers(config: T5Config, directory: string): void {
  const { longAttention } = config;
  refuseFairseq(config, `Comparing states (${basename(directory)})`, "Compare T5s.");
  if (longAttention === null) return;
  throw new ModelError(
    "config",
    `${basename(directory)} is a LongT5, whose states are in blocks. Compare models that are none.`,
  );
}

async function refuseOtherVocabulary(
  [a, b]: Sides,
  samples: readonly Sample[],
  [first, second]: readonly [string, string],
): Promise<void> {
  const encoded = async ({ model }: Side) => {
    const ids: number[][] = [];
    for (const { input, target } of samples) ids.push(await idsOf(model, input), await idsOf(model, target));
    return ids;
  };
  const [ours, theirs] = [await encoded(a), await encoded(b)];
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return;
  throw new ModelError(
    "input",
    `${first} and ${second} have different vocabularies: they read the same text as other tokens (${ours.flat().length} and ${theirs.flat().length}). Compare models that share a tokenizer.`,
  );
}

async function idsOf(model: LoadedModel, text: string): Promise<number[]> {
  return model.encode([{ kind: "text", text, special: true }], MOST_LENGTH);
}

/** Tokens of a text; and of the batches that states are compared on and inputs searched for, padding counted. */
const [MOST_LENGTH, MOST_TOKENS, MOST_SEARCHED] = [256, 3072, 768];

async function batchFor({ states, model }: Side, samples: readonly Sample[], most: number): Promise<Batch> {
  const examples = [];
  let longest = 0;
  for (const { input, target } of samples) {
    const example = { input: await idsOf(model, input), target: await idsOf(model, target) };
    const length = Math.max(longest, example.input.length + example.target.length);
    if (examples.length > 0 && length * (examples.length + 1) > most) break;
    longest = length;
    examples.push(example);
  }
  return batchOf(states.config, examples);
}

async function lossesOf(
  sides: Sides,
  samples: readonly Sample[],
  { share, seed }: CompareRequest,
  { signal, onProgress }: CompareWatch,
): Promise<PerturbedLoss[]> {
  const losses: PerturbedLoss[] = [];
  const kinds = [null, ...PERTURBATIONS];
  for (const [k, kind] of kinds.entries()) {
    const totals = [0, 0];
    let tokens = 0;
    for (const [i, { prefix, input, target }] of samples.entries()) {
      signal.throwIfAborted();
      onProgress(`Losses, ${kind ?? "as it is"}`, k * samples.length + i, kinds.length * samples.length);
      const text = input.slice(prefix.length);
      const random = seededRandom(mixSeeds(mixSeeds(seed, i), k));
      const asked = kind === null ? input : prefix + perturbed(text, kind, share, random);
      for (const [side, { model }] of sides.entries()) {
        const ids = await idsOf(model, target);
        totals[side] = (totals[side] ?? 0) - (await model.score(await idsOf(model, asked), ids)).total;
        if (side === 0) tokens += ids.length;
      }
    }
    losses.push({ kind, first: (totals[0] ?? 0) / tokens, second: (totals[1] ?? 0) / tokens });
  }
  return losses;
}

/** Notes on the STIR that a comparison has not got. */
function noStir([a, b]: Sides, { stirSteps }: CompareRequest): string[] {
  if (stirSteps > 0 && !sameInputs(a.states.config, b.states.config))
    return ["no STIR, which feeds one model's inputs to the other: their widths or numbers of layers differ"];
  return [];
}
