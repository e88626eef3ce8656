/** The LM head and the cross-entropy in one, which need neither one-hot labels nor a stored gradient of the logits. */
import { defined } from "../../base/defined.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Value } from "../graph/types.ts";

/** The terms that the loss adds to the plain cross-entropy. */
export interface LossOptions {
  /** Share of the target spread evenly over the vocabulary, as in PyTorch's cross_entropy; 0 in T5. */
  readonly labelSmoothing: number;
  /** Weight of the squared log of the softmax's denominator; T5 was trained with 1e-4. */
  readonly zLoss: number;
}

/** The operands of the loss. N target positions, D model width, V vocabulary. */
export interface LossInputs {
  /** The decoder's last states, scaled as the head wants them, [N, D]. */
  readonly hidden: Value;
  /** The head's weights (the embedding when tied), [V, D]. */
  readonly table: Value;
  /** int32 [N] */
  readonly labels: Value;
  /** The weight of each position, [N]; 0 for padding. */
  readonly weights: Value;
}

/** The loss of a batch, and the function that adds its gradients. */
export interface Loss {
  /** Sum over the positions of weight * (smoothed cross-entropy + z-loss), []. */
  readonly loss: Value;
  /** Sum over the positions of weight * negative log-likelihood (natural logarithm), []. */
  readonly nll: Value;
  /** The probabilities of each chunk's positions, [n, V]. */
  readonly probabilities: readonly Value[];
  gradients(): LossGradients;
}

/** The gradients of a loss, each of which is added to the graph when it is called. */
export interface LossGradients {
  /** The gradient of `hidden`, [N, D]. */
  hidden(): Value;
  /** The gradient of `table`, [V, D], without the part of the labels' own rows. */
  table(): Value;
  /** The same for `count` rows of the table from `first` on, [count, D]. */
  tableRows(first: number, count: number): Value;
  /** Rows to be added to the table's gradient, one at each position's label, [N, D]. */
  labelRows(): Value;
}

/**
 * Adds the loss to a graph. The positions are taken in chunks, so that only one chunk's probabilities of [N, V] are in
 * memory at a time. The labels' part of the gradient is returned as rows, which the caller adds up (the runtime's
 * ScatterND loses some).
 * @see softmax_cross_entropy_with_logits, mesh_tensorflow/layers.py, for the z-loss
 */
export function crossEntropy(
  g: GraphBuilder,
  { hidden, table, labels, weights }: LossInputs,
  { labelSmoothing, zLoss }: LossOptions,
  chunks: number,
): Loss {
  const scalar = (value: number) => g.constant(hidden.dtype, [], [value]);
  const scaled = scaling(g, hidden.dtype);
  const even = labelSmoothing / Number(table.shape[0]);
  const evenRow = labelSmoothing === 0 ? null : scaled(ops.reduceSum(g, table, [0], true), even); // [1, D]
  const parts = chunked(g, hidden, labels, weights, chunks).map((part) =>
    chunkLoss(g, part, table, evenRow, { labelSmoothing, zLoss }),
  );
  const total = (values: readonly Value[]) => values.reduce((a, b) => ops.add(g, a, b));
  const joined = (values: readonly Value[]) =>
    values.length === 1 ? total(values) : ops.concat(g, values, 0, hidden.shape[0]);
  return {
    loss: total(parts.map(({ loss }) => loss)),
    nll: total(parts.map(({ nll }) => nll)),
    probabilities: parts.map(({ probabilities }) => probabilities),
    // d loss / d logits = c probabilities - w (1 - smoothing) onehot - w even, with c = w (1 + 2 zLoss logSum).
    gradients() {
      const counts = parts.map(({ w, logSum }) =>
        zLoss === 0 ? w : ops.mul(g, w, ops.add(g, scaled(logSum, 2 * zLoss), scalar(1))),
      );
      const tableOf = (cut: (probabilities: Value) => Value) => {
        const evenly = (): Value =>
          scaled(total(parts.map(({ h, w }) => ops.gemm(g, w, h, { transposeA: true }))), -even);
        let gradient = evenRow === null ? undefined : evenly(); // [1, D]
        for (const [i, { h, w, probabilities }] of parts.entries()) {
          const plus = defined({ plus: gradient });
          gradient = ops.gemm(g, cut(probabilities), ops.mul(g, h, counts[i] ?? w), { ...plus, transposeA: true });
        }
        if (gradient === undefined) throw new RangeError("a loss has at least one chunk");
        return gradient;
      };
      const whole = (value: number) => g.constant("int64", [1], [value]);
      return {
        hidden: () =>
          joined(
            parts.map(({ w, probabilities, rows }, i) => {
              const mixed = ops.mul(g, ops.gemm(g, probabilities, table), counts[i] ?? w);
              const own = ops.add(g, mixed, ops.mul(g, rows, scaled(w, labelSmoothing - 1)));
              return evenRow === null ? own : ops.sub(g, own, ops.mul(g, w, evenRow));
            }),
          ),
        table: () => tableOf((probabilities) => probabilities),
        tableRows: (first, count) =>
          tableOf((probabilities) => ops.slice(g, probabilities, 1, whole(first), whole(first + count), count)),
        labelRows: () => joined(parts.map(({ h, w }) => ops.mul(g, h, scaled(w, labelSmoothing - 1)))),
      };
    },
  };
}

