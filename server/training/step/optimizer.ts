/** How gradients change the weights: Adafactor as T5 was trained with, and AdamW; over float32 memory. */
import type { Floats } from "../../engine/runtime/session.ts";
import type { Kernels } from "./kernels.ts";
import type { ParameterMemory } from "./parameter-memory.ts";

/** Settings of either optimizer. */
export interface OptimizerOptions {
  readonly kind: "adafactor" | "adamw";
  /** Share of a weight taken off it at each step, times the rate. */
  readonly weightDecay: number;
}

/** The state that an optimizer keeps of each weight between steps, by the weight's name and a suffix. */
export type OptimizerState = Map<string, Float32Array<ArrayBuffer>>;

/** Changes weights in place. */
export interface Optimizer {
  /** The state that a resumed run needs; it is written back into these arrays. */
  readonly state: OptimizerState;
  /**
   * Takes one step along the gradients in the memory.
   * @param step counted from 1
   * @param rate AdamW: the learning rate; Adafactor: the relative one, a share of each tensor's root mean square
   * @param scale multiplies the gradients: below 1 where their norm is clipped
   */
  update(step: number, rate: number, scale: number): void;
}

/** One tensor that an optimizer changes. */
interface Tensor {
  readonly weight: Float32Array;
  readonly gradient: Float32Array;
  readonly kernels: Kernels;
}

/** The numbers of one step. */
interface Rates {
  readonly step: number;
  readonly rate: number;
  readonly scale: number;
  readonly weightDecay: number;
}

/**
 * Returns an optimizer of the tensors in a memory.
 * @param shapes the shape of every tensor
 */
