/** Translates a model's shape from its training code's gin file to the keys of Hugging Face's config.json. */

import { table } from "../../../base/table.ts";
import { ModelError } from "../../errors.ts";
import type { TensorMap } from "../tensor.ts";
import { flaxformerShape, isFlaxformer } from "./flaxformer-gin.ts";
import { type Gin, GinReference, type GinValue } from "./gin.ts";

/**
 * Returns the keys of a model's config.json, from the gin file of Mesh TensorFlow or T5X. The size of the vocabulary,
 * which gin files do not contain, is taken from the embedding.
 * @param tensors the model's tensors, under Hugging Face's names
 * @returns the keys that parseConfig reads
 * @throws ModelError "config" naming a missing value, or one that a T5 cannot have
 * @see Unitransformer, SelfAttention, DenseReluDense of mesh_tensorflow/transformer; T5Config in
 *   t5x/examples/t5/network.py
 */
export function configOfGin(gin: Gin, tensors: TensorMap): Readonly<Record<string, unknown>> {
  const vocabSize = tensors.get("shared.weight")?.shape[0];
  if (vocabSize === undefined) {
    throw new ModelError("checkpoint", "The weights lack the embedding. Take the weights that came with the gin file.");
  }
  const biases = [...tensors].filter(([name]) => name.endsWith(".relative_attention_bias.weight"));
  const buckets = biases[0]?.[1].shape[0];
  const shape = shapeOf(gin, buckets);
  // T5X's scalable layers and umT5 have a table of relative positions in every layer.
  const umT5 = biases.length > 2 && !shape["first_layers"];
  const type = shape["num_experts"] !== undefined ? "switch_transformers" : umT5 ? "umt5" : "t5";
  // How many positions a Primer's convolutions read is the number of their tensors.
  const taps = new Set([...tensors.keys()].flatMap((name) => /\.q_conv_\d+\.weight$/.exec(name)?.[0] ?? [])).size;
  const convolution = taps > 0 ? { depthwise_conv_width: taps } : {};
  return { model_type: type, vocab_size: vocabSize, relative_attention_max_distance: 128, ...shape, ...convolution };
}

function shapeOf(gin: Gin, buckets: number | undefined): Shape {
  if (isFlaxformer(gin)) return flaxformerShape(gin, (path, value) => feedForward(gin, path, value));
  return gin.value("", "T5Config", "emb_dim") === undefined ? meshShape(gin) : t5xShape(gin, buckets);
}

type Shape = Readonly<Record<string, unknown>>;

function t5xShape(gin: Gin, buckets: number | undefined): Shape {
  const read = (parameter: string) => gin.value("", "T5Config", parameter);
  const size = (parameter: string) => number(gin, `T5Config.${parameter}`, read(parameter));
  return {
    d_model: size("emb_dim"),
    d_ff: size("mlp_dim"),
    d_kv: size("head_dim"),
    num_heads: size("num_heads"),
    num_layers: size("num_encoder_layers"),
    num_decoder_layers: size("num_decoder_layers"),
    feed_forward_proj: feedForward(gin, "T5Config.mlp_activations", read("mlp_activations") ?? "relu"),
    tie_word_embeddings: read("logits_via_embedding") ?? false,
    dropout_rate: read("dropout_rate"),
    relative_attention_num_buckets: buckets, // in network.py, not in gin files
  };
}

