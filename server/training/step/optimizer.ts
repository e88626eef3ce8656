/** How gradients change the weights: Adafactor as T5 was trained with, and AdamW; over float32 memory. */
import type { Floats } from "../../engine/runtime/session.ts";
import { beside, kernels } from "./kernels.ts";
import type { Weights } from "./step.ts";

/** Settings of either optimizer. */
export interface OptimizerOptions {
  readonly kind: "adafactor" | "adamw";
  /** Share of a weight taken off it at each step, times the rate. */
  readonly weightDecay: number;
}

/** What an optimizer keeps of each weight between steps, by the weight's name and a suffix. */
export type OptimizerState = Map<string, Float32Array<ArrayBuffer>>;

/** Changes weights in place. */
export interface Optimizer {
  /** To be kept for a resumed run, and written back into before one. */
  readonly state: OptimizerState;
  /**
   * One step.
   * @param step counted from 1
   * @param rate AdamW: the learning rate; Adafactor: the relative one, a share of each tensor's root mean square
   * @param scale what the gradients are multiplied by: below 1 where their norm is clipped
   */
  update(gradients: Weights, step: number, rate: number, scale: number): void;
}

/**
 * Returns an optimizer of weights.
 * @param shapes of every weight
 */
export function createOptimizer(
  weights: Weights,
  shapes: ReadonlyMap<string, readonly number[]>,
  { kind, weightDecay }: OptimizerOptions,
): Optimizer {
  const state: OptimizerState = new Map();
  const kept = (name: string, made: Float32Array<ArrayBuffer>): Float32Array => {
    state.set(name, made);
    return made;
  };
  const tensors = [...weights].map(([name, values]) => {
    const weight = single(values);
    if (kind === "adamw") {
      return {
        name,
        weight,
        first: kept(`${name} m`, beside(weight, 2)),
        second: kept(`${name} v`, beside(weight, 3)),
      };
    }
    const [rows = 0, columns] = shapes.get(name) ?? [];
    if (columns === undefined) return { name, weight, second: kept(`${name} v`, new Float32Array(rows)) };
    return {
      name,
      weight,
      rows: kept(`${name} r`, new Float32Array(rows)),
      columns: kept(`${name} c`, new Float32Array(columns)),
    };
  });
  return {
    state,
    update(gradients, step, rate, scale) {
      for (const tensor of tensors) {
        const gradient = single(gradients.get(tensor.name));
        if (tensor.first !== undefined) {
          // The decay is apart from the moments, and by the rate.
          kernels(tensor.weight).adamw(tensor.weight, gradient, tensor.first, tensor.second, {
            scale,
            beta1: BETA1,
            beta2: BETA2,
            stepSize: rate / (1 - BETA1 ** step),
            root: 1 / Math.sqrt(1 - BETA2 ** step),
            epsilon: EPSILON,
            keep: 1 - rate * weightDecay,
          });
          continue;
        }
        const relative =
          rate *
          Math.max(LEAST_SCALE, Math.sqrt(kernels(tensor.weight).sumOfSquares(tensor.weight) / tensor.weight.length));
        const decay = 1 - step ** -0.8;
        const update =
          tensor.rows === undefined
            ? scaleWhole(gradient, tensor.second, decay, scale)
            : scaleFactored(gradient, tensor.rows, tensor.columns, decay, scale);
        const factor = (relative * scale) / Math.max(1, update.rootMeanSquare / CLIP_THRESHOLD);
        const rows = update.rows.map((row) => row * factor);
        kernels(tensor.weight).apply(tensor.weight, gradient, rows, update.columns, 1 - weightDecay * relative);
      }
    },
  };
}

/** The root of the sum of all squares. */
export function globalNorm(gradients: Weights): number {
  let total = 0;
  for (const gradient of gradients.values()) total += kernels(single(gradient)).sumOfSquares(single(gradient));
  return Math.sqrt(total);
}

/** Adafactor's constants as in T5. @see mesh_tensorflow/optimize.py */
const [SMALLEST_SQUARE, LEAST_SCALE, CLIP_THRESHOLD] = [1e-30, 1e-3, 1];

/** AdamW's, as in PyTorch. */
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** What each gradient is multiplied by (row factor times column factor) and the root mean square of the products. */
interface Update {
  readonly rows: Float64Array;
  readonly columns: Float32Array;
  readonly rootMeanSquare: number;
}

/** Keeps means of the squares by row and by column. @see Adafactor, transformers/optimization.py; Shazeer and Stern 2018 */
function scaleFactored(
  gradient: Float32Array,
  rowMeans: Float32Array,
  columnMeans: Float32Array,
  decay: number,
  scale: number,
): Update {
  const [R, C] = [rowMeans.length, columnMeans.length];
  const columnSums = new Float64Array(C);
  const rows = new Float64Array(R);
  kernels(gradient).squares(gradient, rows, columnSums);
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
  kernels(gradient).scaledSquares(gradient, columns, rows);
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

function single(values: Floats | undefined): Float32Array<ArrayBuffer> {
  if (values instanceof Float32Array) return values;
  throw new RangeError("optimizers take a gradient of each weight, in float32");
}
