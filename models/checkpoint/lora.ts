/** LoRA as PEFT keeps it, as inputs of graphs instead of merged with the weights. */
import { ModelError } from "../errors.ts";
import {
  type AdapterInput,
  type GraphAdapter,
  inputName,
  type LoraSlot,
  slotInputs,
  slotName,
} from "../t5/adapters/adapters.ts";
import type { T5Config } from "../t5/config.ts";
import { tensorShapes } from "../t5/weights.ts";
import { type AdapterConfig, type AdapterTensor, adapterChanges, loraScale, unmergeable } from "./adapter.ts";
import { transposed } from "./adapterhub.ts";

/** The factors by which a layer's input and output channels are smaller than in the published weights. */
export interface MovedChannels {
  readonly inputs?: Float32Array;
  readonly outputs?: Float32Array;
}

/** A LoRA for weights with moved channels, by the names of the published tensors. */
export function withMovedChannels(adapter: GraphAdapter, moved: ReadonlyMap<string, MovedChannels>): GraphAdapter {
  const inputs = new Map(adapter.inputs);
  const scale = (name: string, factorAt: (i: number, width: number) => number) => {
    const input = inputs.get(name);
    if (input === undefined) return;
    const width = input.dims[1] ?? 1;
    inputs.set(name, { ...input, values: input.values.map((value, i) => value * factorAt(i, width)) });
  };
  for (const slot of adapter.slots.values()) {
    const channels = slot.kind === "lora" ? moved.get(`${slot.layer}.weight`) : undefined;
    const { inputs: read, outputs: written } = channels ?? {};
    if (read !== undefined) scale(inputName(slot, "a"), (i, width) => read[Math.floor(i / width)] ?? 1);
    if (written !== undefined) scale(inputName(slot, "b"), (i, width) => 1 / (written[i % width] ?? 1));
  }
  return { ...adapter, inputs };
}

/**
 * A LoRA as graphs take it, with alpha / rank multiplied in.
 * @throws ModelError "checkpoint" for what can only be merged, and for arrays that do not fit the base
 */
export function loraAdapter(
  base: T5Config,
  config: AdapterConfig,
  arrays: ReadonlyMap<string, AdapterTensor>,
  folder: string,
): GraphAdapter {
  const refused = (what: string) =>
    new ModelError(
      "checkpoint",
      `The adapter in ${folder} ${what}. Merge it with its base: spanfill models import ${folder}.`,
    );
  const why = unmergeable(config);
  if (why !== undefined)
    throw new ModelError("checkpoint", `The adapter in ${folder} (${config.peft_type}) cannot be used: ${why}.`);
  if (config.peft_type !== "LORA")
    throw refused(`(${config.peft_type}) cannot be applied beside its base: only bottlenecks and LoRA can be applied`);
  const shapes = tensorShapes(base);
  const slots = new Map<string, LoraSlot>();
  const inputs = new Map<string, AdapterInput>();
  for (const [name, change] of adapterChanges(arrays, shapes, base.tieWordEmbeddings)) {
    const { A, B, magnitude, whole } = change;
    if (magnitude !== undefined) throw refused("is a DoRA, which changes the size of whole weights");
    if (whole !== undefined) throw refused(`replaces ${name}`);
    const slot: LoraSlot = { kind: "lora", layer: name.replace(/\.weight$/, "") };
    const [out = 0, inner = 0] = shapes.get(name) ?? [];
    const [rank = 0] = A?.shape ?? [];
    if (
      A === undefined ||
      B === undefined ||
      rank === 0 ||
      A.shape.join() !== `${rank},${inner}` ||
      B.shape.join() !== `${out},${rank}`
    )
      throw refused(
        `gives ${name} as [${B?.shape}] and [${A?.shape}], where [${out},rank] and [rank,${inner}] are needed`,
      );
    if (!/\.(\w*SelfAttention|EncDecAttention|DenseReluDense)\.(q|k|v|kv|o|wi|wi_0|wi_1|wo)$/.test(slot.layer))
      throw refused(`changes ${name}`);
    const scale = loraScale(name, rank, config);
    const values = { a: transposed(A.values, inner), b: transposed(B.values, rank).map((value) => scale * value) };
    slots.set(slotName(slot), slot);
    for (const [array, dims] of Object.entries(slotInputs(base, slot, rank)))
      inputs.set(inputName(slot, array), { dims, values: values[array as keyof typeof values] });
  }
  return { slots, inputs };
}
