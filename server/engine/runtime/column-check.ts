/**
 * Finds the int8 products of the encoder that one scale for all activations spoils, by running it once on a text with
 * float activations and comparing each product with the one that the runtime would compute.
 */
import type { GraphBuilder } from "../../../models/graph/builder.ts";
import * as ops from "../../../models/graph/ops.ts";
import type { Value } from "../../../models/graph/types.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { type EncoderStage, encoderGraph } from "../../../models/t5/encoder.ts";
import { plusBias } from "../../../models/t5/fairseq/layers.ts";
import { fusedLowering, weightOf } from "../../../models/t5/lowering/fused.ts";
import type { Lowering, TensorSource } from "../../../models/t5/lowering/lowering.ts";
import type { PreparedWeights } from "../../catalog/folder/int8/prepare.ts";
import { readTokenizer } from "../../catalog/folder/tokenizer.ts";
import { readEncoderBiases } from "./encoder-biases.ts";
import { paddedIds } from "./ort/encode.ts";
import type { Tensors } from "./ort/model.ts";
import { createSession, float32Data } from "./session.ts";

/** A product whose mean error over the tokens is larger, relative to its values, is too far off. */
const MOST_ERROR = 0.08;

/** Stages that are not reached by then stay unchecked. */
const MOST_MS = 20_000;

const TEXT = `summarize: Spanfill runs T5 models on your own machine, in an editor and on the command line: it fills gaps
in a text (drafts, README files, comments), summarizes what it reads, and answers questions about it. In 2019, "Exploring
the Limits of Transfer Learning with a Unified Text-to-Text Transformer" cast every task as text: translate English to
German: The house is wonderful. question: Who wrote it? context: Colin Raffel, Noam Shazeer & 7 others. <extra_id_0> the
$ npm install --save-dev typescript@5.4; if (x != null) { return x[0] * 100; } See https://example.com/a_b?c=1#d.`;

/** Names of planned tensors in columns whose products are too far from those of float activations. */
export async function columnsTooFar(
  directory: string,
  { folder, ...weights }: PreparedWeights,
  tensors: TensorSource,
  stages: readonly EncoderStage[],
  threads: number,
  unsigned: boolean,
): Promise<string[]> {
  const { config } = weights;
  const biasesOf = await readEncoderBiases({ folder, ...weights });
  const ids = await sampleIds(directory, config.vocabSize, config.eosTokenId);
  const began = performance.now();
  const found: string[] = [];
  let feeds: Tensors = { input_ids: paddedIds(config, [ids]) };
  for (const stage of stages) {
    if (performance.now() - began > MOST_MS) break;
    const errors: Record<string, Value> = {};
    const lowering = comparing(config, fusedLowering(config, tensors, unsigned), tensors, errors);
    const graph = encoderGraph(config, lowering, false, stage, errors);
    const session = await createSession(graph, { folder, threads, spin: false, keepMemory: false });
    try {
      const outputs = await session.run({ ...feeds, ...biasesOf(stage, [ids.length]) });
      for (const name of Object.keys(errors))
        if (!((float32Data(outputs[name])[0] ?? 0) <= MOST_ERROR)) found.push(name);
      feeds = outputs["next"] === undefined ? {} : { previous: outputs["next"] };
    } finally {
      await session.dispose();
    }
  }
  return found;
}

/** A text's ids, or ids from all over the vocabulary where the tokenizer cannot be read. */
async function sampleIds(directory: string, vocabSize: number, end: number): Promise<number[]> {
  const tokenizer = await readTokenizer(directory).catch(() => undefined);
  const ids = tokenizer?.encode(TEXT) ?? Array.from({ length: 200 }, (_, i) => (i * 7919) % vocabSize);
  return [...ids.filter((id) => id < vocabSize).slice(0, 256), end];
}

/** The lowering with products in float, which adds the error of each product in int8 to `errors`, a number each. */
function comparing(
  config: T5Config,
  lowering: Lowering,
  tensors: TensorSource,
  errors: Record<string, Value>,
): Lowering {
  return (g) => {
    const operations = lowering(g);
    const biased = (y: Value, name: string) => plusBias(g, config, operations.weight, y, name);
    const linear = (x: Value, name: string) => {
      const weight = dequantized(g, name, Number(x.shape.at(-1)), tensors);
      if (weight === undefined) return operations.linear(x, name);
      const exact = biased(ops.matmul(g, x, weight), name);
      errors[name] = relativeError(g, operations.linear(x, name), exact);
      return exact;
    };
    return {
      ...operations,
      linear,
      linears(x, names, fused) {
        if (![".q8", ".s8t", ".weight"].some((form) => tensors.has(fused + form)))
          return names.map((name) => linear(x, name));
        const joined = linear(x, fused);
        const width = Number(joined.shape.at(-1)) / names.length;
        const parts = ops.splitLast(g, joined, Array<number>(names.length).fill(width));
        return parts.map((part, i) => biased(part, names[i] ?? ""));
      },
    };
  };
}

/** A quantized weight as float32 [K, N], which the runtime computes once; undefined for one that is float already. */
function dequantized(g: GraphBuilder, name: string, K: number, tensors: TensorSource): Value | undefined {
  const stored = weightOf(tensors);
  if (tensors.has(`${name}.s8t`))
    return ops.mul(g, ops.cast(g, stored(g, `${name}.s8t`), "float32"), stored(g, `${name}.scale`));
  if (!tensors.has(`${name}.q8`)) return undefined;
  const centred = ops.sub(g, ops.cast(g, stored(g, `${name}.q8`), "float32"), g.constant("float32", [], [128]));
  const blocks = ops.mul(g, centred, ops.unsqueeze(g, stored(g, `${name}.scale`), 2)); // [N, blocks, 128]
  const [N = 0, count = 0, size = 0] = blocks.shape.map(Number);
  const rows = ops.reshape(g, blocks, [N, count * size]);
  const bound = (at: number) => g.constant("int64", [1], [at]);
  return ops.transpose(g, ops.slice(g, rows, 1, bound(0), bound(K), K), [1, 0]);
}

/** The root mean square error of each token's row relative to its values, the mean over the rows [1, 1]. */
function relativeError(g: GraphBuilder, actual: Value, exact: Value): Value {
  const least = g.constant("float32", [], [1e-30]);
  const meanSquare = (x: Value) => ops.reduceLast(g, "ReduceMean", ops.mul(g, x, x)); // [1, S, 1]
  const ratio = ops.div(g, meanSquare(ops.sub(g, actual, exact)), ops.add(g, meanSquare(exact), least));
  const rows = ops.reshape(g, ops.unary(g, "Sqrt", ratio), [1, "S"]);
  return ops.reduceLast(g, "ReduceMean", rows);
}
