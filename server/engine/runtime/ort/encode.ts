/** The encoder's pass, stage by stage. */
import { ModelError } from "../../../../models/errors.ts";
import type { GraphAdapter } from "../../../../models/t5/adapters/adapters.ts";
import type { T5Config } from "../../../../models/t5/config.ts";
import { requirePositions } from "../../../../models/t5/fairseq/config.ts";
import { longLayout } from "../../../../models/t5/long/layout.ts";
import type { Encoded } from "../../search/runner.ts";
import { float32, float32Data, int32, type RuntimeTensor } from "../session.ts";
import { paddingMask } from "./feeds.ts";
import { disposeAll, type OrtModel, type Tensors } from "./model.ts";
import { startDecoder } from "./step.ts";

/** The encoder's result in the runtime's memory. */
export interface OrtEncoded extends Encoded {
  /** States after the final norm, float32 [B, S, D]. */
  readonly hidden: RuntimeTensor;
}

/**
 * Encodes rows of token ids, padded and masked here. Where the runtime quantizes a whole batch's activations by one
 * scale, each row is encoded by itself, so that its result is the one that it has alone.
 * @param signal heard between two stages
 * @throws ModelError "input" for ids outside the vocabulary, "runtime"; the signal's reason when it has aborted
 */
export async function encode(
  model: OrtModel,
  inputs: readonly (readonly number[])[],
  signal?: AbortSignal,
  adapter?: GraphAdapter,
): Promise<OrtEncoded> {
  for (const { length } of inputs) requirePositions(model.config, length, "The text");
  await model.makeRoom(adapter);
  const batch = inputs.length;
  const length = Math.max(1, ...inputs.map((ids) => ids.length));
  const masked = inputs.some((ids) => ids.length !== length);
  for (const ids of inputs) checkIds(ids, model.config);
  const mask: Tensors = masked ? { mask: paddingMask(inputs, length) } : {};
  const oneByOne = model.rowsShareScales && batch > 1;
  const outputs = oneByOne
    ? await runRows(model, inputs, length, { mask: {}, adapter, signal })
    : await runStages(model, inputs, { mask, adapter, signal });
  const { hidden, ...cross } = outputs;
  if (hidden === undefined) throw new ModelError("runtime", "The encoder graph gave no hidden states.");
  const memory = { feeds: { ...cross, ...mask }, masked, adapter };
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

/** The inputs of a pass of the encoder beside its rows. */
interface Pass {
  /** Empty where no row is padded. */
  readonly mask: Tensors;
  readonly adapter: GraphAdapter | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The last stage's outputs for a batch of rows, padded to the longest. */
async function runStages(
  { config, stages, encoder, biasesOf }: OrtModel,
  inputs: readonly (readonly number[])[],
  { mask, adapter, signal }: Pass,
): Promise<Tensors> {
  const lengths = inputs.map((row) => row.length);
  let outputs: Tensors = { input_ids: paddedIds(config, inputs) };
  for (const stage of stages) {
    signal?.throwIfAborted();
    const masked = config.longAttention === null && Object.keys(mask).length > 0; // a LongT5's mask is among its biases
    const { session, own } = await encoder(stage, masked, adapter);
    const previous = outputs;
    outputs = await session.run({
      ...{ ...previous, ...own },
      ...biasesOf(stage, lengths),
      ...(masked && stage.from < stage.to && mask),
    });
    if (outputs["next"] !== undefined) outputs = { previous: outputs["next"] };
    disposeAll(previous);
  }
  return outputs;
}

/** The same outputs, each row's computed without the others; zeros stand at the padding. */
async function runRows(
  model: OrtModel,
  inputs: readonly (readonly number[])[],
  length: number,
  pass: Pass,
): Promise<Tensors> {
  const joined = new Map<string, { readonly values: Float32Array; readonly dims: readonly number[] }>();
  for (const [row, ids] of inputs.entries()) {
    const own = Math.max(1, ids.length);
    const outputs = await runStages(model, [ids], pass);
    for (const [name, tensor] of Object.entries(outputs)) {
      const [, ...inner] = tensor.dims; // [S, D], or [H, S, K]
      const width = inner.at(-1) ?? 1;
      const heads = inner.length === 3 ? (inner[0] ?? 1) : 1;
      const dims = [inputs.length, ...inner.with(-2, length)];
      const into = joined.get(name) ?? { values: new Float32Array(inputs.length * heads * length * width), dims };
      joined.set(name, into);
      const values = float32Data(tensor);
      for (let head = 0; head < heads; head += 1) {
        const part = values.subarray(head * own * width, (head + 1) * own * width);
        into.values.set(part, (row * heads + head) * length * width);
      }
    }
    disposeAll(outputs);
  }
  return Object.fromEntries([...joined].map(([name, { values, dims }]) => [name, float32(values, dims)]));
}

/** Rows of ids as the encoder takes them: padded to the longest, in whole blocks for a LongT5. */
export function paddedIds(config: T5Config, inputs: readonly (readonly number[])[]): RuntimeTensor {
  const lengths = inputs.map((row) => row.length);
  const width = longLayout(config, lengths)?.tokens ?? Math.max(1, ...lengths);
  const ids = new Int32Array(inputs.length * width).fill(config.padTokenId);
  for (const [i, row] of inputs.entries()) ids.set(row, i * width);
  return int32(ids, [inputs.length, width]);
}

function checkIds(ids: readonly number[], { vocabSize }: T5Config): void {
  const bad = ids.find((id) => id < 0 || id >= vocabSize);
  if (bad !== undefined) {
    throw new ModelError("input", `Token ${bad} is outside the model's vocabulary of ${vocabSize}.`);
  }
}