function meshShape(gin: Gin): Shape {
  /** A value on which encoder and decoder must agree. */
  const both = (target: string, parameter: string): GinValue | undefined => {
    const [encoder, decoder] = ["encoder", "decoder"].map((stack) => gin.value(stack, target, parameter));
    if (JSON.stringify(encoder) === JSON.stringify(decoder)) return encoder;
    throw refused(gin, `gives encoder and decoder different ${target}.${parameter}, which no T5 has`);
  };
  const size = (target: string, parameter: string) =>
    number(gin, `encoder/${target}.${parameter}`, both(target, parameter));
  const encoder = stackOf(gin, "encoder");
  const decoder = stackOf(gin, "decoder");
  if (JSON.stringify([encoder.talking, encoder.first]) !== JSON.stringify([decoder.talking, decoder.first])) {
    throw refused(gin, "builds encoder and decoder of different layers, which no T5 has");
  }
  const attention = encoder.talking ? "TalkingHeadsSelfAttention" : "SelfAttention";
  expect(gin, "Unitransformer.positional_embedding", both("Unitransformer", "positional_embedding"), false);
  expect(gin, "Bitransformer.shared_embedding", gin.value("", "Bitransformer", "shared_embedding"), true);
  const encoderName = gin.value("", "make_bitransformer", "encoder_name") ?? "encoder";
  expect(gin, "make_bitransformer.encoder_name", encoderName, "encoder"); // else the stacks share their weights
  expect(gin, `${attention}.relative_attention_type`, both(attention, "relative_attention_type"), "bias_shared");
  const tied = gin.value("decoder", "Unitransformer", "shared_embedding_and_softmax_weights");
  if (typeof tied !== "boolean") throw lacking(gin, "decoder/Unitransformer.shared_embedding_and_softmax_weights");
  const heads = encoder.talking
    ? talkingHeads(gin, (parameter) => both(attention, parameter))
    : {
        d_kv: size(attention, "key_value_size"),
        num_heads: size(attention, "num_heads"),
        num_memory_heads: both(attention, "num_memory_heads"),
        shared_kv: both(attention, "shared_kv"),
      };
  return {
    ...heads,
    d_model: size("Unitransformer", "d_model"),
    d_ff: size("DenseReluDense", "hidden_size"),
    num_layers: encoder.count,
    num_decoder_layers: decoder.count,
    first_layers: encoder.first,
    // Files from before 2020 do not name the activation, which was ReLU then.
    feed_forward_proj: feedForward(gin, "DenseReluDense.activation", both("DenseReluDense", "activation") ?? "relu"),
    tie_word_embeddings: tied,
    dropout_rate: both("DenseReluDense", "dropout_rate"),
    relative_attention_num_buckets: both(attention, "relative_attention_num_buckets"),
    layer_norm_epsilon: gin.value("", "sublayer_rms_norm", "epsilon") ?? both("LayerStack", "norm_epsilon"),
  };
}

/** T5's talking heads have one number and width of heads for keys, values and the softmax. */
function talkingHeads(gin: Gin, read: (parameter: string) => GinValue | undefined): Shape {
  const count = (parameter: string) => {
    const dims = read(parameter);
    const [only] = Array.isArray(dims) && dims.length === 1 ? dims : [];
    return number(gin, `TalkingHeadsSelfAttention.${parameter}`, Array.isArray(only) ? only[1] : dims);
  };
  const size = (parameter: string) => number(gin, `TalkingHeadsSelfAttention.${parameter}`, read(parameter));
  const heads = count("softmax_heads_dims");
  const width = size("key_size");
  const uneven =
    count("key_heads_dims") !== heads || count("value_heads_dims") !== heads || size("value_size") !== width;
  if (uneven) throw refused(gin, "has talking heads of different numbers or widths, which no published model has");
  expect(gin, "TalkingHeadsSelfAttention.dynamic_projections", read("dynamic_projections") ?? null, null);
  return { talking_heads: true, num_heads: heads, d_kv: width };
}

/**
 * The layers of a stack: their number, whether they have talking heads, and the first ones that have separate settings.
 */
