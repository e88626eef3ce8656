/** Writes T5 models of any shape with seeded random weights: what speed is measured on, and the untrained model of `bench quality`. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../server/training/random.ts";

/** A T5 1.0 shape: relu, tied embedding. Widths in values. */
export interface RandomShape {
  readonly vocabSize: number;
  readonly dModel: number;
  readonly dFf: number;
  readonly dKv: number;
  readonly numHeads: number;
  /** Encoder layers. */
  readonly numLayers: number;
  readonly numDecoderLayers: number;
}

/**
 * The shapes that are measured: t5-efficient-tiny-nl2, -tiny-nl8 (deep and narrow; `bench train`), t5-small, and 16+16 layers of t5-small's width.
 * `scale` widens their weights so that greedy output does not settle on one token at once.
 */
export const shapes = {
  tiny: { vocabSize: 32128, dModel: 256, dFf: 1024, dKv: 64, numHeads: 4, numLayers: 2, numDecoderLayers: 2, scale: 3 },
  narrow: {
    vocabSize: 32128,
    dModel: 256,
    dFf: 1024,
    dKv: 64,
    numHeads: 4,
    numLayers: 8,
    numDecoderLayers: 8,
    scale: 3,
  },
  small: {
    vocabSize: 32128,
    dModel: 512,
    dFf: 2048,
    dKv: 64,
    numHeads: 8,
    numLayers: 6,
    numDecoderLayers: 6,
    scale: 4,
  },
  deep: {
    vocabSize: 32128,
    dModel: 512,
    dFf: 2048,
    dKv: 64,
    numHeads: 8,
    numLayers: 16,
    numDecoderLayers: 16,
    scale: 4,
  },
} as const satisfies Record<string, RandomShape & { scale: number }>;

/** Name of a measured shape. */
export type ShapeName = keyof typeof shapes;

/** One tensor of a T5 checkpoint under transformers' name; `std` 0 stands for ones (norm weights). */
export interface TensorPlan {
  readonly name: string;
  readonly shape: readonly number[];
  readonly std: number;
}

/**
 * The tensors of a shape with the standard deviations that T5 itself starts from.
 * @see T5PreTrainedModel._init_weights, transformers modeling_t5.py
 */
export function tensorPlans(shape: RandomShape): TensorPlan[] {
  const { vocabSize: V, dModel: D, dFf: F, dKv: K, numHeads: H } = shape;
  const norm = (name: string): TensorPlan => ({ name: `${name}.layer_norm.weight`, shape: [D], std: 0 });
  const attention = (name: string, biased: boolean): TensorPlan[] => [
    { name: `${name}.q.weight`, shape: [H * K, D], std: (D * K) ** -0.5 },
    { name: `${name}.k.weight`, shape: [H * K, D], std: D ** -0.5 },
    { name: `${name}.v.weight`, shape: [H * K, D], std: D ** -0.5 },
    { name: `${name}.o.weight`, shape: [D, H * K], std: (H * K) ** -0.5 },
    ...(biased ? [{ name: `${name}.relative_attention_bias.weight`, shape: [32, H], std: D ** -0.5 }] : []),
  ];
  const stack = (side: "encoder" | "decoder", layers: number): TensorPlan[] => [
    ...Array.from({ length: layers }, (_, i) => {
      const block = `${side}.block.${i}.layer`;
      const dense = side === "encoder" ? `${block}.1` : `${block}.2`;
      return [
        ...attention(`${block}.0.SelfAttention`, i === 0),
        norm(`${block}.0`),
        ...(side === "decoder" ? [...attention(`${block}.1.EncDecAttention`, false), norm(`${block}.1`)] : []),
        { name: `${dense}.DenseReluDense.wi.weight`, shape: [F, D], std: D ** -0.5 },
        { name: `${dense}.DenseReluDense.wo.weight`, shape: [D, F], std: F ** -0.5 },
        norm(dense),
      ];
    }).flat(),
    { name: `${side}.final_layer_norm.weight`, shape: [D], std: 0 },
  ];
  return [
    { name: "shared.weight", shape: [V, D], std: 1 },
    ...stack("encoder", shape.numLayers),
    ...stack("decoder", shape.numDecoderLayers),
  ];
}

/**
 * Writes config.json, model.safetensors (float32) and the tokenizer of `tokenizerFrom` into a folder, unless the same
 * shape and seed already lie there.
 * @param scale multiplies every matrix but the embedding: 1 is T5's start; larger makes greedy output vary from step to step
 */
export function writeRandomModel(
  directory: string,
  shape: RandomShape,
  seed: number,
  tokenizerFrom: string,
  scale = 1,
): void {
  const plans = tensorPlans(shape);
  const path = join(directory, "model.safetensors");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "config.json"), `${JSON.stringify(configJson(shape), null, 2)}\n`);
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    if (existsSync(join(tokenizerFrom, name))) copyFileSync(join(tokenizerFrom, name), join(directory, name));
  }
  if (existsSync(path)) return;
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  for (const { name, shape: dims } of plans) {
    const bytes = 4 * dims.reduce((a, b) => a * b, 1);
    header[name] = { dtype: "F32", shape: dims, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(`${path}.part`, "w");
  writeSync(file, length);
  writeSync(file, text);
  const normal = normals(seed);
  for (const { name, shape: dims, std } of plans) {
    const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
    const width = std * (name === "shared.weight" ? 1 : scale);
    if (std === 0) values.fill(1);
    else for (let i = 0; i < values.length; i++) values[i] = normal() * width;
    writeSync(file, new Uint8Array(values.buffer));
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
}

/** A shape's config.json. */
export function configJson(shape: RandomShape): Record<string, unknown> {
  return {
    architectures: ["T5ForConditionalGeneration"],
    model_type: "t5",
    vocab_size: shape.vocabSize,
    d_model: shape.dModel,
    d_ff: shape.dFf,
    d_kv: shape.dKv,
    num_heads: shape.numHeads,
    num_layers: shape.numLayers,
    num_decoder_layers: shape.numDecoderLayers,
    feed_forward_proj: "relu",
    is_encoder_decoder: true,
    tie_word_embeddings: true,
    relative_attention_num_buckets: 32,
    relative_attention_max_distance: 128,
    layer_norm_epsilon: 1e-6,
    dropout_rate: 0.1,
    initializer_factor: 1,
    use_cache: true,
    pad_token_id: 0,
    eos_token_id: 1,
    decoder_start_token_id: 0,
  };
}

/** Standard normal values by Box and Muller's polar method. */
function normals(seed: number): () => number {
  const random = seededRandom(seed);
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const x = 2 * random() - 1;
      const y = 2 * random() - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1) {
        const factor = Math.sqrt((-2 * Math.log(square)) / square);
        spare = y * factor;
        return x * factor;
      }
    }
  };
}
