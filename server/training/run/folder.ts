/** The folder that a run makes: whether it may be used, and whether what lies there is the same run. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { FIELDS } from "../../../protocol/train-fields.ts";
import { ADAPTER_CONFIG, SHAPE_FILES } from "../../catalog/folder/model-files.ts";
import { placesOf } from "../../catalog/store.ts";
import { isLeftover, isOwnFolder, makeOwnFolder, noteFolder, PRIVATE, removeOwn } from "../../files/removal.ts";
import type { Weights } from "../step/step.ts";
import type { TrainRun } from "./run.ts";
import { hasState, removeState } from "./state.ts";

const [SHAPE] = SHAPE_FILES;

/** Where a run's state is, inside the folder that it makes. */
export const STATE_FOLDER = ".training";

/**
 * Makes the folder, and refuses one that holds something else.
 * @param state where a stopped run's state is
 * @param elsewhere whether other processes compute the run
 * @throws ModelError "input"
 */
export async function takeFolder({ base, out, restart }: TrainRun, state: string, elsewhere = false): Promise<void> {
  if (resolve(base) === resolve(out)) {
    throw new ModelError("input", `${out} is the model to start from. Name another folder for the trained one.`);
  }
  const stopped = existsSync(state);
  if (
    !stopped &&
    [SHAPE, ADAPTER_CONFIG].some((name) => existsSync(join(out, name))) &&
    !(restart && existsSync(join(out, "training.json")))
  ) {
    const own = existsSync(join(out, "training.json"));
    throw new ModelError(
      "input",
      `${out} holds a model already. ${own ? "Give --restart to train it anew from the base, or name" : "Name"} another folder.`,
    );
  }
  if (stopped && !restart) await (await import("../cluster/other-trainer.ts")).checkTrainer(out, state, elsewhere);
  if (restart) await removeState(state);
  const { own: models } = placesOf();
  // Its card and state have samples of the data.
  await makeOwnFolder(out, models, PRIVATE);
  await makeOwnFolder(state, models, PRIVATE);
  // A run that was moved here, or begun before such notes were kept.
  if (!(await isOwnFolder(state, models)) && (await hasState(state))) await noteFolder(state, models);
  // What a killed run was writing.
  for (const folder of [out, state]) {
    if (!(await isOwnFolder(folder, models))) continue;
    for (const name of await readdir(folder)) await removeOwn(join(folder, name), folder, isLeftover);
  }
}

/**
 * A key for what must be the same for a stopped run to go on: what each step depends on. The base counts by its
 * weights, wherever it lies, and settings of the machine don't count.
 */
export function keyOf({ settings, dataset, prefixes, method }: TrainRun, config: T5Config, weights: Weights): string {
  const hash = createHash("sha256");
  const ofMachine = new Set<string>(FIELDS.flatMap(([name, field]) => (field.ofMachine ? [name] : [])));
  const learned = Object.entries(settings).filter(([name]) => !ofMachine.has(name));
  const data = [dataset.examples(0), dataset.validation];
  hash.update(JSON.stringify([Object.fromEntries(learned), prefixes, method, config, data]));
  for (const [name, { buffer, byteOffset, byteLength }] of weights) {
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("hex");
}
