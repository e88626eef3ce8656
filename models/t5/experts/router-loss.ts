/**
 * The losses of a stack's routers: the z-loss, which keeps their logits small, and the balancing loss, which grows
 * where few experts take most tokens. All sparse layers of a stack are taken together, as transformers does; padding,
 * which transformers counts, is left out. L layers, B rows, S positions, E experts.
 * @see router_z_loss_func and load_balancing_loss_func, modeling_switch_transformers.py; Fedus et al. 2021, equations 4
 *   to 6
 */
import type { Seed } from "../../graph/backward.ts";
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import type { Value } from "../../graph/types.ts";
import type { Routing } from "../lowering/lowering.ts";
import type { Experts } from "./config.ts";

/** A stack's routers, and where its tokens are. */
export interface Routers {
  /** The choices of each sparse layer's router, [B * S, E]. */
  readonly routings: readonly Routing[];
  /** 1 for tokens, 0 for padding, [B * S, 1]. */
  readonly tokens: Value;
  /** int64 [3]: B, S, -1. */
  readonly extents: Value;
}

/**
 * Adds the losses of a stack, each times its weight.
 * @param share factor of both, []
 * @returns the sum [], and the gradients of the routers' logits and probabilities
 */
export function routerLoss(
  g: GraphBuilder,
  { routings, tokens, extents }: Routers,
  { count: E, zLoss, balanceLoss }: Experts,
  share: Value,
): { readonly loss: Value; readonly seeds: () => Seed[] } {
  const { dtype } = tokens;
  const scalar = (value: number) => g.constant(dtype, [], [value]);
  const byRow = (x: Value) => ops.reduceSum(g, ops.reshapeTo(g, x, extents, ["B", "S", x.shape[1] ?? 1]), [1], true);
  const total = (values: readonly Value[]) => values.reduce((a, b) => ops.add(g, a, b));
  const lengths = ops.mul(g, byRow(tokens), scalar(routings.length)); // [B, 1, 1], tokens of all layers
  const shareOf = (pick: (routing: Routing) => Value) =>
    ops.div(g, total(routings.map((routing) => byRow(ops.mul(g, pick(routing), tokens)))), lengths); // [B, 1, E]
  const chosen = shareOf(({ choices }) => choices);
  const likely = shareOf(({ probabilities }) => probabilities);
  const all = [0, 1, 2];
  const rows = ops.reduceSum(g, ops.div(g, lengths, lengths), all, false); // B
  const balanceFactor = ops.div(g, ops.mul(g, share, scalar(balanceLoss * E)), rows);
  const balance = ops.mul(g, ops.reduceSum(g, ops.mul(g, chosen, likely), all, false), balanceFactor);

  // The log of the sum of exponentials is the largest logit minus the log of its probability.
  const logSums = routings.map(({ logits, probabilities }) =>
    ops.sub(
      g,
      ops.reduceLast(g, "ReduceMax", logits),
      ops.unary(g, "Log", ops.reduceLast(g, "ReduceMax", probabilities)),
    ),
  ); // [B * S, 1] each
  const weighted = logSums.map((logSum) => ops.mul(g, logSum, tokens));
  const zFactor = ops.div(g, ops.mul(g, share, scalar(zLoss)), ops.reduceSum(g, lengths, all, false));
  const squares = weighted.map((each, i) => ops.reduceSum(g, ops.mul(g, each, logSums[i] ?? each), [0, 1], false));
  const z = ops.mul(g, total(squares), zFactor);

  const seeds = () => {
    // For every token of a row: how often each expert was chosen in it.
    const slope = ops.mul(g, ops.div(g, chosen, lengths), balanceFactor); // [B, 1, E]
    const extended = ops.add(g, slope, ops.mul(g, ops.reshapeTo(g, tokens, extents, ["B", "S", 1]), scalar(0)));
    const perToken = ops.mul(
      g,
      ops.reshapeTo(g, extended, g.constant("int64", [2], [-1, E]), [tokens.shape[0] ?? 1, E]),
      tokens,
    );
    return routings.flatMap(({ logits, probabilities }, i): Seed[] => {
      const twice = ops.mul(g, ops.mul(g, weighted[i] ?? tokens, zFactor), scalar(2));
      return [
        { value: logits, gradient: ops.mul(g, probabilities, twice) },
        { value: probabilities, gradient: perToken },
      ];
    });
  };
  return { loss: ops.add(g, balance, z), seeds };
}
