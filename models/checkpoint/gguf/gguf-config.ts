/** The configuration of a T5 in a GGUF file's metadata, where no config.json lies beside it. */

import { table } from "../../../base/table.ts";
import { ModelError } from "../../errors.ts";
import type { TensorMap } from "../tensor.ts";
import type { GgufValue } from "./gguf.ts";

/** The metadata's names of config.json's keys, or of the tensor that states it. */
export const GGUF_KEYS: Readonly<Record<string, string>> = table({
  vocab_size: "token_embd.weight",
  d_model: "embedding_length",
  d_ff: "feed_forward_length",
  d_kv: "attention.key_length",
  num_heads: "attention.head_count",
  num_layers: "block_count",
  num_decoder_layers: "decoder_block_count",
  relative_attention_num_buckets: "attention.relative_buckets_count",
  layer_norm_epsilon: "attention.layer_norm_rms_epsilon",
  pad_token_id: "tokenizer.ggml.padding_token_id",
  eos_token_id: "tokenizer.ggml.eos_token_id",
});

/**
 * The config.json of a file's T5, as far as the file states it. What it does not state is T5's: position buckets up to
 * 128 and GELU in gated layers, as llama.cpp computes them.
 * @param tensors the file's, under Hugging Face's names
 * @param isTied whether the LM head is the embedding
 * @throws ModelError "config" when the file holds another architecture
 * @see T5Model of convert_hf_to_gguf.py, llama.cpp
 */
export function configOfGguf(
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: TensorMap,
  isTied: boolean,
  file: string,
): Readonly<Record<string, unknown>> {
  const architecture = metadata.get("general.architecture");
  if (architecture !== "t5" && architecture !== "t5encoder") {
    const found =
      architecture === undefined
        ? "names no architecture"
        : `holds a model of the kind ${JSON.stringify(architecture)?.slice(0, 60)}`;
    throw new ModelError("config", `${file} ${found}; only t5 and t5encoder work here. Choose a T5.`);
  }
  const key = (name: string) => metadata.get(`${architecture}.${name}`);
  const token = (name: string) => metadata.get(`tokenizer.ggml.${name}_token_id`);
  const has = (name: string) => tensors.has(name);
  const blocks = (stack: string) => {
    let count = 0;
    while (has(`${stack}.block.${count}.layer.0.layer_norm.weight`)) count += 1;
    return count;
  };
  const gated = has("encoder.block.0.layer.1.DenseReluDense.wi_0.weight");
  const decoderLayers = key("decoder_block_count") ?? blocks("decoder");
  return {
    model_type: has("encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight") ? "umt5" : "t5",
    vocab_size: tensors.get("shared.weight")?.shape[0],
    d_model: key("embedding_length"),
    d_ff: key("feed_forward_length"),
    d_kv: key("attention.key_length"),
    num_heads: key("attention.head_count"),
    num_layers: key("block_count"),
    ...(decoderLayers !== 0 && { num_decoder_layers: decoderLayers }),
    feed_forward_proj: gated ? "gated-gelu" : "relu",
    relative_attention_num_buckets: key("attention.relative_buckets_count"),
    layer_norm_epsilon: key("attention.layer_norm_rms_epsilon") ?? key("attention.layer_norm_epsilon"),
    tie_word_embeddings: isTied,
    scale_decoder_outputs: isTied,
    pad_token_id: token("padding") ?? 0,
    eos_token_id: token("eos") ?? 1,
    decoder_start_token_id: key("decoder_start_token_id"),
  };
}
