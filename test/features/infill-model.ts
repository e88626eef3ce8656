/** A model for infill's tests: real vocabularies, and a decoder that the test plays. */
import { defined } from "../../base/defined.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { encodeParts } from "../../models/tokenizer/parts.ts";
import type { Tokenizer } from "../../models/tokenizer/tokenizer.ts";
import { encodeWindow } from "../../models/tokenizer/window.ts";
import type { GeneratedSequence, GenerateRequest, LoadedModel } from "../../server/engine/engine.ts";
import { fillWindow } from "../../server/engine/fill.ts";

/** What a played decoder gives: ids of each sequence, or nothing more when the run was cancelled. */
export type Play = (request: GenerateRequest, text: string) => readonly (readonly number[])[] | "cancelled";

/** What a played model says of proposals: the log probability of each of their tokens. */
export type Likelihood = (text: string) => number;

/** A LoadedModel that answers by `play` (given the request, and its input as text with special tokens). */
export function playedModel(
  tokenizer: Tokenizer,
  play: Play,
  prefix?: string,
  likelihood: Likelihood = () => -9,
): LoadedModel {
  const sequence = (ids: readonly number[]): GeneratedSequence => ({
    ids,
    text: tokenizer.decode(ids),
    logProbs: ids.map((id) => -((id % 7) + 1) / 8),
    score: -1,
    finished: true,
  });
  const generate: LoadedModel["generate"] = async (request) => {
    const played = request.inputs.map((ids) =>
      play({ ...request, inputs: [ids] }, tokenizer.decode(ids, { keepSpecial: true })),
    );
    const cancelled = played.includes("cancelled");
    return {
      sequences: played.map((sequences) => (sequences === "cancelled" ? [] : sequences.map(sequence))),
      cancelled,
      timing: { encodeMs: 1, firstTokenMs: 1, totalMs: 2, steps: 1 },
    };
  };
  return {
    info: {
      id: "played",
      directory: "",
      config: parseConfig({
        model_type: "t5",
        vocab_size: 32128,
        d_model: 8,
        d_ff: 8,
        d_kv: 8,
        num_heads: 1,
        num_layers: 1,
        pad_token_id: tokenizer.padId,
        eos_token_id: tokenizer.eosId,
        decoder_start_token_id: tokenizer.padId,
      }),
      precision: "float32",
      device: "cpu",
      parameters: 1,
      sentinelIds: tokenizer.sentinelIds,
      unkTokenId: tokenizer.unkId,
      lengthMarks: tokenizer.lengthMarks,
      spellsLayout: tokenizer.spellsLayout,
      calibration: {},
      languages: ["en"],
      prefixes: defined({ infill: prefix }),
    },
    encode: async (parts) => encodeParts(tokenizer, parts),
    encodeAll: async (texts) => texts.map((text) => tokenizer.encode(text)),
    decode: async (ids) => tokenizer.decode(ids),
    generate,
    encodeWindow: async (window) => encodeWindow(tokenizer, window),
    fill: (request, options) =>
      fillWindow(tokenizer, generate, request, options, async (_, __, proposals) =>
        proposals.map((ofInput) => ofInput.ids.map((ids) => ids.map(() => likelihood(tokenizer.decode(ids))))),
      ),
    wordChances: () => Promise.reject(new Error("infill does not ask for the chances of words")),
    rank: () => Promise.reject(new Error("infill does not rank")),
    score: () => Promise.reject(new Error("infill does not score")),
  };
}
