/** The generator's graph in METRO's pre-training: its loss at masked places, and the tokens that it draws for them. */
import { backward } from "../../graph/backward.ts";
import { createGraphBuilder } from "../../graph/builder.ts";
import { withFloat64Norms } from "../../graph/float64.ts";
import { at } from "../../graph/node.ts";
import * as ops from "../../graph/ops.ts";
import { cumulativeSum } from "../../graph/sort-ops.ts";
import type { Graph, Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import { layersOn } from "../layers.ts";
import { crossEntropy } from "../loss.ts";
import { biasOfTables } from "../lowering/biases.ts";
import { trainableLowering } from "../lowering/trainable.ts";
import { laidOutName, stackRows } from "../training.ts";
import { biasTables } from "../weights.ts";
import { maskedRows } from "./detector.ts";
import { generatorConfig, generatorName, generatorShapes } from "./shapes.ts";

/**
 * Returns the graph of a batch with B rows of S positions, M of them masked.
 *
 * Inputs: `shared.weight` and metroShapes' tensors of the generator; `input_ids` int32 [B * S]; `extents` int64 [3], B,
 * S and S; `mask` and the table of biases as in a training graph; maskedRows' inputs; `labels` int32 [M];
 * `label_weights` [M]; `draws` [M, 1], uniform in 0 to 1, which decide the tokens that are drawn.
 *
 * Outputs: `loss` []; `drawn` [M, 1], ids as floats; with gradients `d <name>` of each tensor and laid out table,
 * `source_rows` [B * S, D] to be added to the embedding's at input_ids, and `label_rows` [M, D] at labels.
 */
export function generatorGraph(
  config: T5Config,
  options: { readonly gradients: boolean; readonly dtype: "float32" | "float64" },
): Graph {
  const { dtype } = options;
  const generator = generatorConfig(config);
  const g = createGraphBuilder();
  const shared = g.input("shared.weight", dtype, [config.vocabSize, config.dModel]);
  const tables = biasTables(generator, "encoder");
  const isTable = new Set(tables.map(({ name }) => name));
  const weights = new Map<string, Value>([["shared.weight", shared]]);
  for (const [name, shape] of generatorShapes(config))
    if (!isTable.has(name)) weights.set(name, g.input(generatorName(name), dtype, shape));
  const weight = (name: string): Value => {
    const value = weights.get(name);
    if (value === undefined) throw new RangeError(`the generator has no tensor ${name}`);
    return value;
  };
  const source = stackRows(g, g.input("extents", "int64", [3]), "source", "S", 1);
  const { lowering, embedded } = trainableLowering(generator, weight, [source], { dropout: false });
  const t5 = layersOn(g, generator, lowering);
  const ids = g.input("input_ids", "int32", [source.rows]);
  const mask = g.input("mask", dtype, ["B", 1, 1, "S"]);
  const biases = tables.map(({ name, numHeads }) =>
    g.input(laidOutName(generatorName(name)), dtype, [1, numHeads, "S", "S"]),
  );
  const masked = biases.map((bias) => ops.add(g, bias, mask));
  const states = t5.encoderStack(t5.embed(ids, "encoder"), biasOfTables(generator, "encoder", masked));
  const { rows, spread } = maskedRows(g, states);
  // As the head of T5 1.0, which is the embedding too.
  const scale = g.constant(dtype, [], [config.dModel ** -0.5]);
  const inputs = {
    hidden: ops.mul(g, rows, scale),
    table: shared,
    labels: g.input("labels", "int32", ["masked"]),
    weights: g.input("label_weights", dtype, ["masked"]),
  };
  const loss = crossEntropy(g, inputs, { labelSmoothing: 0, zLoss: 0 }, 1);
  const upTo = cumulativeSum(g, at(loss.probabilities, 0), 1);
  const below = ops.cast(g, ops.less(g, upTo, g.input("draws", dtype, ["masked", 1])), dtype);
  const outputs: Record<string, Value> = { loss: loss.loss, drawn: ops.reduceLast(g, "ReduceSum", below) };
  if (options.gradients) {
    const made = loss.gradients();
    const wanted = new Map<string, Value>([["source_rows", at(embedded, 0)]]);
    for (const [name, value] of weights) if (name !== "shared.weight") wanted.set(`d ${generatorName(name)}`, value);
    for (const bias of biases) wanted.set(`d ${bias.name}`, bias);
    const seed = { value: states, gradient: spread(ops.mul(g, made.hidden(), scale)) };
    const gradients = backward(g, [seed], [...wanted.values()]);
    for (const [i, name] of [...wanted.keys()].entries()) outputs[name] = at(gradients, i);
    outputs["d shared.weight"] = made.table();
    outputs["label_rows"] = made.labelRows();
  }
  const graph = g.build("generator", outputs);
  return dtype === "float64" ? withFloat64Norms(graph) : graph;
}
