/** Writes T5 models of any shape with seeded random weights, for measuring speed. */
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../models/random.ts";

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
 * Factors of the decoder's weights. At T5's start a tied model names its last token again and again: the residual
 * stream is little but that token's embedding, and cross-attention is the mean of the whole input. Here what the layers
 * add outweighs the embedding, and cross-attention looks at a few places, so that each token follows from the tokens
 * before it and from the input. All else stays at T5's start: sharper attention everywhere enlarges rounding errors
 * layer by layer, until float32 and float64 choose different tokens.
 */
export interface DecoderGains {
  /** The scale of wo and of cross-attention's o. */
  readonly residual: number;
  /** The scale of cross-attention's q. */
  readonly crossQuery: number;
}

/**
 * The measured shapes: t5-efficient-tiny-nl2, -nl4 (the built-in model's), -nl8 (deep and narrow; `bench train`),
 * t5-small, and 16+16 layers of t5-small's width.
 */
export const shapes = {
  tiny: {
    ...{ vocabSize: 32128, dModel: 256, dFf: 1024, dKv: 64, numHeads: 4, numLayers: 2, numDecoderLayers: 2 },
    gains: { residual: 12, crossQuery: 4 },
  },
  nl4: {
    ...{ vocabSize: 32128, dModel: 256, dFf: 1024, dKv: 64, numHeads: 4, numLayers: 4, numDecoderLayers: 4 },
    gains: { residual: 9, crossQuery: 4 },
  },
  narrow: {
    ...{ vocabSize: 32128, dModel: 256, dFf: 1024, dKv: 64, numHeads: 4, numLayers: 8, numDecoderLayers: 8 },
    gains: { residual: 6, crossQuery: 4 },
  },
  small: {
    ...{ vocabSize: 32128, dModel: 512, dFf: 2048, dKv: 64, numHeads: 8, numLayers: 6, numDecoderLayers: 6 },
    gains: { residual: 8, crossQuery: 4 },
  },
  deep: {
    ...{ vocabSize: 32128, dModel: 512, dFf: 2048, dKv: 64, numHeads: 8, numLayers: 16, numDecoderLayers: 16 },
    gains: { residual: 10, crossQuery: 6 },
  },
} as const satisfies Record<string, RandomShape & { gains: DecoderGains }>;

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

/** The gains of a shape without specific ones: T5's standard deviations. */
const PLAIN: DecoderGains = { residual: 1, crossQuery: 1 };

/**
 * Writes config.json, model.safetensors (float32) and the tokenizer of `tokenizerFrom` into a folder. A file of the
 * same weights is kept; one of other weights is replaced, and the peers' exports of it are removed.
 */
export function writeRandomModel(
  directory: string,
  shape: RandomShape & { readonly gains?: DecoderGains },
  seed: number,
  tokenizerFrom: string,
): void {
  const path = join(directory, "model.safetensors");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "config.json"), `${JSON.stringify(configJson(shape), null, 2)}\n`);
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    if (existsSync(join(tokenizerFrom, name))) copyFileSync(join(tokenizerFrom, name), join(directory, name));
  }
  const tensors = tensorPlans(shape).map((plan) => ({ ...plan, gain: gainOf(plan.name, shape.gains ?? PLAIN) }));
  const made = createHash("sha256")
    .update(JSON.stringify([METHOD, seed, tensors]))
    .digest("hex");
  if (existsSync(path) && weightsMade(path) === made) return;
  rmSync(join(directory, "onnx"), { recursive: true, force: true });
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: "pt", made } };
  for (const { name, shape: dims } of tensors) {
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
  for (const { name, shape: dims, std, gain } of tensors) {
    const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
    if (std === 0) values.fill(1);
    else for (let i = 0; i < values.length; i++) values[i] = normal() * std * gain;
    if (name.endsWith(".wo.weight")) centerRows(values, dims.at(-1) ?? 1);
    writeSync(file, new Uint8Array(values.buffer));
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
}

/** Raised when the same plans and seed give other weights than before. */
const METHOD = 1;

/** The `__metadata__.made` of a file; undefined if there is none. */
function weightsMade(path: string): string | undefined {
  const file = openSync(path, "r");
  try {
    const length = Buffer.alloc(8);
    readSync(file, length);
    const text = Buffer.alloc(Number(length.readBigUInt64LE()));
    readSync(file, text);
    return JSON.parse(text.toString("utf8")).__metadata__?.made;
  } finally {
    closeSync(file);
  }
}

function gainOf(name: string, { residual, crossQuery }: DecoderGains): number {
  if (!name.startsWith("decoder.")) return 1;
  if (name.endsWith(".wo.weight") || name.endsWith(".EncDecAttention.o.weight")) return residual;
  return name.endsWith(".EncDecAttention.q.weight") ? crossQuery : 1;
}

/** Takes each row's mean from it: relu's outputs are positive, and would add the same vector at every token. */
function centerRows(values: Float32Array, width: number): void {
  for (let start = 0; start < values.length; start += width) {
    const row = values.subarray(start, start + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    for (let i = 0; i < width; i++) row[i] = (row[i] ?? 0) - mean;
  }
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