function scaling(g: GraphBuilder, dtype: Value["dtype"]) {
  return (x: Value, factor: number) => (factor === 1 ? x : ops.mul(g, x, g.constant(dtype, [], [factor])));
}

/** The loss of one chunk of positions, and what its gradients are computed from. */
function chunkLoss(
  g: GraphBuilder,
  part: Omit<LossInputs, "table">,
  table: Value,
  evenRow: Value | null,
  { labelSmoothing, zLoss }: LossOptions,
) {
  const scaled = scaling(g, part.hidden.dtype);
  const sum = (x: Value) => ops.reduceSum(g, x, [0, 1], false);
  const h = part.hidden; // [n, D]
  const w = ops.unsqueeze(g, part.weights, 1); // [n, 1]
  const logits = ops.gemm(g, h, table, { transposeB: true }); // [n, V]
  const probabilities = ops.softmax(g, logits);
  // The log of the sum of exponentials is the largest logit minus the log of its probability.
  const largest = ops.reduceLast(g, "ReduceMax", logits);
  const logSum = ops.sub(g, largest, ops.unary(g, "Log", ops.reduceLast(g, "ReduceMax", probabilities))); // [n, 1]
  const rows = ops.gather(g, table, part.labels, 0); // [n, D]
  const picked = ops.reduceLast(g, "ReduceSum", ops.mul(g, h, rows));
  let loss = ops.sub(g, logSum, scaled(picked, 1 - labelSmoothing));
  if (evenRow !== null) loss = ops.sub(g, loss, ops.gemm(g, h, evenRow, { transposeB: true }));
  if (zLoss !== 0) loss = ops.add(g, loss, scaled(ops.mul(g, logSum, logSum), zLoss));
  const nll = ops.sub(g, logSum, picked);
  return { h, w, logSum, probabilities, rows, loss: sum(ops.mul(g, loss, w)), nll: sum(ops.mul(g, nll, w)) };
}

/** The positions cut into near-equal chunks; the last ones are empty when there are few positions. */
function chunked(g: GraphBuilder, hidden: Value, labels: Value, weights: Value, chunks: number) {
  if (chunks === 1) return [{ hidden, labels, weights }];
  const rows = ops.shapeOf(g, hidden, 0, 1);
  const whole = (value: number) => g.constant("int64", [1], [value]);
  const bound = (i: number) => ops.div(g, ops.mul(g, rows, whole(i)), whole(chunks));
  return Array.from({ length: chunks }, (_, i) => {
    const cut = (x: Value) => ops.slice(g, x, 0, bound(i), bound(i + 1), `${hidden.shape[0]}_${i}`);
    return { hidden: cut(hidden), labels: cut(labels), weights: cut(weights) };
  });
}
