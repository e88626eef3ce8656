/** The ONNX graph as values, built by builder.ts and serialized by proto.ts. */

/** Element types used here, by their ONNX names. */
export type DType = "float32" | "float64" | "float16" | "bfloat16" | "int64" | "int32" | "int8" | "uint8" | "bool";

/** TensorProto.DataType of each type. @see onnx/onnx-ml.proto */
export const elementTypes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};

/** A known extent, or the name of one known only at run time. */
export type Dim = number | string;

/** Extents, outermost first. */
export type Shape = readonly Dim[];

/** A tensor in the graph: an input, an initializer, or a node's result. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** Whether it is a sequence of such tensors. */
  readonly sequence?: true;
}

/** Bytes of a tensor inside a file: little-endian, row-major. */
export interface ExternalData {
  /** Path relative to the folder that the session is opened with. */
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** A constant of the graph: its bytes, or its place in a file. */
export interface Initializer {
  readonly value: Value;
  readonly data: Uint8Array | ExternalData;
  /** Whether it is written as an input with this default, which the runtime neither packs nor folds. */
  readonly kept?: boolean;
}

/** A node's attribute. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly graph: Graph };

/** An operator applied to inputs. A null input is an omitted optional one. */
export interface Node {
  readonly op: string;
  /** Empty for ONNX's own operators, `com.microsoft` for the runtime's, `ai.onnx.ml` for ONNX's trees. */
  readonly domain: string;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A whole graph, or the body of a loop (whose outer values are captured by name). */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly Node[];
  readonly initializers: readonly Initializer[];
}
