/** One model's graphs on ONNX Runtime: each session is made when it is first needed, and kept. */
import type { Graph } from "../../../models/graph/types.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { stepGraph } from "../../../models/t5/decoder.ts";
import { type EncoderStage, encoderGraph } from "../../../models/t5/encoder.ts";
import { greedyGraph } from "../../../models/t5/generation.ts";
import type { GenerationLowering } from "../../../models/t5/lowering.ts";
import { onceFor } from "../../files/once.ts";
import type { Device } from "../device.ts";
import { type Candidates, type CommonTokens, wholeVocabulary } from "../search/candidates.ts";
import type { EncoderBiases } from "./encoder-biases.ts";
import { distanceBuckets } from "./ort-feeds.ts";
import { createSession, int32, type RuntimeTensor, type Session } from "./session.ts";

/** Tensors by the names of a graph's inputs or outputs. */
export type Tensors = Record<string, RuntimeTensor>;

/** A decoder's cache. */
export interface Cache {
  readonly rows: number;
  /** Positions in it. */
  readonly length: number;
  /** past_key_i, past_value_i. */
  readonly past: Tensors;
  readonly candidates: Candidates;
}

/** How a model's graphs are laid out and run. */
export interface Layout {
  /** The folder of the weights. */
  readonly folder: string;
  readonly threads: number;
  readonly stages: readonly EncoderStage[];
  readonly device: Device;
  readonly rowsShareScales: boolean;
}

/** A session of a decoder graph, and its feeds that depend on the candidates. */
export interface DecoderSession {
  readonly session: Session;
  readonly own: Tensors;
}

/** A model's graphs, and the tables that feed them. */
export interface OrtModel {
  readonly config: T5Config;
  readonly stages: readonly EncoderStage[];
  readonly biasesOf: EncoderBiases;
  /** @see distanceBuckets */
  readonly distances: Int32Array;
  readonly whole: Candidates;
  /** Whether the encoder quantizes the activations of all rows of a batch by one scale. */
  readonly rowsShareScales: boolean;
  /** @param masked whether the inputs are padded */
  encoder(stage: EncoderStage, masked: boolean): Promise<Session>;
  decoder(name: "step" | "greedy", masked: boolean, candidates: Candidates): Promise<DecoderSession>;
  dispose(): Promise<void>;
}

/**
 * Returns a model whose sessions are made on demand.
 * @param check throws when the weights on the disk are no longer those that were read
 */
export function createOrtModel(
  config: T5Config,
  lowering: GenerationLowering,
  biasesOf: EncoderBiases,
  { folder, threads, stages, device, rowsShareScales }: Layout,
  check: () => void,
): OrtModel {
  const sessions = new Map<string, Promise<Session>>();
  const shortlists: CommonTokens[] = [];

  /** A session that could not be made, for want of memory perhaps, is tried again by the next call. */
  function session(key: string, graph: () => Graph, spin: boolean): Promise<Session> {
    return onceFor(sessions, key, async () => {
      const keepMemory = spin || stages.length === 1;
      const opened = await createSession(graph(), { folder, threads, spin, keepMemory, device });
      try {
        check();
        return opened;
      } catch (error) {
        await opened.dispose();
        throw error;
      }
    });
  }

  return {
    ...{ config, stages, biasesOf, rowsShareScales },
    distances: distanceBuckets(config),
    whole: wholeVocabulary(config.vocabSize),
    // The encoder's large operators don't miss spinning threads, nor the memory that each of many stages would keep;
    // the decoder's small ones do.
    encoder: (stage, masked) =>
      session(`encoder ${stages.indexOf(stage)} ${masked}`, () => encoderGraph(config, lowering, masked, stage), false),
    async decoder(name, masked, { shortlist }) {
      const graphOf = name === "step" ? stepGraph : greedyGraph;
      if (shortlist === null) {
        const whole = session(`${name} ${masked}`, () => graphOf(config, lowering, masked, null), true);
        return { session: await whole, own: {} };
      }
      const { common, own } = shortlist;
      if (!shortlists.includes(common)) shortlists.push(common);
      const key = `${name} ${masked} ${shortlists.indexOf(common)}`;
      const shortlisted = session(key, () => graphOf(config, lowering, masked, common.ids), true);
      return { session: await shortlisted, own: { own: int32(own, [own.length]) } };
    },
    async dispose() {
      const opened = await Promise.allSettled(sessions.values());
      sessions.clear();
      for (const each of opened) if (each.status === "fulfilled") await each.value.dispose();
    },
  };
}

/** Renames a run's present_* tensors to the past_* of the next. */
export function asPast(present: Tensors): Tensors {
  return Object.fromEntries(Object.entries(present).map(([name, tensor]) => [name.replace("present", "past"), tensor]));
}

/** Frees tensors. */
export function disposeAll(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
