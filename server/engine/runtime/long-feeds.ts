/** Inputs of a LongT5's encoder besides tokens, for inference and training. */
import type { T5Config } from "../../../models/t5/config.ts";
import {
  type LongLayout,
  laySide,
  leftOvers,
  memberships,
  sideBuckets,
  windowBuckets,
  windowMask,
} from "../../../models/t5/long/layout.ts";
import { layOutBiases } from "../../../models/t5/position.ts";
import { type Floats, floats, int64, type RuntimeTensor } from "./session.ts";

/** A table of biases, [buckets, H], and its graph's name for it when it is laid out. */
export interface NamedTable {
  readonly name: string;
  readonly values: ArrayLike<number>;
}

/**
 * The feeds of longInputs for a batch.
 * @param side the table of a transient-global encoder's global tokens
 */
export function longFeeds(
  config: T5Config,
  layout: LongLayout,
  window: NamedTable,
  side: NamedTable | null,
  newFloats: (count: number) => Floats,
): Record<string, RuntimeTensor> {
  const { numHeads: H } = config;
  const { blocks: N, length: L, globals: G, lengths } = layout;
  const B = lengths.length;
  const tensor = (dims: readonly number[], write: (values: Floats) => void) => {
    const values = newFloats(dims.reduce((product, dim) => product * dim, 1));
    write(values);
    return floats(values, dims);
  };
  const buckets = windowBuckets(config, layout);
  const feeds = {
    blocks: int64([B, N]),
    window_mask: tensor([B, N, 1, 1, 3 * L], (values) => windowMask(layout, values)),
    [window.name]: tensor([1, H, L, 3 * L], (values) => layOutBiases(window.values, H, buckets, L, values)),
  };
  if (side === null) return feeds;
  const size = layout.tokens / G;
  return {
    ...feeds,
    members: tensor([B, G, 1, size], (values) => memberships(layout, values)),
    carried: tensor([B, G, 1], (values) => leftOvers(config, layout, values)),
    [side.name]: tensor([B, N, H, L / size, 1, G], (values) =>
      laySide(config, side.values, sideBuckets(config, layout), layout, values),
    ),
  };
}
