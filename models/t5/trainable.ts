/** The lowering that training uses: plain operators with gradient rules, activations as matrices (a row a token), and dropout. */
import type { GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Dim, Shape, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import type { Lowering } from "./lowering.ts";

/** A stack's tokens as rows: what unfolds them again. */
export interface Rows {
  /** The extent of the rows, under which the lowering knows them. */
  readonly rows: string;
  readonly batch: Dim;
  readonly length: Dim;
  /** int64 [2]: batch and length at run time. */
  readonly extents: Value;
}

/** A dropout's place. Its mask is an input of the graph, so that what is dropped is the caller's to repeat. */
export interface DropoutMask {
  readonly name: string;
  /** Broadcast over the positions, as T5's own code does: one draw for each sequence and channel (or head and key). */
  readonly shape: Shape;
}

/** The lowering, and what it has made on the way. */
export interface Trainable {
  readonly lowering: Lowering;
  /** In the order of their places. */
  readonly masks: readonly DropoutMask[];
  /** The rows of the embedding that were looked up, before dropout. */
  readonly embedded: readonly Value[];
}

/**
 * Returns a lowering on rows [N, width]. Where dropout is wanted it drops after the embeddings, on attention's weights, on the
 * feed-forward layers' hidden values, on each sub-layer's output, and after the final norms.
 * @param weight gives a tensor by its Hugging Face name
 * @param stacks each kind of rows that occurs, by its extent
 * @see transformer_layers.py and transformer.py of mesh_tensorflow for the places and the broadcast of dropout
 */
export function trainableLowering(
  config: T5Config,
  weight: (g: GraphBuilder, name: string) => Value,
  stacks: readonly Rows[],
  dropout: boolean,
): Trainable {
  const { numHeads, dKv, dModel } = config;
  const masks: DropoutMask[] = [];
  const embedded: Value[] = [];

  function rowsOf(x: Value): Rows {
    const found = stacks.find(({ rows }) => rows === x.shape[0]);
    if (found === undefined) throw new RangeError(`no stack has the rows ${x.shape[0]}`);
    return found;
  }

  /** [N, ..rest flat] -> [B, length, ..rest]. */
  function unfold(g: GraphBuilder, x: Value, rest: readonly number[]): Value {
    const { batch, length, extents } = rowsOf(x);
    const target = ops.concat(g, [extents, g.constant("int64", [rest.length], rest)], 0);
    return ops.reshapeTo(g, x, target, [batch, length, ...rest]);
  }

  function masked(g: GraphBuilder, x: Value, shape: Shape): Value {
    const name = `dropout_${masks.length}`;
    masks.push({ name, shape });
    return ops.mul(g, x, g.input(name, x.dtype, shape));
  }

  /** Drops channels of rows, the same at every position of a sequence. */
  function dropped(g: GraphBuilder, x: Value): Value {
    if (!dropout) return x;
    const width = Number(x.shape[1]);
    const kept = masked(g, unfold(g, x, [width]), [rowsOf(x).batch, 1, width]);
    return ops.reshape(g, kept, x.shape);
  }

  function norm(g: GraphBuilder, x: Value, name: string): Value {
    const { normed } = ops.rootMeanSquareNorm(g, x, weight(g, name), config.layerNormEpsilon);
    return name.endsWith("final_layer_norm.weight") ? dropped(g, normed) : normed;
  }

  function linear(g: GraphBuilder, x: Value, name: string): Value {
    const hidden = name.endsWith(".wo") ? dropped(g, x) : x;
    const y = ops.gemm(g, hidden, weight(g, `${name}.weight`), { transposeB: true });
    return /\.w?o$/.test(name) ? dropped(g, y) : y;
  }

  const lowering: Lowering = {
    weight,
    embed(g, ids) {
      const rows = ops.gather(g, weight(g, "shared.weight"), ids, 0);
      embedded.push(rows);
      return dropped(g, rows);
    },
    norm,
    addNorm(g, x, update, name) {
      const sum = ops.add(g, x, update);
      return { sum, normed: norm(g, sum, name) };
    },
    linears: (g, x, names) => names.map((name) => linear(g, x, name)),
    attention(g, { query, key, value, bias }) {
      const heads = (x: Value, order: readonly number[]) => ops.transpose(g, unfold(g, x, [numHeads, dKv]), order);
      const products = ops.matmul(g, heads(query, [0, 2, 1, 3]), heads(key, [0, 2, 3, 1])); // [B, H, T, S]
      const softmax = ops.softmax(g, bias === null ? products : ops.add(g, products, bias));
      const { batch, length } = rowsOf(key);
      const weights = dropout ? masked(g, softmax, [batch, numHeads, 1, length]) : softmax;
      const mixed = ops.matmul(g, weights, heads(value, [0, 2, 1, 3])); // [B, H, T, K]
      const output = ops.reshape(g, ops.transpose(g, mixed, [0, 2, 1, 3]), query.shape);
      return { output, present: null };
    },
    logits() {
      throw new RangeError(`training takes the loss of the states [N, ${dModel}] without their logits`);
    },
  };
  return { lowering, masks, embedded };
}
