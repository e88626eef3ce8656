/** The memory of what learns: each tensor, and beside it what training keeps for each of its values. */
import type { Floats } from "../../engine/runtime/session.ts";
import { createKernels, type Kernels, ROOM_OFFSET } from "./kernels.ts";

/**
 * The arrays beside a tensor, of its type and length: the step's gradient, the gradient of a further batch before it is
 * added, and AdamW's moments.
 */
const VIEWS = ["gradient", "scratch", "firstMoment", "secondMoment"] as const;

/** One of {@link VIEWS}. */
export type View = (typeof VIEWS)[number];

/** The tensors that learn, with named views of the memory beside each. */
export interface ParameterMemory {
  readonly tensors: ReadonlyMap<string, Floats>;
  /** An array beside a tensor: zeros at first, and the same one at each call. @throws RangeError for an unknown name */
  view(name: string, view: View): Floats;
  /** The loops for a tensor and its views. */
  kernels(name: string): Kernels;
}

/** WebAssembly addresses its memory by 32 bits. */
const MOST_BYTES = 3.5 * 2 ** 30;

interface Parameter {
  readonly values: Floats;
  readonly kernels: Kernels;
  readonly views: Map<View, Floats>;
}

/** Returns memory over tensors where they lie. Views are allocated as they are asked for, and the kernels copy. */
export function memoryOver(tensors: ReadonlyMap<string, Floats>): ParameterMemory {
  return memoryOf(unplaced(tensors));
}

/**
 * Copies tensors to where the kernels and the runtime both work on them without copying again, which halves the time of
 * AdamW's step. Float64 tensors, those whose length is not a multiple of four, and those for which there is no address
 * space stay where they are.
 */
export function copyToMemory(tensors: ReadonlyMap<string, Floats>): ParameterMemory {
  const parameters = unplaced(tensors);
  let group: [string, Float32Array<ArrayBuffer>][] = [];
  let groupBytes = 0;
  const place = () => {
    for (const [name, parameter] of placed(group, groupBytes)) parameters.set(name, parameter);
    [group, groupBytes] = [[], 0];
  };
  for (const [name, values] of tensors) {
    if (!(values instanceof Float32Array) || values.length % 4 !== 0 || roomOf(values) > MOST_BYTES) continue;
    if (groupBytes + roomOf(values) > MOST_BYTES) place();
    group.push([name, values]);
    groupBytes += roomOf(values);
  }
  if (group.length > 0) place();
  return memoryOf(parameters);
}

function memoryOf(parameters: ReadonlyMap<string, Parameter>): ParameterMemory {
  const parameterOf = (name: string): Parameter => {
    const parameter = parameters.get(name);
    if (parameter === undefined) throw new RangeError(`no tensor named ${name} learns`);
    return parameter;
  };
  return {
    tensors: new Map([...parameters].map(([name, { values }]) => [name, values])),
    view(name, view) {
      const { values, views } = parameterOf(name);
      const array = views.get(view) ?? zerosLike(values);
      views.set(view, array);
      return array;
    },
    kernels: (name) => parameterOf(name).kernels,
  };
}

function unplaced(tensors: ReadonlyMap<string, Floats>): Map<string, Parameter> {
  const kernels = createKernels();
  return new Map([...tensors].map(([name, values]) => [name, { values, kernels, views: new Map() }]));
}

/**
 * Copies of tensors in one memory, each followed by its views; none where the system has no such stretch of addresses.
 */
function placed(tensors: readonly [string, Float32Array<ArrayBuffer>][], bytes: number): Map<string, Parameter> {
  const parameters = new Map<string, Parameter>();
  const kernels = kernelsWith(bytes);
  if (kernels === undefined) return parameters;
  let offset = ROOM_OFFSET;
  for (const [name, source] of tensors) {
    const array = (index: number) =>
      new Float32Array(kernels.buffer, offset + index * source.byteLength, source.length);
    const values = array(0);
    values.set(source);
    const views = VIEWS.map((view, i): [View, Floats] => [view, array(i + 1)]);
    parameters.set(name, { values, kernels, views: new Map(views) });
    offset += roomOf(source);
  }
  return parameters;
}

function kernelsWith(bytes: number): Kernels | undefined {
  try {
    return createKernels(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Bytes of a tensor and its views. */
function roomOf({ byteLength }: Floats): number {
  return (VIEWS.length + 1) * byteLength;
}

function zerosLike(values: Floats): Floats {
  const { length } = values;
  return values instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}
