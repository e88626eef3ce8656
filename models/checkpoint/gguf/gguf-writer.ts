/** Writes GGUF files of T5, llama.cpp's format. */
import * as z from "zod";
import { table } from "../../../base/table.ts";
import { ModelError } from "../../errors.ts";
import { firstIssue } from "../../issue.ts";
import type { T5Config } from "../../t5/config.ts";
import { tensorShapes } from "../../t5/weights.ts";
import { GGUF_MAGIC } from "../magic.ts";

/** A file's header, and the tensors whose float32 bytes follow it, each at a multiple of ALIGNMENT bytes. */
export interface GgufLayout {
  readonly header: Uint8Array;
  /** Hugging Face's names, in the order of the file. */
  readonly tensors: readonly string[];
}

/** Tensors begin at multiples of this many bytes from the end of the header. */
export const ALIGNMENT = 32;

/**
 * Lays out a file.
 * @param tokenizerJson tokenizer.json of a unigram model
 * @throws ModelError "config" when llama.cpp has no such T5, "tokenizer" when it cannot keep the tokenizer
 * @see T5Model of convert_hf_to_gguf.py, llama.cpp; gguf.md of ggml
 */
export function ggufLayout(config: T5Config, tokenizerJson: unknown, name: string): GgufLayout {
  if (config.talkingHeads || config.sharedHeads || config.sharedKeyValue || config.firstLayers !== null) {
    throw new ModelError("config", "llama.cpp does not support this model's attention. Export it to hf or onnx.");
  }
  if (config.longAttention !== null) {
    throw new ModelError("config", "llama.cpp does not support LongT5's attention in blocks. Export it to hf.");
  }
  if (config.fairseq !== null)
    throw new ModelError(
      "config",
      "GGUF has no METRO-T0 (fairseq_t5): its positions, biases and norms have no names there. Export it to hf.",
    );
  if (config.experts !== null)
    throw new ModelError("config", "llama.cpp does not support Switch Transformers. Export it to hf.");
  if (config.feedForward === "squared-relu" || config.convolution > 0)
    throw new ModelError("config", "llama.cpp does not support Primer's layers. Export it to hf.");
  if (config.feedForward === "gated-silu") {
    throw new ModelError(
      "config",
      "llama.cpp computes gated T5 layers with GELU, not with this model's SiLU. Export it to hf or onnx.",
    );
  }
  const shapes = tensorShapes(config);
  const metadata = metadataOf(config, tokenizerJson, name);
  const chunks = [GGUF_MAGIC, uint32(3), uint64(shapes.size), uint64(metadata.length)];
  for (const [key, { type, bytes }] of metadata) chunks.push(string(key), uint32(type), bytes);
  let offset = 0;
  for (const [tensor, shape] of shapes) {
    // The fastest axis comes first.
    chunks.push(
      string(ggufName(tensor)),
      uint32(shape.length),
      ...shape.toReversed().map(uint64),
      uint32(F32),
      uint64(offset),
    );
    offset += padded(4 * shape.reduce((product, extent) => product * extent, 1));
  }
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const header = new Uint8Array(padded(length));
  let at = 0;
  for (const chunk of chunks) {
    header.set(chunk, at);
    at += chunk.length;
  }
  return { header, tensors: [...shapes.keys()] };
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

const F32 = 0;

/** A metadata value: GGUF's number of its type, and its bytes. */
interface Value {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** GGUF's numbers of the types; lists are 9, and begin with the type of their elements. */
const TYPES = { uint8: 0, uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, list: 9 } as const;

function listOf(element: keyof typeof TYPES, count: number, bytes: Uint8Array): Value {
  return { type: TYPES.list, bytes: joined([uint32(TYPES[element]), uint64(count), bytes]) };
}

function raw(values: Uint32Array | Int32Array | Float32Array | BigUint64Array): Uint8Array {
  return new Uint8Array(values.buffer);
}

function uint32(value: number): Uint8Array {
  return raw(Uint32Array.of(value));
}

function uint64(value: number): Uint8Array {
  return raw(BigUint64Array.of(BigInt(value)));
}

function string(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return joined([uint64(bytes.length), bytes]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** llama.cpp's kinds of tokens. @see llama_token_type */
const KINDS = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5 } as const;

function metadataOf(config: T5Config, tokenizerJson: unknown, name: string): [string, Value][] {
  const u32 = (value: number): Value => ({ type: TYPES.uint32, bytes: uint32(value) });
  const f32 = (value: number): Value => ({ type: TYPES.float32, bytes: raw(Float32Array.of(value)) });
  const text = (value: string): Value => ({ type: TYPES.string, bytes: string(value) });
  const flag = (value: boolean): Value => ({ type: TYPES.bool, bytes: Uint8Array.of(Number(value)) });
  const { tokens, scores, types, charsmap, unknown } = vocabularyOf(config, tokenizerJson);
  const made: [string, Value][] = [
    ["general.architecture", text("t5")],
    ["general.name", text(name)],
    ["general.alignment", u32(ALIGNMENT)],
    ["general.file_type", u32(F32)],
    ["t5.context_length", u32(512)],
    ["t5.embedding_length", u32(config.dModel)],
    ["t5.feed_forward_length", u32(config.dFf)],
    ["t5.block_count", u32(config.numLayers)],
    ["t5.decoder_block_count", u32(config.numDecoderLayers)],
    ["t5.attention.head_count", u32(config.numHeads)],
    ["t5.attention.key_length", u32(config.dKv)],
    ["t5.attention.value_length", u32(config.dKv)],
    ["t5.attention.layer_norm_epsilon", f32(config.layerNormEpsilon)],
    ["t5.attention.layer_norm_rms_epsilon", f32(config.layerNormEpsilon)],
    ["t5.attention.relative_buckets_count", u32(config.relativeAttentionNumBuckets)],
    ["t5.decoder_start_token_id", u32(config.decoderStartTokenId)],
    ["tokenizer.ggml.model", text("t5")],
    ["tokenizer.ggml.pre", text("default")],
    ["tokenizer.ggml.tokens", listOf("string", tokens.length, joined(tokens.map(string)))],
    ["tokenizer.ggml.scores", listOf("float32", scores.length, raw(Float32Array.from(scores)))],
    ["tokenizer.ggml.token_type", listOf("int32", types.length, raw(Int32Array.from(types)))],
    ["tokenizer.ggml.add_space_prefix", flag(true)],
    ["tokenizer.ggml.remove_extra_whitespaces", flag(true)],
    ["tokenizer.ggml.eos_token_id", u32(config.eosTokenId)],
    ["tokenizer.ggml.unknown_token_id", u32(unknown)],
    ["tokenizer.ggml.padding_token_id", u32(config.padTokenId)],
    ["tokenizer.ggml.add_bos_token", flag(false)],
    ["tokenizer.ggml.add_eos_token", flag(true)],
    // What the keys above cannot say, such as whether a token absorbs the space before it.
    ["tokenizer.huggingface.json", text(JSON.stringify(tokenizerJson))],
  ];
  if (charsmap.length > 0)
    made.push(["tokenizer.ggml.precompiled_charsmap", listOf("uint8", charsmap.length, charsmap)]);
  return made;
}

const unigram = z.looseObject({
  normalizer: z.unknown().default(null),
  added_tokens: z
    .array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean().default(false) }))
    .default([]),
  model: z.looseObject({ unk_id: z.int(), vocab: z.array(z.tuple([z.string(), z.number()])) }),
});

