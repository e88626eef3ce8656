/**
 * The sparse layer of a Switch Transformer: a router sends each token to one expert, which takes a limited number of a
 * row's tokens. N tokens of all rows, D model width, E experts.
 * @see Fedus et al. 2021, "Switch Transformers"; SwitchTransformersSparseMLP, modeling_switch_transformers.py
 */
import type { GraphBuilder } from "../../graph/builder.ts";
import { at } from "../../graph/node.ts";
import * as ops from "../../graph/ops.ts";
import { pad } from "../../graph/pad-ops.ts";
import { ascendingOrder, cumulativeSum } from "../../graph/sort-ops.ts";
import type { Dim, Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import type { Operations } from "../lowering/lowering.ts";
import { expertName } from "./shapes.ts";

/** Returns an expert's output for rows [n, D]. */
type Expert = (g: GraphBuilder, operations: Operations, rows: Value) => Value;

/**
 * Adds a sparse layer on x [.., D]. Tokens are sorted by their experts, so that an expert's are consecutive rows.
 * @returns [.., D]: the expert's output times its probability; 0 for tokens beyond an expert's capacity
 */
export function sparseFeedForward(
  g: GraphBuilder,
  t5: Operations,
  { experts, dModel: D }: Pick<T5Config, "experts" | "dModel">,
  module: string,
  x: Value,
): Value {
  if (experts === null) throw new RangeError("a T5 without experts has no sparse layers");
  const { count: E, capacity } = experts;
  const logits = t5.linear(x, `${module}.router.classifier`); // [.., E]
  const probabilities = ops.softmax(g, logits);
  const expert = ops.argMaxLast(g, probabilities); // [..]
  const numbers = g.constant("int64", [E], [...Array(E).keys()]);
  const choices = ops.cast(g, ops.equal(g, ops.unsqueeze(g, expert, expert.shape.length), numbers), x.dtype);
  t5.onRouted?.({ logits, probabilities, choices });

  // A token has room if its expert took fewer of the row's tokens before it than its capacity.
  const taken = t5.ofRows(choices, (rows) => cumulativeSum(g, rows, 1));
  const place = ops.reduceLast(g, "ReduceSum", ops.mul(g, taken, choices)); // [.., 1]
  const full = ops.less(g, g.constant(x.dtype, [], [capacity]), place);
  const N = "tokens by experts";
  const flat = (value: Value, width: readonly Dim[]) =>
    ops.reshapeTo(g, value, g.constant("int64", [1 + width.length], [-1, ...width.map(Number)]), [N, ...width]);
  const chosen = ops.where(g, flat(full, []), g.constant("int64", [], [E]), flat(expert, [])); // [N], E: none

  const rowCount = ops.shapeOf(g, chosen, 0, 1);
  const scalar = (value: Value) => ops.reshapeTo(g, value, g.constant("int64", [0], []), []);
  const numbered = ops.range(g, g.constant("int64", [], [0]), scalar(rowCount), N);
  const order = ascendingOrder(g, ops.add(g, ops.mul(g, chosen, rowCount), numbered), rowCount);
  const sorted = ops.gather(g, flat(x, [D]), order, 0);
  const joined = byExperts(g, t5, chosen, numbers, sorted, module, (name) => (b, inner, rows) => {
    return inner.linear(ops.unary(b, "Relu", inner.linear(rows, `${name}.wi`)), `${name}.wo`);
  });
  const back = ops.gather(g, joined, ascendingOrder(g, order, rowCount), 0); // [N, D]
  const ones = g.constant(x.dtype, [E, 1], Array<number>(E).fill(1));
  const probability = ops.matmul(g, ops.mul(g, probabilities, choices), ones); // [.., 1]
  return ops.mul(g, ops.reshapeTo(g, back, ops.shapeOf(g, x, 0, x.shape.length), x.shape), probability);
}

/**
 * Gives each expert its rows of `sorted` [N, D], and joins what they make of them, [N, D]; the last rows, which no
 * expert takes, become 0.
 */
function byExperts(
  g: GraphBuilder,
  t5: Operations,
  chosen: Value,
  numbers: Value,
  sorted: Value,
  module: string,
  expertOf: (name: string) => Expert,
): Value {
  const E = Number(numbers.shape[0]);
  const places = ops.cast(g, ops.equal(g, ops.unsqueeze(g, chosen, 1), numbers), "int64"); // [N, E]
  const counts = ops.reduceSum(g, places, [0], false); // [E]
  const ends = cumulativeSum(g, counts, 0);
  const begins = ops.sub(g, ends, counts);
  const busy = ops.less(g, begins, ends);
  const one = (values: Value, e: number) => ops.gather(g, values, g.constant("int64", [1], [e]), 0);
  const parts = Array.from({ length: E }, (_, e) => {
    const [begin, end] = [one(begins, e), one(ends, e)];
    const name = expertName(module, e);
    // The runtime takes extents of one name for equal, and lets values share memory by them.
    const rows = (b: GraphBuilder, to: Value) => ops.slice(b, sorted, 0, begin, to, `rows of ${name}`);
    const isBusy = ops.gather(g, busy, g.constant("int64", [], [e]), 0);
    return t5.expert(
      isBusy,
      (b, inner) => expertOf(name)(b, inner, rows(b, end)),
      (b) => rows(b, begin),
    );
  });
  const left = ops.sub(g, ops.shapeOf(g, chosen, 0, 1), one(ends, E - 1));
  const joined = ops.concat(g, parts, 0, "routed tokens");
  return pad(g, joined, 0, g.constant("int64", [1], [0]), left, chosen.shape[0] ?? 1);
}

/** Experts in inference: an expert's weights are read only if it has rows. */
export function expertsIfBusy(
  g: GraphBuilder,
  operationsOn: (b: GraphBuilder) => Operations,
): Pick<Operations, "expert" | "ofRows"> {
  return {
    ofRows: (x, along) => along(x),
    expert(busy, compute, nothing) {
      const then = g.body();
      const busyBranch = then.build("expert", { rows: compute(then, operationsOn(then)) });
      const otherwise = g.body();
      return at(ops.branch(g, busy, busyBranch, otherwise.build("idle", { rows: nothing(otherwise) })), 0);
    },
  };
}
