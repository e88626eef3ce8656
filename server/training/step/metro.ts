/**
 * METRO's steps: the generator fills masked places, and the model learns to find and to correct what it drew for them.
 * @see forward of criterions/t5_metro.py and of models/t5_metro/model.py, gonglinyuan/metro_t0
 */
import { ModelError } from "../../../models/errors.ts";
import type { Graph, Shape } from "../../../models/graph/types.ts";
import { mixSeeds } from "../../../models/random.ts";
import type { Batch } from "../../../models/t5/batch.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { learnedShapes } from "../../../models/t5/lowering/trainable.ts";
import { generatorGraph } from "../../../models/t5/metro/generator.ts";
import { generatorConfig, generatorName } from "../../../models/t5/metro/shapes.ts";
import { laidOutName, type TrainingGraph, trainingGraph } from "../../../models/t5/training.ts";
import { biasTables, LM_HEAD, type Stack, tensorShapes } from "../../../models/t5/weights.ts";
import {
  createSession,
  type Floats,
  floats,
  floatsData,
  int32,
  type RuntimeTensor,
  type Session,
} from "../../engine/runtime/session.ts";
import { sumBiases } from "./biases.ts";
import { batchFeeds, biasFeeds, dropoutFeeds, type LaidTable, type NewFloats } from "./feeds.ts";
import { type Draws, type Masked, maskedBatch, seededDraws } from "./masked.ts";
import {
  addRows,
  addScratch,
  type Learner,
  type StepLoss,
  type StepOptions,
  type Stepper,
  type Weights,
} from "./step.ts";

/** The weight of the detector's loss beside the other two. @see configs/pretraining of gonglinyuan/metro_t0 */
const DETECTOR_WEIGHT = 50;

/** Validations mask and draw the same each time. */
const VALIDATION_SEED = 1;

/** One of the two graphs, ready to run. */
interface OpenSide {
  readonly graph: Graph;
  readonly masks: TrainingGraph["masks"];
  readonly session: Session;
  readonly tables: readonly LaidTable[];
}

/** The model as both graphs take it. */
interface Metro {
  readonly config: T5Config;
  readonly options: StepOptions;
  readonly learner: Learner;
  readonly weights: Weights;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly newFloats: NewFloats;
  readonly draws: Draws;
}

/**
 * Returns a stepper for METRO's pre-training, whose batches have a text on both sides.
 * @param learner of the method "full" with `metro`
 * @param draws what is masked and drawn; by the steps' seeds when absent
 * @throws ModelError "config" for LongT5 and Switch Transformers, "runtime" when the runtime refuses a graph
 */
export async function createMetroStepper(
  config: T5Config,
  weights: Weights,
  options: StepOptions,
  learner: Learner,
  draws?: Draws,
): Promise<Stepper> {
  const { method } = learner;
  if (method.kind !== "full" || method.metro === undefined) throw new RangeError("METRO's steps need its method");
  refuseOthers(config);
  const float64 = weights.get("shared.weight") instanceof Float64Array;
  const metro: Metro = {
    ...{ config, options, learner },
    weights: new Map([...weights, ...learner.memory.tensors]),
    shapes: new Map<string, Shape>([...tensorShapes(config), ...learnedShapes(config, method)]),
    newFloats: (count) => (float64 ? new Float64Array(count) : new Float32Array(count)),
    draws: draws ?? seededDraws(config, method.metro),
  };
  const sides = await openSides(metro, true);
  let evaluators: readonly [OpenSide, OpenSide] | undefined;
  return {
    train: (batches, seed) => inTurn(metro, sides, batches, seed, true),
    async evaluate(batches) {
      evaluators ??= await openSides(metro, false);
      return inTurn(metro, evaluators, batches, VALIDATION_SEED, false);
    },
    async dispose() {
      for (const { session } of [...sides, ...(evaluators ?? [])]) await session.dispose();
    },
  };
}