function stackOf(gin: Gin, stack: "encoder" | "decoder") {
  const layers = gin.value(stack, "make_layer_stack", "layers");
  const repeated = gin.value(stack, "make_layer_stack", "num_layers");
  if (!Array.isArray(layers)) throw lacking(gin, `${stack}/make_layer_stack.layers`);
  const parts: readonly (readonly [string, GinValue])[] = layers.map((layer) =>
    layer instanceof GinReference ? [layer.name, null] : layerWithSettings(layer),
  );
  const names = parts.map(([name]) => name);
  const talking = names[0]?.startsWith(TALKING) ?? false;
  const expected = BLOCKS[stack].map((name) => (talking && name.endsWith("Attention") ? TALKING + name : name));
  if (
    names.length === 0 ||
    names.length % expected.length !== 0 ||
    names.some((name, i) => name !== expected[i % expected.length])
  ) {
    const found = [...new Set(names)].join(", ");
    throw refused(gin, `builds the ${stack} of the layers ${found}, and only ${expected.join(", ")} in turn work`);
  }
  const blocks = names.length / expected.length;
  const own = parts.filter(([, settings]) => settings !== null).length;
  const count = blocks * number(gin, `${stack}/make_layer_stack.num_layers`, repeated);
  if (own === 0) return { count, talking, first: undefined };
  const setting = (i: number, key: string) => {
    const [, settings] = parts[i] ?? [];
    return settings instanceof Map && settings.size === 1 ? settings.get(key) : undefined;
  };
  const [num_heads, d_ff] = [setting(0, "num_heads"), setting(expected.length - 1, "hidden_size")];
  for (let i = 0; i < own; i += 1) {
    const dense = i % expected.length === expected.length - 1;
    const same = dense ? setting(i, "hidden_size") === d_ff : setting(i, "num_heads") === num_heads;
    if (!same || own % expected.length !== 0) {
      throw refused(
        gin,
        `gives layer ${i} of the ${stack} separate settings, and only the width of the first can differ`,
      );
    }
  }
  return { count, talking, first: { num_layers: own / expected.length, num_heads, d_ff } };
}

const TALKING = "TalkingHeads";
const BLOCKS = {
  encoder: ["SelfAttention", "DenseReluDense"],
  decoder: ["SelfAttention", "EncDecAttention", "DenseReluDense"],
} as const;

/** A pair ({settings}, @layer) of Mesh TensorFlow. */
function layerWithSettings(layer: GinValue): readonly [string, GinValue] {
  const [settings = null, reference] = Array.isArray(layer) ? layer : [];
  return [reference instanceof GinReference ? reference.name : "unknown", settings];
}

const activations: Readonly<Record<string, string>> = table({
  relu: "relu",
  squared_relu: "squared-relu",
  "gelu,linear": "gated-gelu",
  "silu,linear": "gated-silu",
  "swish,linear": "gated-silu",
});

function feedForward(gin: Gin, path: string, value: GinValue): string {
  const name = Array.isArray(value) ? value.join() : String(value);
  const known = activations[name];
  if (known === undefined) throw refused(gin, `gives ${path} as ${name}; relu, and gelu or silu with linear, work`);
  return known;
}

function expect(gin: Gin, path: string, value: GinValue | undefined, expected: GinValue): void {
  if (value === undefined) throw lacking(gin, path);
  if (value !== expected) throw refused(gin, `gives ${path} as ${JSON.stringify(value)}; only ${expected} works`);
}

function number(gin: Gin, path: string, value: GinValue | undefined): number {
  if (value === undefined) throw lacking(gin, path);
  if (typeof value !== "number") throw refused(gin, `gives ${path} as ${JSON.stringify(value)}, which is not a number`);
  return value;
}

function lacking(gin: Gin, path: string): ModelError {
  const included = gin.includes.length > 0 ? ` (it includes ${gin.includes.join(", ")}, which is not read)` : "";
  return new ModelError(
    "config",
    `${gin.file} lacks ${path}${included}. Take the operative_config.gin or config.gin that came with the weights, or add a config.json.`,
  );
}

function refused(gin: Gin, what: string): ModelError {
  return new ModelError("config", `${gin.file} ${what}. Choose another model, or add a config.json if that is wrong.`);
}
