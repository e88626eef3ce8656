/**
 * The linear growth operator: each tensor of the larger model is a sum over the smaller one's layers, times a matrix on
 * either side. Stacking, interpolation and Net2Net are choices of these matrices; LiGO learns them.
 */
import { mixSeeds, seededRandom } from "../../random.ts";
import type { T5Config } from "../config.ts";
import { LM_HEAD, layerCount, type Stack, tensorShapes } from "../weights.ts";

/** Where the layers of the larger model come from. */
export const GROWTH_METHODS = ["net2net", "stack", "interpolate"] as const;

/**
 * net2net: each layer, and after it copies that change nothing yet, so the model computes the same; stack: the whole
 * stack again and again; interpolate: each layer several times in a row.
 * @see Chen et al., "Net2Net" (arXiv 1511.05641); Gong et al., "Efficient Training of BERT by Progressively Stacking";
 *   Wang et al., "Learning to Grow Pretrained Models" (LiGO, arXiv 2303.00980), which compares them
 */
export type GrowthMethod = (typeof GROWTH_METHODS)[number];

/** A matrix of the operator, row-major. */
export interface GrowthMatrix {
  readonly shape: readonly [rows: number, columns: number];
  readonly values: Float32Array<ArrayBuffer>;
}

/** Tensors that grow alike: those of one name in all layers of a stack. */
export interface GrowthKind {
  /** The tensor's name, with * for the layer. */
  readonly name: string;
  /** The names of its tensors in the smaller and the larger model, in the order of their layers. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** A tensor's shape before and after. */
  readonly shape: readonly number[];
  readonly grown: readonly number[];
  /** Names of the matrices in {@link GrowthOperator.matrices}; undefined where nothing grows. */
  readonly depth: string | undefined;
  readonly out: string | undefined;
  readonly inner: string | undefined;
}

/** A growth operator with its values. */
export interface GrowthOperator {
  readonly kinds: readonly GrowthKind[];
  readonly matrices: ReadonlyMap<string, GrowthMatrix>;
}

/**
 * Returns the operator of a method. Widths grow as in Net2Net by every method: channel j is a copy of channel j mod n,
 * and the copies' shares in what reads them are drawn by the seed and add up to one, so that copies learn apart. The
 * residual stream's copies are divided by the root of their number, which keeps the sum of squares; what the RMS norms
 * then do differently (D is larger) is in their weights and in {@link grownConfig}'s epsilon.
 * @param to a configuration of {@link grownConfig}
 */
export function growthOperator(from: T5Config, to: T5Config, method: GrowthMethod, seed: number): GrowthOperator {
  const matrices = new Map<string, GrowthMatrix>();
  const [small, large] = [kindsOf(from), kindsOf(to)];
  const kinds = [...large].map(([name, { names, shape: grown }], index): GrowthKind => {
    const { names: fromNames, shape } = small.get(name) ?? { names: [], shape: [] };
    const add = (part: string, matrix: GrowthMatrix | undefined) => {
      if (matrix === undefined) return undefined;
      const key = part === STREAM ? STREAM : `${name} ${part}`;
      if (!matrices.has(key)) matrices.set(key, matrix);
      return key;
    };
    const random = seededRandom(mixSeeds(seed, index));
    const [rows, columns] = axesOf(name, from, to);
    return {
      ...{ name, from: fromNames, to: names, shape, grown },
      depth: names.length === fromNames.length ? undefined : add("depth", depthOf(name, from, to, method)),
      out: add(rows === "stream" ? STREAM : "out", matrixOf(rows, from, to, random)),
      inner: add(columns === "stream" ? STREAM : "inner", matrixOf(columns, from, to, random)),
    };
  });
  return { kinds, matrices };
}

/** The name of the matrix that all share which write to the residual stream, the embedding included. */
const STREAM = "stream";

/**
 * How an axis grows. stream: the residual stream as it is written; copies of channels, heads or units; shares: read by
 * what sums over them; norm: the weights of a norm, times a factor.
 */
type Axis =
  | "stream"
  | { readonly size: "dModel" | "numHeads" | "dFf"; readonly block: number; readonly shares: boolean }
  | { readonly norm: number }
  | undefined;

