/** A model's hidden states, and the distance of other inputs' states from them. */
import type { Batch } from "../../../models/t5/batch.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import {
  type DistanceKind,
  EMBEDDED,
  inversionGraph,
  representationTensors,
  type StatePlace,
  stateName,
  statesGraph,
} from "../../../models/t5/representation.ts";
import { laidOutName } from "../../../models/t5/training.ts";
import { biasTables, type Stack } from "../../../models/t5/weights.ts";
import { createSession, floats, floatsData, type RuntimeTensor, type Session } from "../../engine/runtime/session.ts";
import { batchFeeds, biasFeeds, type LaidTable } from "../step/feeds.ts";
import type { Rows } from "./cka.ts";

/** Embedded tokens of both stacks, [B * S, D] and [B * T, D]. */
export type Embedded = Readonly<Record<Stack, Float32Array<ArrayBuffer>>>;

/** A model that shows its states. */
export interface StateModel {
  readonly config: T5Config;
  /** The batch's tokens as the model embeds them. */
  embed(batch: Batch): Embedded;
  /** The states of each place, of the batch's tokens without padding. */
  states(batch: Batch, embedded: Embedded): Promise<ReadonlyMap<string, Rows>>;
  /** Opens the distance of a place's states from those of the batch's tokens. */
  openDistance(batch: Batch, place: StatePlace, kind: DistanceKind): Promise<StateDistance>;
  dispose(): Promise<void>;
}

/** The distance of states from wanted ones. */
export interface StateDistance {
  /** The distance of other inputs' states, and its gradient. */
  at(embedded: Embedded): Promise<StateGap>;
  dispose(): Promise<void>;
}

/** How far states are from wanted ones. */
export interface StateGap {
  /** As a share of the wanted states, padding left out. */
  readonly left: number;
  /** The same of each row, [B * S or B * T]; 0 for padding. */
  readonly rows: Float64Array;
  /**
   * By the embedded tokens of the place's stack, [B * S or B * T, D]: of half the squared distance where
   * the kind is `squared`, and of the mean of the rows' shares where it is `rows`.
   */
  readonly gradient: ArrayLike<number>;
}

/** Opens a model. @param weights as readWeights returns them */
export async function openStates(
  config: T5Config,
  weights: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
  threads: number,
): Promise<StateModel> {
  const session = await createSession(statesGraph(config), { folder: ".", threads, spin: false });
  const valuesOf = (name: string) => {
    const values = weights.get(name);
    if (values === undefined) throw new RangeError(`there is no tensor ${name}`);
    return values;
  };
  const feedsOf = feedsFor(config, valuesOf);
  const D = config.dModel;
  const model: StateModel = {
    config,
    embed(batch) {
      const table = valuesOf("shared.weight");
      const rows = (ids: Int32Array) => {
        const values = new Float32Array(ids.length * D);
        for (const [i, id] of ids.entries()) values.set(table.subarray(id * D, (id + 1) * D), i * D);
        return values;
      };
      return { encoder: rows(batch.inputIds), decoder: rows(batch.decoderIds) };
    },
    async states(batch, embedded) {
      const outputs = await session.run(feedsOf(batch, embedded));
      return new Map(
        Object.entries(outputs).map(([name, tensor]) => {
          const real = rowWeights(batch, name.startsWith("encoder") ? "encoder" : "decoder");
          const values = floatsData(tensor);
          const kept = [...real].flatMap((weight, row) => (weight === 0 ? [] : [row]));
          const rows = new Float32Array(kept.length * D);
          for (const [i, row] of kept.entries()) rows.set(values.subarray(row * D, (row + 1) * D), i * D);
          return [name, { values: rows, width: D }];
        }),
      );
    },
    async openDistance(batch, place, kind) {
      const real = model.embed(batch);
      const wanted = floatsData((await session.run(feedsOf(batch, real)))[stateName(place)]);
      const graph = inversionGraph(config, place, kind);
      const inversion = await createSession(graph, { folder: ".", threads, spin: false });
      return distanceFrom(wanted, inversion, { kind, width: D, weights: rowWeights(batch, place.stack) }, (embedded) =>
        feedsOf(batch, embedded),
      );
    },
    dispose: () => session.dispose(),
  };
  return model;
}

