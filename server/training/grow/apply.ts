/** A growth operator at work: the larger model's tensors, and the gradients of the operator's matrices. */

import { grows, growthGradientGraph, growthGraph, stackedShape } from "../../../models/t5/growth/graph.ts";
import type { GrowthKind, GrowthOperator } from "../../../models/t5/growth/operator.ts";
import { createSession, type Floats, floats, floatsData, type RuntimeTensor } from "../../engine/runtime/session.ts";
import type { ParameterMemory } from "../step/parameter-memory.ts";
import type { Weights } from "../step/step.ts";

/** Applies an operator whose matrices may change. */
export interface Growth {
  /** The larger model's tensors by name. */
  apply(): Promise<Map<string, Float32Array<ArrayBuffer>>>;
  /**
   * Writes the gradients of the matrices to `memory`, from those of the larger model's tensors.
   * @throws RangeError when the growth was not opened for learning
   */
  gradients(memory: ParameterMemory, gradientOf: (name: string) => Floats): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Opens an operator on the smaller model's weights.
 * @param matrices the values of the matrices, read at each call
 * @param learns whether gradients will be asked for
 */
export async function openGrowth(
  operator: GrowthOperator,
  weights: Weights,
  matrices: Weights,
  { threads, learns }: { readonly threads: number; readonly learns: boolean },
): Promise<Growth> {
  const options = { folder: ".", threads, spin: false };
  const forward = await createSession(growthGraph(operator), options);
  const way = learns ? await createSession(growthGradientGraph(operator), options) : undefined;
  const small = Object.fromEntries(operator.kinds.map((kind) => [kind.name, stacked(kind, weights)]));
  const feeds = (): Record<string, RuntimeTensor> => ({
    ...small,
    ...Object.fromEntries(
      [...operator.matrices].map(([name, { shape }]) => [name, floats(valuesOf(matrices, name), shape)]),
    ),
  });
  return {
    async apply() {
      const outputs = await forward.run(feeds());
      return new Map(
        operator.kinds.flatMap(({ name, to }) => {
          const all = floatsData(outputs[`grown ${name}`]);
          const size = all.length / to.length;
          return to.map((tensor, i) => [tensor, Float32Array.from(all.subarray(i * size, (i + 1) * size))] as const);
        }),
      );
    },
    async gradients(memory, gradientOf) {
      if (way === undefined) throw new RangeError("this growth was not opened for learning");
      const given = operator.kinds.filter(grows).map(({ name, to, grown }) => {
        const size = grown.reduce((product, axis) => product * axis, 1);
        const values = new Float32Array(to.length * size);
        for (const [i, tensor] of to.entries()) values.set(gradientOf(tensor), i * size);
        return [`d ${name}`, floats(values, [to.length, ...grown])] as const;
      });
      const into = Object.fromEntries(
        [...operator.matrices].map(([name, { shape }]) => [`d ${name}`, floats(memory.view(name, "gradient"), shape)]),
      );
      await way.run({ ...feeds(), ...Object.fromEntries(given) }, into);
    },
    async dispose() {
      await forward.dispose();
      await way?.dispose();
    },
  };
}

function stacked(kind: GrowthKind, weights: Weights): RuntimeTensor {
  const size = kind.shape.reduce((product, axis) => product * axis, 1);
  const values = new Float32Array(kind.from.length * size);
  for (const [i, name] of kind.from.entries()) values.set(valuesOf(weights, name), i * size);
  return floats(values, stackedShape(kind));
}

function valuesOf(weights: Weights, name: string): Floats {
  const values = weights.get(name);
  if (values === undefined) throw new RangeError(`there is no tensor ${name}`);
  return values;
}
