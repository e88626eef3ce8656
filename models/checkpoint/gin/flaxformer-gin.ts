/**
 * The shape of a model of flaxformer, in whose layers T5X trained Switch Transformers and may train a Primer, from its
 * gin file.
 */
import { ModelError } from "../../errors.ts";
import { type Gin, GinReference, type GinValue } from "./gin.ts";

/** Whether a gin file configures flaxformer's layers. */
export function isFlaxformer(gin: Gin): boolean {
  return gin.value("", "MultiHeadDotProductAttention", "num_heads") !== undefined;
}

/**
 * The keys of config.json, but for the vocabulary's size. An expert's capacity, which T5X gives as a share of a group
 * of texts, is transformers' default.
 * @param feedForward reads activations
 * @throws ModelError "config" naming a missing value, or one that no Switch Transformer has
 * @see moe.gin and switch_base.gin of flaxformer/t5x/configs/moe; architectures/moe/moe_architecture.py
 */
export function flaxformerShape(
  gin: Gin,
  feedForward: (path: string, value: GinValue) => string,
): Readonly<Record<string, unknown>> {
  const read = (target: string, parameter: string, scope = "") => gin.value(scope, target, parameter);
  const size = (target: string, parameter: string, scope = ""): number => {
    const value = read(target, parameter, scope);
    if (typeof value === "number") return value;
    const what = value === undefined ? `lacks ${target}.${parameter}` : `gives ${target}.${parameter} not as a number`;
    throw refused(gin, what);
  };
  const isSparse = read("SparseEncoder", "num_layers") !== undefined;
  const [encoder, decoder] = isSparse ? ["SparseEncoder", "SparseDecoder"] : ["Encoder", "Decoder"];
  const activations = (scope: string) =>
    feedForward("MlpBlock.activations", read("MlpBlock", "activations", scope) ?? ["relu"]);
  return {
    d_model: size("Embed", "features"),
    d_ff: size("MlpBlock", "intermediate_dim"),
    d_kv: size("MultiHeadDotProductAttention", "head_dim"),
    num_heads: size("MultiHeadDotProductAttention", "num_heads"),
    num_layers: size(encoder, "num_layers"),
    num_decoder_layers: size(decoder, "num_layers"),
    feed_forward_proj: activations(""),
    tie_word_embeddings: (read(decoder, "output_logits_factory") ?? null) === null,
    dropout_rate: read("MlpBlock", "intermediate_dropout_rate"),
    relative_attention_num_buckets: size("RelativePositionBiases", "num_buckets"),
    relative_attention_max_distance: size("RelativePositionBiases", "max_distance"),
    ...(isSparse && experts()),
  };

  function experts(): Readonly<Record<string, unknown>> {
    for (const stack of ["sparse_encoder", "sparse_decoder"]) {
      const router = read("MoeLayer", "router", stack);
      const name = router instanceof GinReference ? router.name : "none";
      if (name !== "TokensChooseMaskedRouter")
        throw refused(gin, `routes by ${name}; a Switch Transformer's tokens choose their experts`);
    }
    const selected = size("TokensChooseMaskedRouter", "num_selected_experts");
    if (selected !== 1) throw refused(gin, `sends each token to ${selected} experts; a Switch Transformer's go to one`);
    if (size("MlpBlock", "intermediate_dim", "expert") !== size("MlpBlock", "intermediate_dim"))
      throw refused(gin, "gives experts another width than the dense layers', which no Switch Transformer has");
    if (activations("expert") !== activations(""))
      throw refused(gin, "gives experts other activations than the dense layers', which no Switch Transformer has");
    return {
      num_experts: size("MoeLayer", "num_experts"),
      num_sparse_encoder_layers: size("SparseEncoder", "num_sparse_layers"),
      num_sparse_decoder_layers: size("SparseDecoder", "num_sparse_layers"),
      router_z_loss_coef: read("MoeEncoderDecoderModel", "router_z_loss_factor"),
      router_aux_loss_coef: read("MoeEncoderDecoderModel", "aux_loss_factor"),
    };
  }
}

function refused(gin: Gin, what: string): ModelError {
  return new ModelError("config", `${gin.file} ${what}. Choose another model, or add a config.json if that is wrong.`);
}
