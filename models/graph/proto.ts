/** Serializes graphs as ONNX ModelProtos, by protobufjs and ONNX's own schema (onnx.json, made from onnx-ml.proto). */
import protobuf from "protobufjs/light.js";
import schema from "./onnx.json" with { type: "json" };
import { type Attribute, elementTypes, type Graph, type Initializer, type Node, type Value } from "./types.ts";

/**
 * Returns the bytes of a graph's ModelProto. External data stays in its file; only its place is written.
 * @see onnx/onnx-ml.proto
 */
export function encodeModel(graph: Graph): Uint8Array {
  const model = {
    ir_version: 10,
    producer_name: "spanfill",
    opset_import: [
      { domain: "", version: 21 },
      { domain: "com.microsoft", version: 1 },
      ...(graph.nodes.some(({ domain }) => domain === "ai.onnx.ml") ? [{ domain: "ai.onnx.ml", version: 3 }] : []),
    ],
    graph: graphProto(graph),
  };
  return ModelProto.encode(model).finish();
}

/** TensorProto.DataLocation.EXTERNAL */
const EXTERNAL = 1;

const ModelProto = protobuf.Root.fromJSON(schema as protobuf.INamespace).lookupType("onnx.ModelProto");

function graphProto(graph: Graph): object {
  return {
    name: graph.name,
    node: graph.nodes.map(nodeProto),
    input: [...graph.inputs, ...graph.initializers.filter(({ kept }) => kept).map(({ value }) => value)].map(
      valueProto,
    ),
    output: graph.outputs.map(valueProto),
    initializer: graph.initializers.map(tensorProto),
  };
}

function nodeProto(node: Node): object {
  return {
    op_type: node.op,
    domain: node.domain,
    name: node.outputs[0]?.name ?? node.op,
    input: node.inputs.map((input) => input?.name ?? ""),
    output: node.outputs.map((output) => output.name),
    attribute: Object.entries(node.attributes).map(([name, attribute]) => ({ name, ...attributeProto(attribute) })),
  };
}

/** The fields of an attribute. `type` is AttributeProto.AttributeType, which must agree with the field that is set. */
function attributeProto(attribute: Attribute): object {
  if ("int" in attribute) return { type: 2, i: attribute.int };
  if ("float" in attribute) return { type: 1, f: attribute.float };
  if ("string" in attribute) return { type: 3, s: new TextEncoder().encode(attribute.string) };
  if ("floats" in attribute) return { type: 6, floats: attribute.floats };
  if ("ints" in attribute) return { type: 7, ints: attribute.ints };
  if ("strings" in attribute) {
    return { type: 8, strings: attribute.strings.map((text) => new TextEncoder().encode(text)) };
  }
  return { type: 5, g: graphProto(attribute.graph) };
}

function valueProto(value: Value): object {
  const dim = value.shape.map((extent) => (typeof extent === "number" ? { dim_value: extent } : { dim_param: extent }));
  const tensor = { tensor_type: { elem_type: elementTypes[value.dtype], shape: { dim } } };
  return { name: value.name, type: value.sequence ? { sequence_type: { elem_type: tensor } } : tensor };
}

function tensorProto({ value, data }: Initializer): object {
  const tensor = { name: value.name, data_type: elementTypes[value.dtype], dims: value.shape };
  if (data instanceof Uint8Array) return { ...tensor, raw_data: data };
  return {
    ...tensor,
    data_location: EXTERNAL,
    external_data: [
      { key: "location", value: data.path },
      { key: "offset", value: String(data.offset) },
      { key: "length", value: String(data.length) },
    ],
  };
}
