/** ONNX's operators for decision trees (ai.onnx.ml). */
import type { GraphBuilder } from "./builder.ts";
import { dimAt, one } from "./node.ts";
import type { Value } from "./types.ts";

const MACHINE_LEARNING = "ai.onnx.ml";

/**
 * The sum of the leaves that each row reaches.
 * @param x float32 [rows, features]
 * @param trees arrays with one entry a node, each child after its parent; a leaf has feature -1 and its value
 * @returns float32 [rows, 1]
 */
export function treeEnsemble(
  g: GraphBuilder,
  x: Value,
  trees: {
    readonly roots: readonly number[];
    readonly feature: readonly number[];
    readonly value: readonly number[];
    readonly left: readonly number[];
    readonly right: readonly number[];
  },
): Value {
  const { roots, feature, value, left, right } = trees;
  const tree = new Int32Array(feature.length);
  for (const [t, root] of roots.entries()) tree.fill(t, root);
  const isLeaf = feature.map((index) => index < 0);
  const leaves = [...isLeaf.keys()].filter((i) => isLeaf[i]);
  const ofNode = (list: readonly number[]) => ({ ints: list.map((at, i) => (isLeaf[i] ? 0 : at)) });
  const nodeIds = [...feature.keys()];
  return one(
    g,
    "TreeEnsembleRegressor",
    [x],
    "float32",
    [dimAt(x.shape, 0), 1],
    {
      n_targets: { int: 1 },
      nodes_treeids: { ints: Array.from(tree) },
      nodes_nodeids: { ints: nodeIds },
      nodes_featureids: ofNode(feature),
      nodes_modes: { strings: isLeaf.map((leaf) => (leaf ? "LEAF" : "BRANCH_LEQ")) },
      nodes_values: { floats: value.map((threshold, i) => (isLeaf[i] ? 0 : threshold)) },
      nodes_truenodeids: ofNode(left),
      nodes_falsenodeids: ofNode(right),
      target_treeids: { ints: leaves.map((i) => tree[i] ?? 0) },
      target_nodeids: { ints: leaves },
      target_ids: { ints: leaves.map(() => 0) },
      target_weights: { floats: leaves.map((i) => value[i] ?? 0) },
    },
    MACHINE_LEARNING,
  );
}