function refuseOthers({ longAttention, experts, fairseq }: T5Config): void {
  if (longAttention === null && experts === null && fairseq === null) return;
  const name =
    fairseq !== null ? "METRO-T0, whose layers are not T5's" : experts === null ? "LongT5" : "Switch Transformer";
  throw new ModelError("config", `--objective metro does not train a ${name}. Choose --objective spans.`);
}

async function openSides(metro: Metro, gradients: boolean): Promise<readonly [generator: OpenSide, model: OpenSide]> {
  const { config, options, learner, newFloats } = metro;
  const dtype = newFloats(0) instanceof Float64Array ? "float64" : "float32";
  const open = async ({ graph, masks }: TrainingGraph, tables: readonly LaidTable[]): Promise<OpenSide> => {
    const session = await createSession(graph, { folder: ".", threads: options.threads, spin: true });
    return { graph, masks, session, tables };
  };
  const tablesOf = (shape: T5Config, place: Stack, named = (name: string) => name): LaidTable[] =>
    biasTables(shape, place).map(({ name, numHeads, learned }) => ({
      ...{ name: named(name), numHeads, place, learned },
      laidOut: laidOutName(named(name)),
    }));
  const { method } = learner;
  const dropout = gradients && options.dropoutRate > 0;
  const graph = trainingGraph(config, { ...options, method, dropout, gradients, dtype });
  return [
    await open(
      { graph: generatorGraph(config, { gradients, dtype }), masks: [] },
      tablesOf(generatorConfig(config), "encoder", generatorName),
    ),
    await open(graph, [...tablesOf(config, "encoder"), ...tablesOf(config, "decoder")]),
  ];
}

/** The losses of all batches, and with `learns` their gradients added up. */
async function inTurn(
  metro: Metro,
  sides: readonly [OpenSide, OpenSide],
  batches: readonly Batch[],
  seed: number,
  learns: boolean,
): Promise<StepLoss> {
  const masked = batches.map((batch, i) => maskedBatch(batch, metro.draws.masks(batch, mixSeeds(seed, i))));
  const total = (count: (each: Masked) => number) => masked.reduce((sum, each) => sum + count(each), 0);
  const shares = { masked: 1 / total(({ places }) => places.length), all: 1 / total(({ tokens }) => tokens) };
  let [loss, nll] = [0, 0];
  for (const [index, each] of masked.entries()) {
    const found = await pass(metro, sides, each, { index, seed: mixSeeds(seed, index), shares, learns });
    loss += found.loss;
    nll += found.nll;
    if (learns && index > 0) addScratch(metro.learner.memory);
  }
  return { loss, nll };
}

/** How one batch is computed. */
interface Pass {
  readonly index: number;
  readonly seed: number;
  /** The weight of a masked place and of a token in the losses. */
  readonly shares: { readonly masked: number; readonly all: number };
  readonly learns: boolean;
}