/** The distance of states from wanted ones, of rows by their weights. @param inversion takes it over */
function distanceFrom(
  wanted: ArrayLike<number>,
  inversion: Session,
  { kind, width: D, weights }: { kind: DistanceKind; width: number; weights: Float32Array<ArrayBuffer> },
  feedsOf: (embedded: Embedded) => Record<string, RuntimeTensor>,
): StateDistance {
  const sizes = rowSizes(wanted, new Float32Array(wanted.length), D);
  const count = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = weights.map((weight, row) => weight / (count * (sizes[row] ?? 1)));
  const given = {
    wanted: floats(Float32Array.from(wanted), [wanted.length / D, D]),
    row_weights: floats(kind === "squared" ? weights : shares, [weights.length, 1]),
  };
  return {
    async at(embedded) {
      const { state, gradient } = await inversion.run({ ...feedsOf(embedded), ...given });
      const apart = rowSizes(floatsData(state), wanted, D);
      return { ...gapOf(apart, sizes, weights), gradient: floatsData(gradient) };
    },
    dispose: () => inversion.dispose(),
  };
}

/** Returns the function that feeds a batch, whose tokens are embedded, to the graphs of states. */
function feedsFor(config: T5Config, valuesOf: (name: string) => Float32Array<ArrayBuffer>) {
  const tensors = Object.fromEntries(
    [...representationTensors(config)].map(([name, shape]) => [name, floats(valuesOf(name), shape)]),
  );
  const tables = (["encoder", "decoder"] as const).flatMap((place) =>
    biasTables(config, place).map((table): LaidTable => ({ ...table, place, laidOut: laidOutName(table.name) })),
  );
  const D = config.dModel;
  return (batch: Batch, { encoder, decoder }: Embedded): Record<string, RuntimeTensor> => {
    const newFloats = (count: number) => new Float32Array(count);
    const { extents, mask } = batchFeeds(batch, 1, newFloats);
    if (extents === undefined || mask === undefined) throw new RangeError("a batch has extents and a mask");
    return {
      ...{ ...tensors, extents, mask },
      ...biasFeeds(config, batch, tables, ({ name }) => valuesOf(name), newFloats),
      [EMBEDDED.encoder]: floats(encoder, [encoder.length / D, D]),
      [EMBEDDED.decoder]: floats(decoder, [decoder.length / D, D]),
    };
  };
}

/** 1 for tokens of the text, 0 for padding, [B * S or B * T]. */
function rowWeights({ extents, inputLengths, targetLengths }: Batch, stack: Stack): Float32Array<ArrayBuffer> {
  const length = stack === "encoder" ? extents.S : extents.T;
  const weights = new Float32Array(extents.B * length);
  const lengths = stack === "encoder" ? inputLengths : targetLengths;
  for (const [row, count] of lengths.entries()) weights.fill(1, row * length, row * length + count);
  return weights;
}

/** The root of the squares of a - b, of each row. */
function rowSizes(a: ArrayLike<number>, b: ArrayLike<number>, width: number): Float64Array {
  const squares = new Float64Array(b.length / width);
  for (let i = 0; i < b.length; i += 1) {
    const row = Math.floor(i / width);
    squares[row] = (squares[row] ?? 0) + ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  }
  return squares.map(Math.sqrt);
}

/** Distances as shares of the wanted states' sizes, of the rows that count. */
function gapOf(apart: Float64Array, sizes: Float64Array, real: Float32Array): Omit<StateGap, "gradient"> {
  let [gap, whole] = [0, 0];
  const rows = apart.map((distance, row) => {
    const [weight, size] = [real[row] ?? 0, sizes[row] ?? 0];
    gap += weight * distance ** 2;
    whole += weight * size ** 2;
    return weight === 0 ? 0 : distance / size;
  });
  return { left: Math.sqrt(gap / whole), rows };
}