/** The rows and columns of a tensor (a vector has rows only). @see tensorShapes for the names */
function axesOf(name: string, from: T5Config, to: T5Config): readonly [Axis, Axis] {
  const part =
    name
      .replace(/\.weight$/, "")
      .split(".")
      .at(-1) ?? "";
  const heads = (shares: boolean, block = from.dKv): Axis => ({ size: "numHeads", block, shares });
  const units = (shares: boolean): Axis => ({ size: "dFf", block: 1, shares });
  const reads: Axis = { size: "dModel", block: 1, shares: true };
  if (name === "shared.weight") return [undefined, "stream"];
  if (name === LM_HEAD) return [undefined, reads];
  if (part.endsWith("norm")) {
    // The head's factor D^-0.5 shrinks as the norm would have to.
    const scaled = name.startsWith("decoder.final") && from.scaleDecoderOutputs;
    return [{ norm: scaled ? 1 : Math.sqrt(from.dModel / to.dModel) }, undefined];
  }
  if (part.endsWith("relative_attention_bias")) return [undefined, heads(false, 1)];
  if (part === "logits" || part === "weights") return [heads(false, 1), heads(true, 1)];
  if (part === "o") return ["stream", heads(true)];
  if (part === "wo") return ["stream", units(true)];
  if (part.startsWith("wi")) return [units(false), reads];
  return [part !== "q" && from.sharedHeads ? undefined : heads(false), reads];
}

function matrixOf(axis: Axis, from: T5Config, to: T5Config, random: () => number): GrowthMatrix | undefined {
  if (axis === undefined) return undefined;
  const size = axis === "stream" || "norm" in axis ? "dModel" : axis.size;
  const block = typeof axis === "object" && "block" in axis ? axis.block : 1;
  const [n, m] = [from[size], to[size]];
  if (n === m) return undefined;
  const copies = (source: number) => Math.ceil((m - source) / n);
  const values = new Float32Array(m * block * n * block);
  const drawn = Array.from({ length: m }, () => 0.5 + random());
  const share = (at: number) => {
    let sum = 0;
    for (let other = at % n; other < m; other += n) sum += drawn[other] ?? 0;
    return (drawn[at] ?? 0) / sum;
  };
  for (let at = 0; at < m; at += 1) {
    const source = at % n;
    const root = size === "dModel" ? Math.sqrt(copies(source)) : 1;
    const value = axis === "stream" ? 1 / root : "norm" in axis ? axis.norm : axis.shares ? share(at) * root : 1;
    for (let k = 0; k < block; k += 1) values[(at * block + k) * n * block + source * block + k] = value;
  }
  return { shape: [m * block, n * block], values };
}

/** [layers after, layers before]; Net2Net's copies of a layer begin with zeros where they write to the stream. */
function depthOf(name: string, from: T5Config, to: T5Config, method: GrowthMethod): GrowthMatrix {
  const stack: Stack = name.startsWith("encoder") ? "encoder" : "decoder";
  const [n, m] = [layerCount(from, stack), layerCount(to, stack)];
  const values = new Float32Array(m * n);
  const sourceOf = (layer: number) => (method === "stack" ? layer % n : Math.floor((layer * n) / m));
  for (let layer = 0; layer < m; layer += 1) {
    const isCopy = layer > 0 && sourceOf(layer - 1) === sourceOf(layer);
    if (method === "net2net" && isCopy && /\.w?o\.weight$/.test(name)) continue;
    values[layer * n + sourceOf(layer)] = 1;
  }
  return { shape: [m, n], values };
}

/** The tensors of a model by their names with * for the layer. */
function kindsOf(config: T5Config): Map<string, { names: string[]; shape: readonly number[] }> {
  const kinds = new Map<string, { names: string[]; shape: readonly number[] }>();
  for (const [tensor, shape] of tensorShapes(config)) {
    const name = tensor.replace(/\.block\.\d+\./, ".block.*.");
    const kind = kinds.get(name);
    if (kind === undefined) kinds.set(name, { names: [tensor], shape });
    else kind.names.push(tensor);
  }
  return kinds;
}
