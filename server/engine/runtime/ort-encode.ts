/** The encoder's pass, stage by stage. */
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { Encoded } from "../search/runner.ts";
import { paddingMask } from "./ort-feeds.ts";
import { disposeAll, type OrtModel, type Tensors } from "./ort-model.ts";
import { startDecoder } from "./ort-step.ts";
import { int32, type RuntimeTensor } from "./session.ts";

/** The encoder's result in the runtime's memory. */
export interface OrtEncoded extends Encoded {
  /** States after the final norm, float32 [B, S, D]. */
  readonly hidden: RuntimeTensor;
}

/**
 * Encodes rows of token ids, padded and masked here.
 * @param signal heard between two stages
 * @throws ModelError "input" for ids outside the vocabulary, "runtime"; the signal's reason when it has aborted
 */
export async function encode(
  model: OrtModel,
  inputs: readonly (readonly number[])[],
  signal?: AbortSignal,
): Promise<OrtEncoded> {
  const { config, stages, biasesOf } = model;
  const batch = inputs.length;
  const length = Math.max(1, ...inputs.map((ids) => ids.length));
  const masked = inputs.some((ids) => ids.length !== length);
  const ids = new Int32Array(batch * length).fill(config.padTokenId);
  for (const [i, row] of inputs.entries()) ids.set(row, i * length);
  checkIds(ids, config);
  const mask: Tensors = masked ? { mask: paddingMask(inputs, length) } : {};
  let outputs: Tensors = { input_ids: int32(ids, [batch, length]) };
  for (const stage of stages) {
    signal?.throwIfAborted();
    const encoder = await model.encoder(stage, masked);
    const previous = outputs;
    outputs = await encoder.run({ ...previous, ...biasesOf(stage, length), ...(stage.from < stage.to && mask) });
    if (outputs["next"] !== undefined) outputs = { previous: outputs["next"] };
    disposeAll(previous);
  }
  const { hidden, ...cross } = outputs;
  if (hidden === undefined) throw new ModelError("runtime", "The encoder graph gave no hidden states.");
  const memory = { feeds: { ...cross, ...mask }, masked };
  return {
    batch,
    hidden,
    start: (beams, candidates = model.whole) => startDecoder(model, memory, batch * beams, candidates),
    dispose() {
      disposeAll(memory.feeds);
      hidden.dispose();
    },
  };
}

function checkIds(ids: Int32Array, { vocabSize }: T5Config): void {
  const bad = ids.find((id) => id < 0 || id >= vocabSize);
  if (bad !== undefined) {
    throw new ModelError("input", `Token ${bad} is outside the model's vocabulary of ${vocabSize}.`);
  }
}
