/** Graphs of a model's hidden states, layer by layer, and of the gradient by which inputs are found that have them. */
import { backward } from "../graph/backward.ts";
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import { at } from "../graph/node.ts";
import * as ops from "../graph/ops.ts";
import type { Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { layersOn } from "./layers.ts";
import { biasOfTables } from "./lowering/biases.ts";
import { trainableLowering } from "./lowering/trainable.ts";
import { laidOutName, stackRows } from "./training.ts";
import { biasTables, LM_HEAD, type Stack, tensorShapes } from "./weights.ts";

/** The place of states: after so many layers of a stack, 0 for the embedding; those of the last one are normed. */
export interface StatePlace {
  readonly stack: Stack;
  readonly layer: number;
}

/** The graph's name of the states at a place. */
export function stateName({ stack, layer }: StatePlace): string {
  return `${stack}_${layer}`;
}

/** The graph's input with a stack's embedded tokens. */
export const EMBEDDED = { encoder: "source", decoder: "target" } as const satisfies Readonly<Record<Stack, string>>;

/** The tensors that the graphs take: neither the embedding nor the head. */
export function representationTensors(config: T5Config): Map<string, readonly number[]> {
  const shapes = new Map(tensorShapes(config));
  for (const name of shapes.keys())
    if (name === "shared.weight" || name === LM_HEAD || name.endsWith("relative_attention_bias.weight"))
      shapes.delete(name);
  return shapes;
}

/**
 * Returns the graph of all states. Inputs: {@link representationTensors}; `source` [B * S, D] and `target` [B * T, D],
 * embedded tokens; `extents`, `mask` and the laid out tables as trainingGraph takes them. Outputs: each
 * {@link stateName}, [B * S or B * T, D].
 */
export function statesGraph(config: T5Config): Graph {
  const g = createGraphBuilder();
  return g.build("states", Object.fromEntries(allStates(g, config).states));
}

/** The distance that a search makes small: half the squared one, or the sum of the distances of rows. */
export type DistanceKind = "squared" | "rows";

/**
 * Returns the graph of a place's states, `state`, and the gradient of their distance from the input `wanted`, of the
 * states' shape, by the stack's embedded tokens: `gradient`. Rows count by the input `row_weights` [B * S or B * T, 1].
 */
export function inversionGraph(config: T5Config, place: StatePlace, kind: DistanceKind): Graph {
  const g = createGraphBuilder();
  const { states, embedded } = allStates(g, config);
  const state = states.get(stateName(place));
  if (state === undefined) throw new RangeError(`the model has no states ${stateName(place)}`);
  const wanted = g.input("wanted", "float32", state.shape);
  const weights = g.input("row_weights", "float32", [state.shape[0] ?? 0, 1]);
  const apart = ops.sub(g, state, wanted);
  const length = () => ops.unary(g, "Sqrt", ops.reduceLast(g, "ReduceSum", ops.mul(g, apart, apart)));
  const least = () => g.constant("float32", [], [1e-20]); // a row that is there has no slope, as in PyTorch
  const slope = kind === "squared" ? weights : ops.div(g, weights, ops.add(g, length(), least()));
  const gradient = ops.mul(g, apart, slope);
  const gradients = backward(g, [{ value: state, gradient }], [embedded[place.stack]]);
  return g.build("inversion", { state, gradient: at(gradients, 0) });
}

function allStates(g: GraphBuilder, config: T5Config) {
  const weights = new Map(
    [...representationTensors(config)].map(([name, shape]) => [name, g.input(name, "float32", shape)]),
  );
  const weight = (name: string): Value => {
    const value = weights.get(name);
    if (value === undefined) throw new RangeError(`the model has no tensor ${name}`);
    return value;
  };
  const extents = g.input("extents", "int64", [3]);
  const source = stackRows(g, extents, "source", "S", 1);
  const target = stackRows(g, extents, "target", "T", 2);
  const { lowering } = trainableLowering(config, weight, [source, target], { dropout: false });
  const t5 = layersOn(g, config, lowering);
  const mask = g.input("mask", "float32", ["B", 1, 1, "S"]);
  const biasOf = (stack: Stack, length: string) => {
    const tables = biasTables(config, stack).map(({ name, numHeads }) => {
      const bias = g.input(laidOutName(name), "float32", [1, numHeads, length, length]);
      return stack === "encoder" ? ops.add(g, bias, mask) : bias;
    });
    return biasOfTables(config, stack, tables);
  };
  const states = new Map<string, Value>();
  /** The residual stream before each layer, which is what the layer's nodes take. */
  const before = (stack: Stack) => {
    let layer = 0;
    return ({ inputs: [x, update] }: { readonly inputs: readonly Value[] }) => {
      if (x === undefined) throw new RangeError("a layer has no input");
      states.set(stateName({ stack, layer }), update === undefined ? x : ops.add(g, x, update));
      layer += 1;
    };
  };
  const embedded = {
    encoder: g.input(EMBEDDED.encoder, "float32", [source.rows, config.dModel]),
    decoder: g.input(EMBEDDED.decoder, "float32", [target.rows, config.dModel]),
  };
  const memory = t5.encoderStack(embedded.encoder, biasOf("encoder", "S"), before("encoder"));
  states.set(stateName({ stack: "encoder", layer: config.numLayers }), memory);
  const { hidden } = t5.decoderStack(
    embedded.decoder,
    { biasOf: biasOf("decoder", "T"), crossOf: (layer) => t5.crossKeysAndValues(layer, memory), mask },
    before("decoder"),
  );
  states.set(stateName({ stack: "decoder", layer: config.numDecoderLayers }), hidden);
  return { states, embedded };
}