async function pass(
  metro: Metro,
  [generator, model]: readonly [OpenSide, OpenSide],
  masked: Masked,
  { index, seed, shares, learns }: Pass,
): Promise<StepLoss> {
  const { newFloats, learner, config, options } = metro;
  const view = index === 0 ? "gradient" : "scratch";
  const gradientOf = (name: string) => (learner.memory.tensors.has(name) ? learner.memory.view(name, view) : undefined);
  if (learns) for (const name of learner.memory.tensors.keys()) gradientOf(name)?.fill(0);
  const M = masked.places.length;
  const counted = {
    masked_places: int32(masked.places, [M]),
    masked_numbers: int32(masked.numbers, [masked.numbers.length]),
    labels: int32(masked.labels, [M]),
    label_weights: floats(newFloats(M).fill(shares.masked), [M]),
  };
  const uniform = newFloats(M);
  uniform.set(metro.draws.uniform(M, seed));
  const draws = { draws: floats(uniform, [M, 1]) };
  const filled = await run(metro, generator, masked.batch, { ...counted, ...draws });
  const last = config.vocabSize - 1;
  const drawn = Int32Array.from(floatsData(filled["drawn"]), (id) => Math.min(id, last));
  const replaced = masked.replace(metro.draws.drawn?.(drawn) ?? drawn);
  const { N, isReplaced } = replaced;
  const weights = newFloats(N);
  for (const at of masked.tokenPlaces) weights[at] = DETECTOR_WEIGHT * shares.all;
  const signs = newFloats(N);
  signs.set(isReplaced);
  const detected = { replaced: floats(signs, [N]), detector_weights: floats(weights, [N]) };
  const dropped = dropoutFeeds(
    model.masks,
    replaced.batch.extents,
    () => options.dropoutRate,
    [seed, index],
    newFloats,
  );
  const corrected = await run(metro, model, replaced.batch, { ...counted, ...detected, ...dropped });
  if (learns) {
    collect(generator, filled, masked.batch, masked.labels, "shared.weight", config, gradientOf);
    const head = config.tieWordEmbeddings ? "shared.weight" : LM_HEAD;
    collect(model, corrected, replaced.batch, masked.labels, head, config, gradientOf);
  }
  const scalarOf = (outputs: typeof filled, name: string) => floatsData(outputs[name])[0] ?? Number.NaN;
  const loss = scalarOf(filled, "loss") + scalarOf(corrected, "loss");
  const nll = scalarOf(corrected, "nll");
  for (const tensor of [...Object.values(filled), ...Object.values(corrected)]) tensor.dispose();
  return { loss, nll };
}

async function run(
  { config, weights, shapes, newFloats }: Metro,
  { graph, session, tables }: OpenSide,
  batch: Batch,
  more: Readonly<Record<string, RuntimeTensor>>,
): Promise<Record<string, RuntimeTensor>> {
  const biases = biasFeeds(config, batch, tables, ({ name }) => weights.get(name) ?? newFloats(0), newFloats);
  const feeds = { ...batchFeeds(batch, 0, newFloats), ...biases, ...more };
  const inputs = graph.inputs.map(({ name }) => {
    const values = weights.get(name);
    const tensor = values && floats(values, (shapes.get(name) ?? []).map(Number));
    return [name, feeds[name as keyof typeof feeds] ?? tensor] as const;
  });
  return session.run(Object.fromEntries(inputs.flatMap(([name, tensor]) => (tensor ? [[name, tensor]] : []))));
}

/** Adds a graph's gradients to those of the step. @param head the tensor that scores tokens there */
function collect(
  { tables }: OpenSide,
  outputs: Readonly<Record<string, RuntimeTensor>>,
  batch: Batch,
  labels: Int32Array,
  head: string,
  { dModel }: T5Config,
  gradientOf: (name: string) => Floats | undefined,
): void {
  for (const [output, tensor] of Object.entries(outputs)) {
    const into = output.startsWith("d ") ? gradientOf(output.slice(2)) : undefined;
    if (into === undefined) continue;
    const values = floatsData(tensor);
    for (let i = 0; i < into.length; i += 1) into[i] = (into[i] ?? 0) + (values[i] ?? 0);
  }
  const rows = [
    [head, "label_rows", labels],
    ["shared.weight", "source_rows", batch.inputIds],
    ["shared.weight", "target_rows", batch.decoderIds],
  ] as const;
  for (const [name, output, ids] of rows) {
    const [into, values] = [gradientOf(name), outputs[output]];
    if (into !== undefined && values !== undefined) addRows(floatsData(values), ids, into, dModel, 0);
  }
  for (const { name, laidOut, numHeads, place } of tables) {
    const [into, values] = [gradientOf(name), outputs[`d ${laidOut}`]];
    if (into === undefined || values === undefined || place === "global") continue;
    const length = place === "decoder" ? batch.extents.T : batch.extents.S;
    sumBiases(floatsData(values), batch.buckets[place], numHeads, length, into);
  }
}
