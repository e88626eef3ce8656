/** A run's job as its workers read it: settings, weights, examples in the order of the steps. */
import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { safetensorsHeader } from "../../../models/checkpoint/safetensors.ts";
import type { Example } from "../../../models/t5/batch.ts";
import { learnedShapes } from "../../../models/t5/lowering/trainable.ts";
import { tensorShapes } from "../../../models/t5/weights.ts";
import { createFolder } from "../../files/create-folder.ts";
import { writeAtomically } from "../../files/whole-file.ts";
import { cutByTokens, stepExamples } from "../data/batches.ts";
import type { Judged } from "../run/judge.ts";
import { writeText, writeTrainedFolder } from "../run/results/trained-model.ts";
import type { TrainRun } from "../run/run.ts";
import { namedTensors, writeTensors } from "../run/state.ts";
import type { PreparedLearner } from "../step/learner.ts";

/** The layout of a job's folder. @see VERSION, cluster/spanfill_cluster */
const VERSION = 1;

/** Facts of a job beside its run. */
export interface JobOptions {
  /** The key of the run's settings, data and base. */
  readonly key: string;
  readonly arithmetic: "auto" | "float32" | "bfloat16";
  readonly saveEvery: number;
  readonly judged: readonly Judged[];
}

/** The files of a job, relative to its folder; the weights apart, since they are large. */
export interface JobFiles {
  readonly small: readonly string[];
  readonly weights: string;
  readonly examples: number;
}

/** Writes a job's folder. */
export async function writeJob(
  folder: string,
  run: TrainRun,
  learner: PreparedLearner,
  { key, arithmetic, saveEvery, judged }: JobOptions,
): Promise<JobFiles> {
  const { config, method, memory } = learner;
  const { settings, dataset } = run;
  const perEpoch = Math.ceil(dataset.count / settings.batchSize);
  const steps = perEpoch * settings.epochs;
  createFolder(join(folder, "model"));
  const described = {
    ...{ version: VERSION, key, config, method, settings, steps, perEpoch, saveEvery },
    ...{ precision: arithmetic, maxTargetTokens: run.task.maxTargetTokens },
  };
  await writeText(join(folder, "job.json"), `${JSON.stringify(described, null, 2)}\n`);
  const examples = layOut(run, steps, judged);
  await writeIntegers(join(folder, "examples.safetensors"), examples.arrays);
  await writeTensors(join(folder, "weights.safetensors"), namedTensors(learner.weights, tensorShapes(config)), {
    format: "pt",
  });
  const beside = method.kind === "lora" ? ["learned.safetensors"] : [];
  for (const name of beside) {
    await writeTensors(join(folder, name), namedTensors(memory.tensors, learnedShapes(config, method)), {
      format: "pt",
    });
  }
  // The model's name is the folder's: the workers write the same one.
  const named = join(folder, "model", basename(resolve(run.out)));
  createFolder(named);
  await writeTrainedFolder({ ...run, out: named }, config);
  const files = await readdir(named);
  const small = [
    "job.json",
    "examples.safetensors",
    ...beside,
    ...files.map((file) => `model/${basename(named)}/${file}`),
  ];
  return { small, weights: "weights.safetensors", examples: examples.count };
}

/** The examples of all steps, each once, and the steps by their places. */
function layOut({ dataset, settings }: TrainRun, steps: number, judged: readonly Judged[]) {
  const places = new Map<Example, number>();
  const ids: number[][] = [];
  const bounds: number[] = [];
  let at = 0;
  const placeOf = (example: Example): number => {
    const known = places.get(example);
    if (known !== undefined) return known;
    const { input, target } = example;
    places.set(example, places.size);
    ids.push([...input], [...target]);
    bounds.push(at, at + input.length, at + input.length + target.length);
    at += input.length + target.length;
    return places.size - 1;
  };
  const [stepBatches, batchSizes, order]: [number[], number[], number[]] = [[], [], []];
  const add = (batch: readonly Example[]) => {
    batchSizes.push(batch.length);
    order.push(...batch.map(placeOf));
  };
  const read = stepExamples(dataset, settings);
  for (let step = 1; step <= steps; step += 1) {
    const batches = read(step);
    stepBatches.push(batches.length);
    batches.forEach(add);
  }
  cutByTokens(dataset.validation, settings.maxBatchTokens).forEach(add);
  const arrays = {
    step_batches: Int32Array.from(stepBatches),
    batch_sizes: Int32Array.from(batchSizes),
    order: Int32Array.from(order),
    judged: Int32Array.from(judged, ({ example }) => placeOf(example)),
    ids: Int32Array.from(ids.flat()),
    bounds: Int32Array.from(bounds),
  };
  return { arrays, count: places.size };
}

async function writeIntegers(path: string, arrays: Readonly<Record<string, Int32Array>>): Promise<void> {
  const named = Object.entries(arrays);
  const shapeOf = (name: string, { length }: Int32Array) => (name === "bounds" ? [length / 3, 3] : [length]);
  const specs = named.map(([name, values]) => ({ name, dtype: "I32" as const, shape: shapeOf(name, values) }));
  const { bytes } = safetensorsHeader(specs, { format: "pt" });
  await writeAtomically(path, async (handle) => {
    await handle.writeFile(bytes);
    for (const [, values] of named) await handle.writeFile(new Uint8Array(values.buffer));
  });
}
