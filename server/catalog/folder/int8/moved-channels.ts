/** The channels whose size int8 weights move between layers: a LoRA beside such a layer is adjusted to them. */
import { join } from "node:path";
import type { MovedChannels } from "../../../../models/checkpoint/lora.ts";
import { type PlannedTensor, slowerFormsOf, tensorPlan } from "../../../../models/checkpoint/plan.ts";
import { openSafetensors, readTensor, storedTensor } from "../checkpoint.ts";
import { stacked } from "../convert.ts";
import { openModel } from "../open.ts";
import { prepareWeights } from "./prepare.ts";
import { createQuantizer } from "./quantizer.ts";

/**
 * Finds a model's moved channels by quantizing its published weights once more, which takes as long as the first time.
 * @returns by the names of published tensors; empty if the folder has only int8 weights, beside which a LoRA learned
 */
export async function movedChannels(directory: string): Promise<ReadonlyMap<string, MovedChannels>> {
  const moved = new Map<string, MovedChannels>();
  const model = await openModel(directory, "float");
  if (model.form === "int8") return moved;
  const { folder, tensors } = await prepareWeights(directory, "int8");
  const [first] = tensors.values();
  const { metadata } = await openSafetensors(join(folder, first?.file ?? ""));
  const plan = tensorPlan(model.config, slowerFormsOf(metadata));
  const reader = {
    stacked: (planned: PlannedTensor) => stacked(planned, model.checkpoint),
    published: (name: string) => readTensor(name, storedTensor(name, model.checkpoint)),
  };
  const add = (name: string, channels: MovedChannels) => moved.set(name, { ...moved.get(name), ...channels });
  const quantize = createQuantizer(
    model.config,
    plan,
    reader,
    async () => undefined,
    ({ producer, consumer, factors }) => {
      add(producer, { outputs: factors });
      for (const { name } of consumer.sources) add(name, { inputs: factors });
    },
  );
  for (const planned of plan) if (planned.form !== "float") await quantize(planned);
  return moved;
}
