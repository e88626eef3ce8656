/** A model without a network, for tests of features: words are tokens, and it answers with a rule. */
import { joinedText } from "../../../models/tokenizer/parts.ts";
import type { Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import { encodeWindow } from "../../../models/tokenizer/window.ts";
import type { GenerateRequest, Generation, InputPart, LoadedModel, ModelInfo } from "../../../server/engine/engine.ts";
import { fillWindow } from "../../../server/engine/fill.ts";
import { FEATURES } from "../../../server/features/read/sentences/features.ts";

/** What a fake model saw, and how it answers. */
export interface FakeModel extends LoadedModel {
  /** The text of every encoder input, in order. */
  readonly seen: string[];
  /** Every request, in order. */
  readonly requests: GenerateRequest[];
}

/**
 * A model whose tokens are runs of at most 8 characters of a word, each white space before a word part of it.
 * @param answer the decoder's text for an encoder input's text (prefix included, eos left out)
 */
export function fakeModel(answer: (input: string) => string, info: Partial<ModelInfo> = {}): FakeModel {
  const ids = new Map<string, number>();
  const texts: string[] = [];
  const idOf = (piece: string): number => {
    let id = ids.get(piece);
    if (id === undefined) {
      id = FIRST + texts.length;
      ids.set(piece, id);
      texts.push(piece);
    }
    return id;
  };
  const encodeText = (text: string) =>
    text.split(/(?=\s\S)/).flatMap((word) => (word.match(/[\s\S]{1,8}/g) ?? []).map(idOf));
  const encodeAfter = (text: string, continues = false) => encodeText(continues ? text : ` ${text}`);
  const decode = (list: readonly number[]) => list.map((id) => texts[id - FIRST] ?? "").join("");
  const shown = { ...FAKE_INFO, ...info };
  const tokenizer: Tokenizer = {
    encode: (text, { continues } = {}) => encodeAfter(text, continues),
    decode: (list) => decode(list).replace(/^ /, ""),
    pieceOf: (id) => texts[id - FIRST],
    size: FAKE_INFO.config.vocabSize,
    frame: { before: [], after: [FAKE_INFO.config.eosTokenId] },
    eosId: FAKE_INFO.config.eosTokenId,
    padId: FAKE_INFO.config.padTokenId,
    unkId: 2,
    sentinelIds: FAKE_INFO.sentinelIds,
    lengthMarks: shown.lengthMarks,
    promptIds: [],
    spellsLayout: shown.spellsLayout,
  };
  const model: FakeModel = {
    seen: [],
    requests: [],
    info: shown,
    async encode(parts: readonly InputPart[], maxTokens = Number.POSITIVE_INFINITY) {
      const ids = joinedText(parts).flatMap((part) => {
        if (part.kind === "text") return encodeAfter(part.text, part.continues);
        return part.kind === "token" ? [part.id] : [FAKE_INFO.sentinelIds[part.index] ?? 2];
      });
      return [...ids.slice(0, maxTokens - 1), FAKE_INFO.config.eosTokenId];
    },
    encodeAll: async (list) => list.map(encodeText),
    decode: async (list) => decode(list),
    async generate(request, options): Promise<Generation> {
      model.requests.push(request);
      const timing = { encodeMs: 1, firstTokenMs: 2, totalMs: 3, steps: 1 };
      if (options?.signal?.aborted) return { sequences: request.inputs.map(() => []), cancelled: true, timing };
      const sequences = request.inputs.map((input) => {
        const text = decode(input.filter((id) => id !== FAKE_INFO.config.eosTokenId));
        model.seen.push(text);
        const made = encodeText(answer(text)).slice(0, request.maxNewTokens);
        return [{ ids: made, text: decode(made), logProbs: made.map(() => -1), score: -1, finished: true }];
      });
      return { sequences, cancelled: false, timing };
    },
    // The earlier a sentence, the better.
    rank: async (features) =>
      Float32Array.from({ length: features.length / FEATURES.length }, (_, i) => -(features[i * FEATURES.length] ?? 0)),
    encodeWindow: async (window) => encodeWindow(tokenizer, window),
    fill: (request, options) => fillWindow(tokenizer, model.generate, request, options),
    async wordChances({ before, given = "", after, prefix = "", words }) {
      const text = `${prefix}${before}${given}${given === "" ? "" : " "}${after}`;
      model.seen.push(text);
      const [, own = ""] = /^\s*(\p{L}*)/u.exec(answer(text)) ?? [];
      const chances = { endLogProb: 0, spaceLogProb: 0 };
      return {
        words: [
          ...words.map((word) => ({ word, logProb: word === own ? 0 : -30, ...chances })),
          ...(own === "" ? [] : [{ word: own, logProb: 0, ...chances }]),
        ],
        cancelled: false,
      };
    },
    score: async (_input, target) => ({ total: -target.length, logProbs: target.map(() => -1), ids: target }),
  };
  return model;
}

const FIRST = 100;
const FAKE_INFO: ModelInfo = {
  id: "fake",
  directory: "",
  config: {
    vocabSize: 1000,
    dModel: 8,
    dFf: 16,
    dKv: 4,
    numHeads: 2,
    numLayers: 1,
    numDecoderLayers: 1,
    feedForward: "relu",
    sharedKeyValue: false,
    sharedHeads: false,
    talkingHeads: false,
    firstLayers: null,
    biasInEveryLayer: false,
    longAttention: null,
    experts: null,
    convolution: 0,
    fairseq: null,
    tieWordEmbeddings: true,
    scaleDecoderOutputs: true,
    relativeAttentionNumBuckets: 32,
    relativeAttentionMaxDistance: 128,
    layerNormEpsilon: 1e-6,
    dropoutRate: 0,
    padTokenId: 0,
    eosTokenId: 1,
    decoderStartTokenId: 0,
  },
  precision: "float32",
  device: "cpu",
  parameters: 1,
  sentinelIds: [99, 98, 97],
  lengthMarks: [],
  spellsLayout: false,
  prefixes: {},
  calibration: {},
  languages: ["en"],
};
