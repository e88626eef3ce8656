/** The plan of a model in int8: the engine's tensors, and the published tensors and the form that each is made of. */
import type { T5Config } from "../t5/config.ts";
import { expertOf } from "../t5/experts/shapes.ts";
import { parameterCount, tensorShapes } from "../t5/weights.ts";
import { DTYPE_BYTES, elementCount, type TensorSpec } from "./safetensors.ts";

/** Number of input values that share a scale in block form. */
export const BLOCK_SIZE = 128;

/**
 * The form in which a tensor is stored.
 * - `block`: com.microsoft.MatMulNBits (bits 8, block_size 128) and GatherBlockQuantized: `NAME.q8` uint8 [N, blocks,
 *   128] with zero point 128, the last block of a row padded with it; `NAME.scale` float32 [N, blocks]. blocks = ceil(K
 *   / 128).
 * - `column`: com.microsoft.DynamicQuantizeMatMul: `NAME.s8t` int8 [K, N] (transposed), `NAME.scale` float32 [N].
 * - `float`: float32 under its own name, as published; stacked linears as `NAME.weight` [N, K].
 */
export type QuantizedForm = "block" | "column" | "float";

/** A tensor that an int8 file holds only when the LM head is not the embedding. */
export const INT8_HEAD = "lm_head.q8";

/** Planned tensors that are stored in a slower form than their place suggests, for the sake of precision. */
export type SlowerForms = ReadonlyMap<string, "block" | "float">;

/** The {@link SlowerForms} that an int8 file's metadata names, and back. */
export function slowerFormsOf(metadata: Readonly<Record<string, string>>): SlowerForms {
  const named = (form: "block" | "float") =>
    (metadata[`in ${form}`]?.split(" ") ?? []).map((name) => [name, form] as const);
  return new Map([...named("block"), ...named("float")]);
}

/** @see slowerFormsOf */
export function slowerFormsMetadata(forms: SlowerForms): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, form] of forms) metadata[`in ${form}`] = [metadata[`in ${form}`] ?? [], name].flat().join(" ");
  return metadata;
}

/** A tensor of the engine: published ones, stacked along their rows. */
export interface PlannedTensor {
  /** Base name, without `.weight` unless `float`: `shared`, `decoder.block.0.layer.0.SelfAttention.qkv`. */
  readonly name: string;
  readonly form: QuantizedForm;
  /** Published tensors [rows, K] in stacking order. */
  readonly sources: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** [N, K] with N the sum of the sources' rows; a float tensor's own shape. */
  readonly shape: readonly number[];
  /** The tensors that the file holds for it. */
  readonly stored: readonly TensorSpec[];
}

/**
 * The int8 tensors of a model. Encoder linears are in column form, decoder linears and the embedding in block form;
 * norms, biases, positions, routers and the mixes of talking heads stay float; experts are in column form.
 * Self-attention's q, k, v are one tensor `.qkv` (unless all heads share their keys and values), cross-attention's k, v
 * one `.kv` per layer, a gated feed-forward's wi_0, wi_1 one `.wi`.
 * @see "Weights" in ARCHITECTURE.md
 */
export function tensorPlan(config: T5Config, slower: SlowerForms = new Map()): PlannedTensor[] {
  const shapes = tensorShapes(config);
  const planned: PlannedTensor[] = [];
  for (const [name, shape] of shapes) {
    const fused = fusedName(config, name);
    if (fused === undefined) continue;
    const sources = fused.sources.map((source) => ({ name: source, shape: shapes.get(source) ?? shape }));
    planned.push(plan(fused.name, slower.get(fused.name) ?? formOf(name), sources, shape));
  }
  return planned;
}

/** Bytes of a model's weights in a precision that are loaded before it runs; experts are mapped as they run. */
export function loadedBytes(config: T5Config, precision: "float32" | "int8"): number {
  // The least that can be: one expert a sparse layer. The system takes the others' pages back when memory runs short.
  const { experts } = config;
  return weightBytes(experts === null ? config : { ...config, experts: { ...experts, count: 1 } }, precision);
}

/** Bytes of a model's weights in a precision, in the engine's file. */
export function weightBytes(config: T5Config, precision: "float32" | "int8"): number {
  if (precision === "float32") return 4 * parameterCount(config);
  const stored = tensorPlan(config).flatMap((tensor) => tensor.stored);
  return stored.reduce((sum, { dtype, shape }) => sum + elementCount(shape) * DTYPE_BYTES[dtype], 0);
}

function formOf(name: string): QuantizedForm {
  if (
    /\.bias$|(layer_norm|pos_embed|relative_attention_bias|router\.classifier|_conv_\d+|Attention\.(logits|weights))\.weight$/.test(
      name,
    )
  )
    return "float";
  // The runtime takes columns as they are in the file, of which it reads the experts that it runs.
  if (expertOf(name) !== undefined) return "column";
  // Layers that run on the whole input at once are in columns, which are faster for many rows.
  return name.startsWith("encoder.") || /EncDecAttention\.(k|v|kv)\./.test(name) ? "column" : "block";
}

/** The planned tensor of which a published one is the first; undefined for those stacked below another. */
function fusedName(config: T5Config, name: string): { name: string; sources: string[] } | undefined {
  if (formOf(name) === "float") return { name, sources: [name] };
  const base = name.replace(/\.weight$/, "");
  const [, path, part] = /^(.*)\.(\w+)$/.exec(base) ?? [];
  const stack = (fused: string, parts: readonly string[]) => ({
    name: `${path}.${fused}`,
    sources: parts.map((each) => `${path}.${each}.weight`),
  });
  const self = base.includes(".SelfAttention.");
  const own = config.sharedKeyValue ? ["kv"] : ["k", "v"];
  if (part === "wi_0") return stack("wi", ["wi_0", "wi_1"]);
  if (part === "wi_1") return undefined;
  if (!self && part === "k") return stack("kv", own);
  if (!self && part === "v") return undefined;
  // A stack is cut into equal parts, but one head's keys and values are narrower than the queries.
  if (self && !config.sharedHeads && part === "q") return stack("qkv", ["q", ...own]);
  if (self && !config.sharedHeads && own.includes(part ?? "")) return undefined;
  return { name: base, sources: [name] };
}

function plan(
  name: string,
  form: QuantizedForm,
  sources: PlannedTensor["sources"],
  first: readonly number[],
): PlannedTensor {
  const [, K = 0] = first;
  const N = sources.reduce((rows, source) => rows + (source.shape[0] ?? 0), 0);
  if (form === "float") {
    const shape = [N, ...first.slice(1)];
    const stored = { name: /\.(weight|bias)$/.test(name) ? name : `${name}.weight`, dtype: "F32", shape } as const;
    return { name, form, sources, shape, stored: [stored] };
  }
  const blocks = Math.ceil(K / BLOCK_SIZE);
  const stored: TensorSpec[] =
    form === "block"
      ? [
          { name: `${name}.q8`, dtype: "U8", shape: [N, blocks, BLOCK_SIZE] },
          { name: `${name}.scale`, dtype: "F32", shape: [N, blocks] },
        ]
      : [
          { name: `${name}.s8t`, dtype: "I8", shape: [K, N] },
          { name: `${name}.scale`, dtype: "F32", shape: [N] },
        ];
  return { name, form, sources, shape: [N, K], stored };
}
