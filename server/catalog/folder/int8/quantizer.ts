/** Quantizes a model's tensors one after another, moving the size of outlying channels between neighbors. */
import { channelFactors, producersOf } from "../../../../models/checkpoint/migration.ts";
import type { PlannedTensor } from "../../../../models/checkpoint/plan.ts";
import { quantizeBlocks, quantizeColumns } from "../../../../models/checkpoint/quantize.ts";
import type { T5Config } from "../../../../models/t5/config.ts";

/** Reads a planned tensor's published values, stacked, or one published tensor. */
export interface TensorReader {
  stacked(planned: PlannedTensor): Promise<Float32Array>;
  published(name: string): Promise<Float32Array>;
}

/** Writes one stored tensor. */
export type Put = (name: string, data: Float32Array | Uint8Array | Int8Array) => Promise<void>;

/** Hears that channels of a published tensor became smaller by factors, and those that read them larger. */
export type OnMoved = (moved: {
  readonly producer: string;
  readonly consumer: PlannedTensor;
  readonly factors: Float32Array;
}) => void;

/** Scales that wait for the layer that reads their outputs. */
interface HeldScales {
  readonly scales: Float32Array;
  /** Scales of one row. */
  readonly perRow: number;
}

/**
 * Returns the function that quantizes planned tensors, in the plan's order except that float ones (norms) come last: a
 * layer follows those that make its input, and a norm those that read it.
 */
export function createQuantizer(
  config: T5Config,
  plan: readonly PlannedTensor[],
  reader: TensorReader,
  put: Put,
  onMoved: OnMoved = () => undefined,
): (planned: PlannedTensor) => Promise<void> {
  const rowsOf = rowRanges(plan);
  const producers = producersIn(config, plan, rowsOf);
  const awaited = new Set([...producers.values()].flatMap(([taker]) => rowsOf.get(taker ?? "")?.planned ?? []));
  const held = new Map<PlannedTensor, HeldScales>();
  const ofNorms = new Map<string, Float32Array>();

  /** The size of each channel that a published tensor makes: the largest weight of its row. */
  async function sizesOf(name: string): Promise<Float32Array> {
    const { planned, begin, rows } = rangeOf(rowsOf, name);
    const waiting = held.get(planned);
    if (waiting === undefined) return (await reader.published(name)).map(Math.abs);
    const { scales, perRow } = waiting;
    return Float32Array.from({ length: rows }, (_, row) =>
      Math.max(...scales.subarray((begin + row) * perRow, (begin + row + 1) * perRow)),
    );
  }

  /** Moves sizes from the tensor that makes a layer's input to its weight, which is returned. */
  async function migrate(planned: PlannedTensor, weight: Float32Array): Promise<Float32Array> {
    const names = producers.get(planned.name) ?? [];
    const [taker] = names;
    if (taker === undefined) return weight;
    const sizes = (await Promise.all(names.map(sizesOf))).reduce((all, each) => all.map((x, k) => x * (each[k] ?? 0)));
    const factors = channelFactors(sizes, weight);
    const range = rangeOf(rowsOf, taker);
    const waiting = held.get(range.planned);
    if (factors !== undefined) onMoved({ producer: taker, consumer: planned, factors });
    if (factors !== undefined && waiting === undefined) ofNorms.set(taker, factors);
    if (factors !== undefined && waiting !== undefined) divideRows(waiting, range.begin, factors);
    if (waiting !== undefined) await put(`${range.planned.name}.scale`, waiting.scales);
    held.delete(range.planned);
    return factors === undefined ? weight : weight.map((value, i) => value * (factors[i % factors.length] ?? 1));
  }

  return async (planned) => {
    const { name, form, shape, stored } = planned;
    const published = await reader.stacked(planned);
    if (form === "float") {
      const factors = ofNorms.get(name);
      return put(
        stored[0]?.name ?? name,
        factors === undefined ? published : published.map((value, k) => value / (factors[k] ?? 1)),
      );
    }
    const weight = await migrate(planned, published);
    const [N = 0, K = 0] = shape;
    const { values, scales } = form === "block" ? quantizeBlocks(weight, N, K) : quantizeColumns(weight, N, K);
    await put(`${name}.${form === "block" ? "q8" : "s8t"}`, values);
    if (awaited.has(planned)) held.set(planned, { scales, perRow: scales.length / N });
    else await put(`${name}.scale`, scales);
  };
}

/** For each planned tensor, the published ones that make its input, where the first can take its factors. */
function producersIn(
  config: T5Config,
  plan: readonly PlannedTensor[],
  rowsOf: ReadonlyMap<string, RowRange>,
): ReadonlyMap<string, readonly string[]> {
  const takesFactors = (name: string | undefined) => {
    const planned = rowsOf.get(name ?? "")?.planned;
    return planned !== undefined && (planned.form !== "float" || planned.shape.length === 1);
  };
  const named = plan.map((planned) => [planned.name, producersOf(config, planned)] as const);
  return new Map(named.filter(([, [taker]]) => takesFactors(taker)));
}

/** The rows of a planned tensor that are a published one's. */
interface RowRange {
  readonly planned: PlannedTensor;
  readonly begin: number;
  readonly rows: number;
}

function rowRanges(plan: readonly PlannedTensor[]): ReadonlyMap<string, RowRange> {
  const ranges = new Map<string, RowRange>();
  for (const planned of plan) {
    let begin = 0;
    for (const { name, shape } of planned.sources) {
      const [rows = 0] = shape;
      ranges.set(name, { planned, begin, rows });
      begin += rows;
    }
  }
  return ranges;
}

function rangeOf(ranges: ReadonlyMap<string, RowRange>, name: string): RowRange {
  const range = ranges.get(name);
  if (range === undefined) throw new Error(`${name} is not in the plan`);
  return range;
}

/** Divides the rows from `begin` on, of which the quantized values stay what they are. */
function divideRows({ scales, perRow }: HeldScales, begin: number, factors: Float32Array): void {
  for (const [row, factor] of factors.entries()) {
    const at = (begin + row) * perRow;
    for (let i = at; i < at + perRow; i += 1) scales[i] = (scales[i] ?? 0) / factor;
  }
}
