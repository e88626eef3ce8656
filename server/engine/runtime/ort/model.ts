/** One model's graphs on ONNX Runtime: each session is made when it is first needed, and kept. */
import type { Graph } from "../../../../models/graph/types.ts";
import {
  type AdapterSlots,
  type GraphAdapter,
  idleAdapter,
  isAdapterInput,
  withAdapters,
} from "../../../../models/t5/adapters/adapters.ts";
import type { T5Config } from "../../../../models/t5/config.ts";
import { ownRowsGraph, stepGraph } from "../../../../models/t5/decoder.ts";
import { type EncoderStage, encoderGraph } from "../../../../models/t5/encoder.ts";
import { greedyGraph } from "../../../../models/t5/generation.ts";
import type { GenerationLowering } from "../../../../models/t5/lowering/lowering.ts";
import { onceFor } from "../../../files/once.ts";
import type { Device } from "../../device.ts";
import { type Candidates, type CommonTokens, wholeVocabulary } from "../../search/candidates.ts";
import type { EncoderBiases } from "../encoder-biases.ts";
import { createSession, float32, int32, type RuntimeTensor, type Session } from "../session.ts";
import { distanceBuckets } from "./feeds.ts";

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

/** The encoder's result as decoder graphs are fed it. */
export interface Memory {
  /** cross_key_i, cross_value_i; with padding the mask. */
  readonly feeds: Tensors;
  readonly masked: boolean;
  /** The adapter that the encoder ran with, which the decoder runs with too. */
  readonly adapter: GraphAdapter | undefined;
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

/** A session of a graph, and its feeds that depend on the adapter and, in a decoder, on the candidates. */
export interface ReadySession {
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
  /**
   * Makes inputs for an adapter's places where its graphs have none yet: its sessions are made anew when next needed.
   * Adapters of the same places, and the model without one, then share these sessions.
   */
  makeRoom(adapter: GraphAdapter | undefined): Promise<void>;
  /** @param masked whether the inputs are padded */
  encoder(stage: EncoderStage, masked: boolean, adapter: GraphAdapter | undefined): Promise<ReadySession>;
  decoder(
    name: "step" | "greedy",
    masked: boolean,
    candidates: Candidates,
    adapter: GraphAdapter | undefined,
  ): Promise<ReadySession>;
  dispose(): Promise<void>;
}

/**
 * Returns a model whose sessions are made on demand.
 * @param check throws when the weights on the disk are no longer those that were read
 */
export function createOrtModel(
  config: T5Config,
  plain: GenerationLowering,
  biasesOf: EncoderBiases,
  layout: Layout,
  check: () => void,
): OrtModel {
  const { stages, rowsShareScales } = layout;
  const sessions = sessionStore(layout, check);
  const feeds = adapterFeeds(config);
  const rowsOf = addedRows(plain, sessions.open);
  let slots: AdapterSlots = new Map();
  let lowering = plain;
  const shortlists: CommonTokens[] = [];

  async function session(key: string, graphOf: () => Graph, spin: boolean, adapter: GraphAdapter | undefined) {
    const { session: opened, adapterInputs } = await sessions.open(key, graphOf, spin);
    return { session: opened, own: feeds(adapter, slots, adapterInputs) };
  }

  return {
    ...{ config, stages, biasesOf, rowsShareScales },
    distances: distanceBuckets(config),
    whole: wholeVocabulary(config.vocabSize),
    // The encoder's large operators don't miss spinning threads; the decoder's small ones do.
    encoder(stage, masked, adapter) {
      const graph = () => encoderGraph(config, lowering, masked, stage);
      return session(`encoder ${stages.indexOf(stage)} ${masked}`, graph, false, adapter);
    },
    async makeRoom(adapter) {
      const missing = [...(adapter?.slots ?? [])].filter(([name]) => !slots.has(name));
      if (missing.length === 0) return;
      slots = new Map([...slots, ...missing]);
      lowering = withAdapters(config, plain, slots);
      await sessions.dispose();
    },
    async decoder(name, masked, { shortlist }, adapter) {
      const graphOf = name === "step" ? stepGraph : greedyGraph;
      if (shortlist === null) {
        return session(`${name} ${masked}`, () => graphOf(config, lowering, masked, null), true, adapter);
      }
      const { common, own } = shortlist;
      if (!shortlists.includes(common)) shortlists.push(common);
      const key = `${name} ${masked} ${shortlists.indexOf(common)}`;
      const shortlisted = await session(key, () => graphOf(config, lowering, masked, common.ids), true, adapter);
      const added = name === "greedy" ? { own: int32(own, [own.length]) } : await rowsOf(own);
      return { ...shortlisted, own: { ...shortlisted.own, ...added } };
    },
    dispose: sessions.dispose,
  };
}

/** A session, and which of its graph's inputs take an adapter's arrays. */
interface AdaptableSession {
  readonly session: Session;
  readonly adapterInputs: readonly string[];
}

/** Sessions by a key of their graph, which are made when first needed. */
function sessionStore({ folder, threads, device }: Layout, check: () => void) {
  const sessions = new Map<string, Promise<AdaptableSession>>();
  return {
    /** A session that could not be made, for want of memory perhaps, is tried again by the next call. */
    open(key: string, graphOf: () => Graph, spin: boolean): Promise<AdaptableSession> {
      return onceFor(sessions, key, async () => {
        const graph = graphOf();
        const opened = await createSession(graph, { folder, threads, spin, device });
        try {
          check();
          return { session: opened, adapterInputs: graph.inputs.map(({ name }) => name).filter(isAdapterInput) };
        } catch (error) {
          await opened.dispose();
          throw error;
        }
      });
    },
    async dispose(): Promise<void> {
      const opened = await Promise.allSettled(sessions.values());
      sessions.clear();
      for (const each of opened) if (each.status === "fulfilled") await each.value.session.dispose();
    },
  };
}

/** Returns a function that fetches the head's rows for a shortlist's added tokens, once for all steps of a request. */
function addedRows(lowering: GenerationLowering, open: ReturnType<typeof sessionStore>["open"]) {
  const known = new WeakMap<readonly number[], Tensors>();
  return async (own: readonly number[]): Promise<Tensors> => {
    const { session } = await open("own rows", () => ownRowsGraph(lowering), false);
    const rows = known.get(own) ?? (await session.run({ own: int32(own, [own.length]) }));
    known.set(own, rows);
    return rows;
  };
}

/** Returns a function that lays out an adapter's arrays for a graph; places that the adapter lacks do nothing. */
function adapterFeeds(config: T5Config) {
  const tensorsOf = new WeakMap<GraphAdapter, Tensors>();
  let idle: GraphAdapter | undefined;
  const laidOut = (adapter: GraphAdapter): Tensors => {
    const known = tensorsOf.get(adapter);
    if (known !== undefined) return known;
    const named = [...adapter.inputs].map(([name, { values, dims }]) => [name, float32(values, dims)] as const);
    const tensors = Object.fromEntries(named);
    tensorsOf.set(adapter, tensors);
    return tensors;
  };
  return (adapter: GraphAdapter | undefined, slots: AdapterSlots, names: readonly string[]): Tensors => {
    if (names.length === 0) return {};
    if (idle?.slots !== slots) idle = idleAdapter(config, slots);
    const [nothing, something] = [laidOut(idle), adapter === undefined ? {} : laidOut(adapter)];
    return Object.fromEntries(
      names.flatMap((name) => {
        const tensor = something[name] ?? nothing[name];
        return tensor === undefined ? [] : [[name, tensor]];
      }),
    );
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
