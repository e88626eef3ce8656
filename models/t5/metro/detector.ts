/**
 * What METRO's pre-training adds to a model's training graph: only masked places count, each as much as the detector
 * takes it for replaced, and the detector's own loss. N positions of a batch, M masked ones among them.
 * @see compute_loss of criterions/t5_metro.py, gonglinyuan/metro_t0
 */
import type { Seed } from "../../graph/backward.ts";
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import type { Value } from "../../graph/types.ts";

/** The rows of masked places. */
export interface MaskedRows {
  /** [M, D] */
  readonly rows: Value;
  /** int32 [M], the input `masked_places`: their numbers among all rows. */
  readonly places: Value;
  /** The gradient of all rows [N, D] from that of the masked ones. */
  spread(gradient: Value): Value;
}

/**
 * Picks masked rows of states [N, D]. Inputs: `masked_places`, and `masked_numbers` int32 [N], the number of each row
 * among the masked ones, and M for the others.
 */
export function maskedRows(g: GraphBuilder, states: Value): MaskedRows {
  const [N = "", D = 0] = states.shape;
  const places = g.input("masked_places", "int32", ["masked"]);
  const numbers = g.input("masked_numbers", "int32", [N]);
  const none = g.constant(states.dtype, [1, Number(D)], new Array<number>(Number(D)).fill(0));
  return {
    places,
    rows: ops.gather(g, states, places, 0),
    spread: (gradient) => ops.gather(g, ops.concat(g, [gradient, none], 0, "masked_and_none"), numbers, 0),
  };
}

/** The detector of a batch. */
export interface Detection {
  /** Sum of weight * binary cross-entropy, []. */
  readonly loss: Value;
  readonly seeds: () => Seed[];
  /** How likely each masked place is replaced, [M]; no gradient passes through it. */
  readonly chances: Value;
}

/**
 * Detects replaced tokens by the encoder's states [N, D]. Inputs: `replaced` [N], 1 where another token stands, and
 * `detector_weights` [N].
 * @param weight [1, D]
 * @param bias [1]
 */
export function detection(g: GraphBuilder, states: Value, weight: Value, bias: Value, places: Value): Detection {
  const { dtype } = states;
  const [N = ""] = states.shape;
  const flat = (x: Value, rows: Value["shape"][number]) => ops.reshapeTo(g, x, g.constant("int64", [1], [-1]), [rows]);
  const replaced = g.input("replaced", dtype, [N]);
  const weights = g.input("detector_weights", dtype, [N]);
  const logits = ops.add(g, ops.gemm(g, states, weight, { transposeB: true }), bias); // [N, 1]
  const z = flat(logits, N);
  const chance = ops.unary(g, "Sigmoid", z);
  // log(1 + exp(z)) = relu(z) + log(1 + exp(-|z|))
  const above = ops.unary(g, "Relu", z);
  const distance = ops.sub(g, z, ops.mul(g, above, g.constant(dtype, [], [2]))); // -|z|
  const small = ops.unary(g, "Log", ops.add(g, ops.unary(g, "Exp", distance), g.constant(dtype, [], [1])));
  const losses = ops.sub(g, ops.add(g, above, small), ops.mul(g, z, replaced));
  return {
    loss: ops.reduceSum(g, ops.mul(g, losses, weights), [0], false),
    seeds: () => [{ value: logits, gradient: ops.unsqueeze(g, ops.mul(g, ops.sub(g, chance, replaced), weights), 1) }],
    chances: flat(ops.gather(g, ops.unsqueeze(g, chance, 1), places, 0), "masked"),
  };
}
