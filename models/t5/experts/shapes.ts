/** The tensors of feed-forward layers, with experts or without, and which layers have experts. */
import type { T5Config } from "../config.ts";
import { inputProjections } from "../feed-forward.ts";

/**
 * Whether a layer has experts: each step-th one from the second on, where the step is the number of layers over that of
 * sparse ones. As in transformers, no sparse layers at all make the step the stack's length, and so the second one
 * sparse.
 * @see SwitchTransformersStack, modeling_switch_transformers.py
 */
export function isSparse(config: T5Config, stack: "encoder" | "decoder", layer: number): boolean {
  const { experts } = config;
  if (experts === null) return false;
  const [sparse, all] =
    stack === "encoder" ? [experts.encoderLayers, config.numLayers] : [experts.decoderLayers, config.numDecoderLayers];
  const step = sparse === 0 ? all : Math.floor(all / sparse);
  return step === 1 || layer % step === 1;
}

/** The tensors of a sparse layer. */
function expertShapes(
  { experts, dModel }: T5Config,
  module: string,
  width: number,
): [name: string, shape: readonly number[]][] {
  const count = experts?.count ?? 0;
  const shapes: [string, readonly number[]][] = [[`${module}.router.classifier.weight`, [count, dModel]]];
  for (let expert = 0; expert < count; expert += 1) {
    const name = expertName(module, expert);
    shapes.push([`${name}.wi.weight`, [width, dModel]], [`${name}.wo.weight`, [dModel, width]]);
  }
  return shapes;
}

/** The path of an expert in a layer's module. */
export function expertName(module: string, expert: number): string {
  return `${module}.experts.expert_${expert}`;
}

/** The number of the expert that a tensor belongs to; undefined for other tensors. */
export function expertOf(name: string): number | undefined {
  const [, expert] = /\.experts\.expert_(\d+)\./.exec(name) ?? [];
  return expert === undefined ? undefined : Number(expert);
}

/** The name of the module in a layer: Switch Transformers call it `mlp`. */
export function feedForwardModule({ experts }: T5Config): string {
  return experts === null ? "DenseReluDense" : "mlp";
}

/**
 * The tensors of a layer by their names after the layer's.
 * @param width the layer's feed-forward width
 */
export function feedForwardShapes(
  config: T5Config,
  stack: "encoder" | "decoder",
  layer: number,
  width: number,
): [name: string, shape: readonly number[]][] {
  const { dModel } = config;
  const module = feedForwardModule(config);
  if (isSparse(config, stack, layer)) return expertShapes(config, module, width);
  return [
    ...inputProjections(config).map((wi): [string, number[]] => [`${module}.${wi}.weight`, [width, dModel]]),
    [`${module}.wo.weight`, [dModel, width]],
  ];
}

/** Tensors under the names of a Switch Transformer's dense layers: T5X names them as a T5's. */
export function withExpertNames<T>({ experts }: T5Config, tensors: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  if (experts === null) return tensors;
  return new Map([...tensors].map(([name, tensor]) => [name.replace(".DenseReluDense.", ".mlp."), tensor]));
}
