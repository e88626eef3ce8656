/** Masks, position biases and empty caches computed by a graph, for graphs that others run: they get only ids. */
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import type { KeysAndValues } from "../../graph/runtime-ops.ts";
import type { Dim, Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import { maskedBucket } from "../decoder.ts";
import type { Layers } from "../layers.ts";
import { positionBucket } from "../position.ts";
import { biasTables, type Stack } from "../weights.ts";

/** A cache of no positions, [B, H, 0, K], like one that has some. */
export function emptyCache(g: GraphBuilder, key: Value): KeysAndValues {
  const zero = g.constant("int64", [1], [0]);
  const empty = ops.slice(g, key, 2, zero, zero, 0);
  return { key: empty, value: empty };
}

/** 0 where a mask [B, S] is 1 and a large negative number where it is 0, [B, 1, 1, S]. */
export function additiveMask(g: GraphBuilder, mask: Value): Value {
  const float = (value: number) => g.constant("float32", [], [value]);
  const negative = ops.mul(g, ops.sub(g, float(1), ops.cast(g, mask, "float32")), float(-1e9));
  const [rows = 0, length = 0] = mask.shape;
  return ops.reshape(g, negative, [rows, 1, 1, length]);
}

/** The bias of each table by bucket, integers [T, L] -> [1, H, T, L]. */
export function positionBiases(layers: Layers, config: T5Config, stack: Stack, buckets: Value): Value[] {
  return biasTables(config, stack).map((table) => layers.positionBias(table, buckets));
}

/** The positions that attend, and those that are attended to. */
export interface Positions {
  /** int64 [1] */
  readonly length: Value;
  /** int64 [1] */
  readonly total: Value;
  /** The names of both extents. */
  readonly extents: readonly [Dim, Dim];
}

/**
 * The bucket of each key for the last `length` positions of `total` (int64 [1] each), int64 [length, total]; later keys
 * are masked in the decoder. Offsets are clipped to where the last bucket begins, and looked up.
 */
export function positionBuckets(
  g: GraphBuilder,
  config: T5Config,
  stack: Stack,
  { length, total, extents: [queriesExtent, keysExtent] }: Positions,
): Value {
  const { relativeAttentionMaxDistance: far } = config;
  const causal = stack === "decoder";
  const table = Array.from({ length: 2 * far + 1 }, (_, i) =>
    causal && i > far ? maskedBucket(config) : positionBucket(config, stack, i - far),
  );
  const whole = (value: number, shape: readonly number[] = []) => g.constant("int64", shape, [value]);
  const scalar = (x: Value) => ops.reshapeTo(g, x, g.constant("int64", [0], []), []);
  const keys = ops.range(g, scalar(whole(0, [1])), scalar(total), keysExtent);
  const positions = ops.range(g, scalar(ops.sub(g, total, length)), scalar(total), queriesExtent);
  const queries = ops.unsqueeze(g, positions, 1); // [length, 1]
  const offset = ops.clip(g, ops.sub(g, keys, queries), -far, far); // [length, total]
  return ops.gather(g, g.constant("int64", [table.length], table), ops.add(g, offset, whole(far)), 0);
}
