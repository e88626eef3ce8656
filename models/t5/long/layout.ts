/**
 * The inputs of LongT5's attention for a batch, laid out in JavaScript: blocks, biases and masks. Blocks are any cut
 * that lets each token see its neighbors within the radius; so a text shorter than two blocks is one, without padding.
 * Tokens belong to global ones by exact division; transformers adds up floats, which at some sizes (100, but not 16)
 * puts a few tokens into a neighboring one. B rows, N blocks of L tokens, H heads, g tokens per global token, G = N * L
 * / g global tokens.
 * @see _get_local_attention_mask, _make_global_fixed_block_ids of transformers' modeling_longt5.py
 */
import type { T5Config } from "../config.ts";
import { biasRow, MASKED, relativePositionBucket } from "../position.ts";

type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** The blocks of a padded batch. */
export interface LongLayout {
  readonly blocks: number;
  /** Tokens of a block. */
  readonly length: number;
  /** Global tokens; 0 where attention is local. */
  readonly globals: number;
  /** The padded length, blocks * length. */
  readonly tokens: number;
  /** Tokens of each row without padding. */
  readonly lengths: readonly number[];
}

/** Returns the blocks of rows of these lengths; null for a model that has none. */
export function longLayout({ longAttention }: T5Config, lengths: readonly number[]): LongLayout | null {
  if (longAttention === null) return null;
  const longest = Math.max(1, ...lengths);
  const blocks = Math.max(1, Math.floor(longest / (longAttention.localRadius + 1)));
  const multiple = longAttention.globalBlockSize ?? 1;
  const length = Math.ceil(longest / blocks / multiple) * multiple;
  const tokens = blocks * length;
  const globals = longAttention.globalBlockSize === null ? 0 : tokens / multiple;
  return { blocks, length, globals, tokens, lengths };
}

/** The bucket of each key of a window less the query, [4L - 1]; -1 farther than the radius. */
export function windowBuckets(config: T5Config, { length }: LongLayout): Int32Array {
  const radius = config.longAttention?.localRadius ?? 0;
  return bucketsOf(config, 2 * length - 1).map((bucket, i) => (Math.abs(i - (2 * length - 1)) > radius ? -1 : bucket));
}

/** The bucket of each global token less the query's own, [2G - 1]. */
export function sideBuckets(config: T5Config, { globals }: LongLayout): Int32Array {
  return bucketsOf(config, globals - 1);
}

function bucketsOf(config: T5Config, farthest: number): Int32Array {
  const { relativeAttentionNumBuckets: buckets, relativeAttentionMaxDistance: distance } = config;
  return Int32Array.from({ length: 2 * farthest + 1 }, (_, i) =>
    relativePositionBucket(i - farthest, true, buckets, distance),
  );
}

/** Writes the mask of the keys in each block's window: [B, N, 3L], 0 for tokens of the text, else MASKED. */
export function windowMask({ blocks, length, lengths }: LongLayout, mask: Floats): void {
  mask.fill(MASKED);
  for (const [row, end] of lengths.entries()) {
    for (let block = 0; block < blocks; block += 1) {
      const first = (block - 1) * length; // of the window
      const from = Math.max(0, -first);
      const to = Math.min(3 * length, end - first);
      const at = (row * blocks + block) * 3 * length;
      if (from < to) mask.fill(0, at + from, at + to);
    }
  }
}

/** Writes which tokens belong to the text, 1 or 0: [B, G, g]. */
export function memberships({ tokens, lengths }: LongLayout, members: Floats): void {
  members.fill(0);
  for (const [row, end] of lengths.entries()) members.fill(1, row * tokens, row * tokens + end);
}

/** Writes 1 at the last full global token of a row that has tokens left over, which it takes in too: [B, G]. */
export function leftOvers(config: T5Config, { globals, lengths }: LongLayout, carried: Floats): void {
  carried.fill(0);
  const size = config.longAttention?.globalBlockSize ?? 1;
  for (const [row, end] of lengths.entries()) {
    const full = Math.floor(end / size);
    if (full > 0 && end % size > 0) carried[row * globals + full - 1] = 1;
  }
}

/**
 * Lays the table of global tokens out for each global token's queries, [B, N, H, L / g, G]; MASKED for those that are
 * not full. Tokens left over count as the last full one's.
 */
export function laySide(
  config: T5Config,
  table: ArrayLike<number>,
  buckets: Int32Array,
  layout: LongLayout,
  biases: Floats,
): void {
  const { globals } = layout;
  const rows = Array.from({ length: config.numHeads }, (_, head) =>
    biasRow(table, config.numHeads, head, buckets, biases),
  );
  biases.fill(MASKED);
  sides(config, layout, (head, query, full, at) => {
    const start = globals - 1 - query;
    biases.set(rows[head]?.subarray(start, start + full) ?? [], at);
  });
}

/** Adds the gradient of what {@link laySide} lays out to that of its table. */
export function sumSide(
  config: T5Config,
  gradient: ArrayLike<number>,
  buckets: Int32Array,
  layout: LongLayout,
  table: Floats,
): void {
  const { numHeads } = config;
  const sums = Array.from({ length: numHeads }, () => new Float64Array(buckets.length));
  sides(config, layout, (head, query, full, at) => {
    const start = layout.globals - 1 - query;
    const sum = sums[head] ?? new Float64Array(0);
    for (let j = 0; j < full; j += 1) sum[start + j] = (sum[start + j] ?? 0) + (gradient[at + j] ?? 0);
  });
  for (const [head, sum] of sums.entries()) {
    for (const [i, value] of sum.entries()) {
      const place = (buckets[i] ?? 0) * numHeads + head;
      table[place] = (table[place] ?? 0) + value;
    }
  }
}

/** Calls `each` for every row of {@link laySide}'s result that has full global tokens: `at` is where it begins. */
function sides(
  config: T5Config,
  { blocks, length, globals, lengths }: LongLayout,
  each: (head: number, query: number, full: number, at: number) => void,
): void {
  const size = config.longAttention?.globalBlockSize ?? 1;
  const inBlock = length / size;
  for (const [row, end] of lengths.entries()) {
    const full = Math.floor(end / size);
    for (let block = 0; full > 0 && block < blocks; block += 1) {
      for (let head = 0; head < config.numHeads; head += 1) {
        for (let i = 0; i < inBlock; i += 1) {
          const at = (((row * blocks + block) * config.numHeads + head) * inBlock + i) * globals;
          each(head, Math.min(block * inBlock + i, full - 1), full, at);
        }
      }
    }
  }
}
