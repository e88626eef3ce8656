/**
 * Random models of t5-small's shape with other layers, for measuring speed: LongT5's, UL2's, Primer's, Switch
 * Transformers', METRO-T0's.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { mixSeeds, seededRandom } from "../../models/random.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { tensorShapes } from "../../models/t5/weights.ts";
import { decodeModel } from "../../models/tokenizer/sentencepiece.ts";
import { resolveModel } from "../../server/catalog/installed.ts";

/** t5-small's shape, and what differs from it. */
const SMALL = {
  ...{ model_type: "longt5", vocab_size: 32_128, d_model: 512, d_ff: 2048, d_kv: 64, num_heads: 8, num_layers: 6 },
  num_decoder_layers: 6,
  ...{ feed_forward_proj: "relu", tie_word_embeddings: true, local_radius: 127, global_block_size: 16 },
  ...{ pad_token_id: 0, eos_token_id: 1, decoder_start_token_id: 0 },
};
const SWITCH = {
  ...{ ...SMALL, model_type: "switch_transformers", expert_capacity: 64 },
  ...{ num_sparse_encoder_layers: 3, num_sparse_decoder_layers: 3 },
  router_jitter_noise: 0,
};
const CONFIGS = {
  t5: { ...SMALL, model_type: "t5" },
  "long-local": { ...SMALL, encoder_attention_type: "local" },
  "long-global": { ...SMALL, encoder_attention_type: "transient-global" },
  primer: { ...SMALL, model_type: "t5", feed_forward_proj: "squared-relu", depthwise_conv_width: 3 },
  "switch-8": { ...SWITCH, num_experts: 8 },
  "switch-32": { ...SWITCH, num_experts: 32 },
  metro: {
    ...{ ...SMALL, model_type: "fairseq_t5", vocab_size: 33_280, layer_norm_epsilon: 1e-5 },
    ...{ pad_token_id: 1, eos_token_id: 2, decoder_start_token_id: 2 },
  },
  "gated-silu": { ...SMALL, model_type: "t5", feed_forward_proj: "gated-silu" },
} as const;

/** A model that {@link writeConfigured} writes. */
export type ConfiguredShape = keyof typeof CONFIGS;

/** Whether a shape's name is one of these. */
export function isConfigured(shape: string): shape is ConfiguredShape {
  return Object.hasOwn(CONFIGS, shape);
}

/** Writes a model below a folder, unless it is there. @returns its folder */
export function writeConfigured(models: string, shape: ConfiguredShape): string {
  const directory = resolve(models, shape === "t5" ? "long-t5" : shape);
  const json = CONFIGS[shape];
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "config.json"), JSON.stringify(json));
  writeTokenizer(directory, shape);
  const path = join(directory, "model.safetensors");
  if (existsSync(path)) return directory;
  const shapes = tensorShapes(parseConfig(json));
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const [name, shape] of shapes) {
    const bytes = 4 * shape.reduce((product, axis) => product * axis, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, " ");
  head.writeBigUInt64LE(BigInt(head.length - 8));
  text.copy(head, 8);
  /** Norms are 1, and so is the sum of a convolution's weights; biases are 0. */
  const only = (name: string) => (name.endsWith(".bias") ? 0 : name.includes("_conv_") ? 1 / 3 : 1);
  const file = openSync(path, "w");
  writeSync(file, head);
  for (const [i, [name, shape]] of [...shapes].entries()) {
    const random = seededRandom(mixSeeds(7, i));
    const spread = name === "shared.weight" ? 1 : ((shape[1] ?? 1) / 3) ** -0.5;
    const count = shape.reduce((product, axis) => product * axis, 1);
    writeSync(
      file,
      Float32Array.from({ length: count }, () => (shape.length === 1 ? only(name) : spread * (2 * random() - 1))),
    );
  }
  closeSync(file);
  return directory;
}

/** The built-in model's, or the small one that tests read METRO-T0's by; only ids are read here. */
function writeTokenizer(directory: string, shape: ConfiguredShape): void {
  if (shape !== "metro") {
    copyFileSync(join(resolveModel(undefined), "tokenizer.json"), join(directory, "tokenizer.json"));
    return;
  }
  const model = brotliDecompressSync(readFileSync("test/fixtures/tokenizer/fairseq.model.br"));
  const pieces = decodeModel(model).pieces.slice(4);
  const settings = { lower: true, n_sentinel_tokens: 512, tokenizer_class: "FairseqT5Tokenizer", eos_token: "</s>" };
  writeFileSync(join(directory, "sp.model"), model);
  writeFileSync(join(directory, "dict.txt"), pieces.map(({ piece }) => `${piece} 1\n`).join(""));
  writeFileSync(join(directory, "tokenizer_config.json"), JSON.stringify(settings));
}