/** A token for every row of the embedding: pieces, then added tokens, then padding. */
function vocabularyOf(config: T5Config, json: unknown) {
  const parsed = unigram.safeParse(json);
  if (!parsed.success) {
    const type = z.looseObject({ model: z.looseObject({ type: z.string() }) }).safeParse(json).data?.model.type;
    const found = type === undefined || type === "Unigram" ? firstIssue(parsed.error) : `this one is a ${type}`;
    throw new ModelError(
      "tokenizer",
      `Only unigram tokenizers can be exported to GGUF (${found}). Export to hf or onnx.`,
    );
  }
  const { model, added_tokens: added, normalizer } = parsed.data;
  const size = config.vocabSize;
  const tokens = Array.from({ length: size }, (_, i) => model.vocab[i]?.[0] ?? `[PAD${i}]`);
  const scores = Array.from({ length: size }, (_, i) => model.vocab[i]?.[1] ?? -10_000);
  const types = Array.from(
    { length: size },
    (_, i) => (i < model.vocab.length ? KINDS.normal : KINDS.unused) as number,
  );
  for (const { id, content, special } of added) {
    if (id >= size) continue;
    tokens[id] = content;
    types[id] = special && /^<(pad|\/s)>$/.test(content) ? KINDS.control : KINDS.userDefined;
  }
  types[model.unk_id] = KINDS.unknown;
  return { tokens, scores, types, charsmap: charsmapOf(normalizer), unknown: model.unk_id };
}

/** SentencePiece's table of normalizations, anywhere in the normalizers. */
function charsmapOf(normalizer: unknown): Uint8Array {
  if (typeof normalizer !== "object" || normalizer === null) return new Uint8Array();
  if ("precompiled_charsmap" in normalizer && typeof normalizer.precompiled_charsmap === "string") {
    return Uint8Array.from(atob(normalizer.precompiled_charsmap), (character) => character.charCodeAt(0));
  }
  const list = "normalizers" in normalizer && Array.isArray(normalizer.normalizers) ? normalizer.normalizers : [];
  return list.map(charsmapOf).find(({ length }) => length > 0) ?? new Uint8Array();
}

const parts: Readonly<Record<string, string>> = table({
  "0.layer_norm": "attn_norm",
  "0.SelfAttention.q": "attn_q",
  "0.SelfAttention.k": "attn_k",
  "0.SelfAttention.v": "attn_v",
  "0.SelfAttention.o": "attn_o",
  "0.SelfAttention.relative_attention_bias": "attn_rel_b",
  "1.EncDecAttention.q": "cross_attn_q",
  "1.EncDecAttention.k": "cross_attn_k",
  "1.EncDecAttention.v": "cross_attn_v",
  "1.EncDecAttention.o": "cross_attn_o",
});
const dense: Readonly<Record<string, string>> = table({
  wi: "ffn_up",
  wi_0: "ffn_gate",
  wi_1: "ffn_up",
  wo: "ffn_down",
});

/** @see gguf-py/gguf/tensor_mapping.py of llama.cpp */
function ggufName(name: string): string {
  if (name === "shared.weight") return "token_embd.weight";
  if (name === "lm_head.weight") return "output.weight";
  const [, stack = "", block, inside = ""] = /^(enc|dec)oder\.(?:block\.(\d+)\.layer\.)?(.*)\.weight$/.exec(name) ?? [];
  if (block === undefined) return `${stack}.output_norm.weight`;
  const [, layer] = /^\d\.DenseReluDense\.(\w+)$/.exec(inside) ?? [];
  const norm = inside === "1.layer_norm" && stack === "dec" ? "cross_attn_norm" : "ffn_norm";
  const part = parts[inside] ?? (layer === undefined ? norm : dense[layer]);
  return `${stack}.blk.${block}.${part}.weight`;
}
