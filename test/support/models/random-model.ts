/** A small T5 with random weights on disk: for tests of what surrounds a model, where its answers do not matter. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../../models/random.ts";
import { parseConfig } from "../../../models/t5/config.ts";
import { tensorShapes } from "../../../models/t5/weights.ts";

/** A folder that is removed with `dispose`. */
export interface ModelFolder {
  readonly directory: string;
  readonly dispose: () => void;
}

/**
 * Writes config.json, model.safetensors and tokenizer.json to a temporary folder.
 * @param shape `layers` and `width` make generation slower; `sentinels`: how many `<extra_id_N>` the vocabulary has;
 * `spread`: the largest weight; with 1, rounding in float32 changes likelihoods by 1e-3, so that only programs of the
 * same arithmetic agree; `more`: other keys of config.json
 */
export function randomModelFolder({
  layers = 1,
  width = 32,
  sentinels = 10,
  seed = 1,
  spread = 1,
  more = {},
} = {}): ModelFolder {
  const directory = mkdtempSync(join(tmpdir(), "spanfill-model-"));
  const pieces = vocabulary(sentinels);
  const config = {
    model_type: "t5",
    vocab_size: pieces.length,
    d_model: width,
    d_ff: 2 * width,
    d_kv: 16,
    num_heads: 2,
    num_layers: layers,
    feed_forward_proj: "relu",
    tie_word_embeddings: true,
    pad_token_id: 0,
    eos_token_id: 1,
    decoder_start_token_id: 0,
    ...more,
  };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  writeFileSync(join(directory, "model.safetensors"), randomWeights(config, seed, spread));
  writeFileSync(join(directory, "tokenizer.json"), JSON.stringify(tokenizerJson(pieces)));
  return { directory, dispose: () => rmSync(directory, { recursive: true, force: true }) };
}

/** One token of 100 characters, so that a large text need not be many tokens. */
export const LONG_WORD = "long".repeat(25);

const COMMON = "the of and to in is that it for was on are as with they be at one have this from".split(" ");

function vocabulary(sentinels: number): string[] {
  const characters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
  const names = Array.from({ length: sentinels }, (_, i) => `<extra_id_${sentinels - 1 - i}>`);
  return ["<pad>", "</s>", "<unk>", "▁", ...characters, ...[...COMMON, LONG_WORD].map((word) => `▁${word}`), ...names];
}

function tokenizerJson(pieces: readonly string[]): object {
  const special = (content: string) => /^<(pad|\/s|unk|extra_id_\d+)>$/.test(content);
  const token = (content: string) => ({
    id: pieces.indexOf(content),
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  });
  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
  return {
    version: "1.0",
    added_tokens: pieces.filter(special).map(token),
    normalizer: null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, metaspace] },
    post_processor: null,
    decoder: metaspace,
    model: {
      type: "Unigram",
      unk_id: 2,
      vocab: pieces.map((piece) => [piece, special(piece) ? 0 : piece.length > 1 ? -4 : -6]),
    },
  };
}

export function randomWeights(config: object, seed: number, spread: number): Buffer {
  const random = seededRandom(seed);
  const header: Record<string, { dtype: "F32"; shape: readonly number[]; data_offsets: [number, number] }> = {};
  const blocks: Buffer[] = [];
  let offset = 0;
  for (const [name, shape] of tensorShapes(parseConfig(config))) {
    const values = new Float32Array(shape.reduce((product, axis) => product * axis, 1));
    const norm = name.includes("layer_norm");
    for (let i = 0; i < values.length; i++) values[i] = norm ? 1 : spread * (2 * random() - 1);
    const bytes = Buffer.from(values.buffer);
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
    blocks.push(bytes);
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...blocks]);
}