export function createOptimizer(
  memory: ParameterMemory,
  shapes: ReadonlyMap<string, readonly number[]>,
  { kind, weightDecay }: OptimizerOptions,
): Optimizer {
  const state: OptimizerState = new Map();
  const updates = [...memory.tensors].map(([name, values]): ((rates: Rates) => void) => {
    const keep = (suffix: string, array: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> => {
      state.set(`${name} ${suffix}`, array);
      return array;
    };
    const [weight, gradient] = [single(values), single(memory.view(name, "gradient"))];
    const tensor: Tensor = { weight, gradient, kernels: memory.kernels(name) };
    if (kind === "adamw") {
      const first = keep("m", single(memory.view(name, "firstMoment")));
      const second = keep("v", single(memory.view(name, "secondMoment")));
      return (rates) => adamw(tensor, first, second, rates);
    }
    const [rows = 0, columns] = shapes.get(name) ?? [];
    if (columns === undefined) {
      const squares = keep("v", new Float32Array(rows));
      return (rates) => adafactor(tensor, rates, (decay) => scaleWhole(gradient, squares, decay, rates.scale));
    }
    const means = { rows: keep("r", new Float32Array(rows)), columns: keep("c", new Float32Array(columns)) };
    return (rates) => adafactor(tensor, rates, (decay) => scaleFactored(tensor, means, decay, rates.scale));
  });
  return {
    state,
    update(step, rate, scale) {
      for (const update of updates) update({ step, rate, scale, weightDecay });
    },
  };
}

/** The root of the sum of all squares of the gradients. */
export function globalNorm(memory: ParameterMemory): number {
  let total = 0;
  for (const name of memory.tensors.keys()) {
    total += memory.kernels(name).sumOfSquares(single(memory.view(name, "gradient")));
  }
  return Math.sqrt(total);
}

/** The decay is separate from the moments, and in proportion to the rate. */
function adamw(
  { weight, gradient, kernels }: Tensor,
  first: Float32Array,
  second: Float32Array,
  { step, rate, scale, weightDecay }: Rates,
): void {
  kernels.adamw(weight, gradient, first, second, {
    scale,
    beta1: BETA1,
    beta2: BETA2,
    stepSize: rate / (1 - BETA1 ** step),
    root: 1 / Math.sqrt(1 - BETA2 ** step),
    epsilon: EPSILON,
    keep: 1 - rate * weightDecay,
  });
}

function adafactor(
  { weight, gradient, kernels }: Tensor,
  { step, rate, scale, weightDecay }: Rates,
  updateOf: (decay: number) => Update,
): void {
  const rootMeanSquare = Math.sqrt(kernels.sumOfSquares(weight) / weight.length);
  const relative = rate * Math.max(LEAST_SCALE, rootMeanSquare);
  const update = updateOf(1 - step ** -0.8);
  const factor = (relative * scale) / Math.max(1, update.rootMeanSquare / CLIP_THRESHOLD);
  const rows = update.rows.map((row) => row * factor);
  kernels.apply(weight, gradient, rows, update.columns, 1 - weightDecay * relative);
}

/** Adafactor's constants as in T5. @see mesh_tensorflow/optimize.py */
const [SMALLEST_SQUARE, LEAST_SCALE, CLIP_THRESHOLD] = [1e-30, 1e-3, 1];

/** AdamW's, as in PyTorch. */
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** The factors of each gradient (row factor times column factor) and the root mean square of the products. */
interface Update {
  readonly rows: Float64Array;
  readonly columns: Float32Array;
  readonly rootMeanSquare: number;
}

/**
 * Keeps means of the squares by row and by column.
 * @see Adafactor, transformers/optimization.py; Shazeer and Stern 2018
 */
function scaleFactored(
  { gradient, kernels }: Tensor,
  { rows: rowMeans, columns: columnMeans }: { readonly rows: Float32Array; readonly columns: Float32Array },
  decay: number,
  scale: number,
): Update {
  const [R, C] = [rowMeans.length, columnMeans.length];
  const columnSums = new Float64Array(C);
  const rows = new Float64Array(R);
  kernels.squares(gradient, rows, columnSums);
  let meanOfRows = 0;
  for (let r = 0; r < R; r += 1) {
    const mean = ((rows[r] ?? 0) / C) * scale * scale + SMALLEST_SQUARE;
    rowMeans[r] = decay * (rowMeans[r] ?? 0) + (1 - decay) * mean;
    meanOfRows += (rowMeans[r] ?? 0) / R;
  }
  for (let c = 0; c < C; c += 1) {
    const mean = ((columnSums[c] ?? 0) / R) * scale * scale + SMALLEST_SQUARE;
    columnMeans[c] = decay * (columnMeans[c] ?? 0) + (1 - decay) * mean;
  }
  const columns = Float32Array.from(columnMeans, (mean) => 1 / Math.sqrt(mean));
  kernels.scaledSquares(gradient, columns, rows);
  let total = 0;
  for (let r = 0; r < R; r += 1) {
    const factor = Math.sqrt(meanOfRows / (rowMeans[r] ?? 1));
    total += (rows[r] ?? 0) * factor * factor;
    rows[r] = factor;
  }
  return { rows, columns, rootMeanSquare: Math.sqrt(total / (R * C)) * scale };
}

/** Keeps every square: for vectors, which are one row. */
function scaleWhole(gradient: Float32Array, squares: Float32Array, decay: number, scale: number): Update {
  let total = 0;
  const columns = new Float32Array(squares.length);
  for (let i = 0; i < squares.length; i += 1) {
    const g = (gradient[i] ?? 0) * scale;
    squares[i] = decay * (squares[i] ?? 0) + (1 - decay) * (g * g + SMALLEST_SQUARE);
    columns[i] = 1 / Math.sqrt(squares[i] ?? 1);
    total += (g * (columns[i] ?? 0)) ** 2;
  }
  return { rows: Float64Array.of(1), columns, rootMeanSquare: Math.sqrt(total / squares.length) };
}

function single(values: Floats): Float32Array<ArrayBuffer> {
  if (values instanceof Float32Array) return values;
  throw new RangeError("optimizers take a gradient of each weight, in float32");
}
