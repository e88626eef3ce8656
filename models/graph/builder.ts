/** Builds a graph node by node; names are unique across a graph and the bodies of its loops. */
import { ModelError } from "../errors.ts";
import type { Attribute, DType, ExternalData, Graph, Initializer, Node, Shape, Value } from "./types.ts";

/** The type of a node's result, stated by the op function that adds the node (ops.ts) after it checked the inputs. */
export interface ResultType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A graph under construction. Nodes are added by the functions of ops.ts and runtime-ops.ts. */
export interface GraphBuilder {
  /** The nodes added so far, each after the nodes whose values it takes. */
  readonly nodes: readonly Node[];
  /** Declares an input of the graph. */
  input(name: string, dtype: DType, shape: Shape): Value;
  /** An input of the outermost graph, for use in bodies too. The same name returns the same value again. */
  outerInput(name: string, dtype: DType, shape: Shape): Value;
  /** Adds a node and returns its results, one value for each result type. */
  add(
    op: string,
    inputs: readonly (Value | null)[],
    results: readonly ResultType[],
    attributes?: Readonly<Record<string, Attribute>>,
    domain?: string,
  ): Value[];
  /** A constant inside the graph's bytes; equal constants are added once. */
  constant(dtype: DType, shape: readonly number[], values: ArrayLike<number>): Value;
  /**
   * A constant in a file. The same name returns the same value again.
   * @param kept whether the runtime leaves it in the file, of which the system maps the parts that are read; else the
   *   runtime may pack it for its kernels, which is quicker and reads all of it
   */
  external(name: string, dtype: DType, shape: readonly number[], data: ExternalData, kept?: boolean): Value;
  /** A builder for the body of a loop or a branch inside this graph, which may use this graph's values. */
  body(): GraphBuilder;
  /** The finished graph, with the given outputs by name. */
  build(name: string, outputs: Readonly<Record<string, Value>>): Graph;
}

/** Returns a builder of an empty graph. */
export function createGraphBuilder(): GraphBuilder {
  return builder(
    { next: 0, constants: new Map(), externals: new Map(), outerInputs: new Map(), initializers: [] },
    undefined,
  );
}

/**
 * State shared by a graph and its bodies: bodies take constants from the outermost graph, where the runtime can prepack
 * them.
 */
interface Shared {
  next: number;
  readonly constants: Map<string, Value>;
  readonly externals: Map<string, Value>;
  readonly outerInputs: Map<string, Value>;
  readonly initializers: Initializer[];
}

function builder(shared: Shared, outer: GraphBuilder | undefined): GraphBuilder {
  const inputs: Value[] = [];
  const nodes: Node[] = [];

  function unique(stem: string): string {
    shared.next += 1;
    return `${stem}_${shared.next}`;
  }

  return {
    nodes,
    input(name, dtype, shape) {
      const value = { name: outer === undefined ? name : unique(name), dtype, shape };
      inputs.push(value);
      return value;
    },
    outerInput(name, dtype, shape) {
      if (!shared.outerInputs.has(name)) shared.outerInputs.set(name, { name, dtype, shape });
      return shared.outerInputs.get(name) as Value;
    },
    add(op, nodeInputs, results, attributes = {}, domain = "") {
      const outputs = results.map((result) => ({ name: unique(op), ...result }));
      nodes.push({ op, domain, inputs: nodeInputs, outputs, attributes });
      return outputs;
    },
    constant(dtype, shape, values) {
      const key = `${dtype}[${shape.join(",")}]${Array.from(values).join(",")}`;
      const known = shared.constants.get(key);
      if (known !== undefined) return known;
      const value = { name: unique("constant"), dtype, shape };
      shared.initializers.push({ value, data: bytesOf(dtype, values) });
      shared.constants.set(key, value);
      return value;
    },
    external(name, dtype, shape, data, kept = false) {
      const known = shared.externals.get(name);
      if (known !== undefined) return known;
      const value = { name, dtype, shape };
      shared.initializers.push({ value, data, kept });
      shared.externals.set(name, value);
      return value;
    },
    body() {
      return builder(shared, this);
    },
    build(name, outputs) {
      const made = new Set(nodes.flatMap((node) => node.outputs.map((value) => value.name)));
      const named = Object.entries(outputs).map(([outputName, value]) => {
        // A body's outputs are matched by position, so a value of the body can keep its name, once.
        if (outer !== undefined && made.delete(value.name)) return value;
        const output = { ...value, name: outer === undefined ? outputName : unique(outputName) };
        nodes.push({ op: "Identity", domain: "", inputs: [value], outputs: [output], attributes: {} });
        return output;
      });
      const body = { name, inputs, outputs: named, nodes, initializers: [] };
      if (outer !== undefined) return body;
      return { ...body, inputs: [...inputs, ...shared.outerInputs.values()], initializers: shared.initializers };
    },
  };
}

function bytesOf(dtype: DType, values: ArrayLike<number>): Uint8Array {
  const array = typedArray(dtype, values);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function typedArray(dtype: DType, values: ArrayLike<number>): ArrayBufferView {
  switch (dtype) {
    case "float32":
      return Float32Array.from(values);
    case "float64":
      return Float64Array.from(values);
    case "int64":
      return BigInt64Array.from(Array.from(values), (value) => BigInt(value));
    case "int32":
      return Int32Array.from(values);
    case "int8":
      return Int8Array.from(values);
    case "uint8":
    case "bool":
      return Uint8Array.from(values);
    case "float16":
    case "bfloat16":
      throw new ModelError("shape", `Constants of the graph are not written in ${dtype}; use float32 and a cast.`);
  }
}
