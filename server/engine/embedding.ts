/** A model's encoder alone, which turns texts into vectors; all that an encoder-only checkpoint can do. */
import { join } from "node:path";
import type { StoredTensor } from "../../models/checkpoint/tensor.ts";
import { ModelError } from "../../models/errors.ts";
import type { T5Config } from "../../models/t5/config.ts";
import { optimumGraph } from "../../models/t5/optimum.ts";
import { encoderShapes } from "../../models/t5/weights.ts";
import { encodeInput } from "../../models/tokenizer/parts.ts";
import { checkVocabulary } from "../../models/tokenizer/tokenizer.ts";
import { readTensor, storedTensor } from "../catalog/folder/checkpoint.ts";
import { endTokenOf, readGenerationSettings } from "../catalog/folder/generation.ts";
import { prepareWeights } from "../catalog/folder/int8/prepare.ts";
import { openEncoderOnly } from "../catalog/folder/open.ts";
import { readTokenizer } from "../catalog/folder/tokenizer.ts";
import { createSession, float32Data, int64 } from "./runtime/session.ts";

/** A text's vector. */
export interface Embedding {
  /** Mean of the encoder's last hidden states, float32 [D]. */
  readonly vector: Float32Array;
  /** Number of tokens, those around the text included. */
  readonly tokens: number;
}

/** A loaded encoder. */
export interface Embedder extends AsyncDisposable {
  /** @param maxTokens at which a text is cut */
  embed(text: string, maxTokens?: number): Promise<Embedding>;
}

/** ONNX's files hold at most 2 GiB, and the graph holds the weights. */
const MOST_BYTES = 1.9e9;

/**
 * Loads a model's encoder, in float32.
 * @throws ModelError "config", "checkpoint" or "tokenizer" when it cannot be loaded, "memory" when it is too large
 */
export async function openEmbedder(directory: string, threads: number): Promise<Embedder> {
  const { config, tensorOf } = await openWeights(directory);
  if (config.longAttention !== null) {
    throw new ModelError(
      "config",
      "A LongT5 gives no vectors here; embed texts with a T5. It writes: summarize, answer.",
    );
  }
  const tokenizer = await readTokenizer(directory);
  checkVocabulary(tokenizer, config.vocabSize, endTokenOf(await readGenerationSettings(directory), tokenizer, config));
  const weights = new Map<string, Float32Array>();
  let bytes = 0;
  for (const [name, shape] of encoderShapes(config)) {
    bytes += 4 * shape.reduce((product, axis) => product * axis, 1);
    if (bytes > MOST_BYTES)
      throw new ModelError("memory", `The encoder in ${directory} needs more than 1.9 GB. Choose a smaller model.`);
    weights.set(name, await readTensor(name, tensorOf(name)));
  }
  const graph = optimumGraph(config, weights, "encoder_model");
  const session = await createSession(graph, { folder: "/", threads, spin: false });
  return {
    async embed(text, maxTokens) {
      const ids = encodeInput(tokenizer, [{ kind: "text", text, special: true }], maxTokens);
      const row = (values: readonly number[]) => int64(values).reshape([1, values.length]);
      const outputs = await session.run({ input_ids: row(ids), attention_mask: row(ids.map(() => 1)) });
      return { vector: mean(float32Data(outputs["last_hidden_state"]), ids.length), tokens: ids.length };
    },
    [Symbol.asyncDispose]: () => session.dispose(),
  };
}

/** The weights of an encoder alone as they are; those of a whole model in float32, converted if needed. */
async function openWeights(
  directory: string,
): Promise<{ readonly config: T5Config; readonly tensorOf: (name: string) => StoredTensor }> {
  const encoder = await openEncoderOnly(directory);
  if (encoder !== undefined)
    return { config: encoder.config, tensorOf: (name) => storedTensor(name, encoder.checkpoint) };
  const { config, tensors, folder } = await prepareWeights(directory, "float32");
  return {
    config,
    tensorOf: (name) => {
      const place = tensors.get(name);
      if (place === undefined) throw new RangeError(`there is no weight ${name}`);
      return { ...place, file: join(folder, place.file) };
    },
  };
}

/** @param states float32 [S, D] @returns float32 [D] */
function mean(states: Float32Array, count: number): Float32Array {
  const width = states.length / count;
  return Float32Array.from({ length: width }, (_, column) => {
    let sum = 0;
    for (let row = 0; row < count; row += 1) sum += states[row * width + column] ?? 0;
    return sum / count;
  });
}
