/**
 * The messages of the protocol's gRPC service, by protobufjs and the protocol's own schema (open-inference.json, made
 * from open_inference_grpc.proto, with the index and the stream of Triton's extensions).
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/open_inference_grpc.proto
 */
import protobuf from "protobufjs/light.js";
import * as z from "zod";
import { invalid, readTensor, type WireTensors } from "../tensors.ts";
import schema from "./open-inference.json" with { type: "json" };

/** Calls of the service, with the names of the messages that are sent and received. */
export const METHODS = {
  ServerLive: ["ServerLiveRequest", "ServerLiveResponse"],
  ServerReady: ["ServerReadyRequest", "ServerReadyResponse"],
  ModelReady: ["ModelReadyRequest", "ModelReadyResponse"],
  ServerMetadata: ["ServerMetadataRequest", "ServerMetadataResponse"],
  ModelMetadata: ["ModelMetadataRequest", "ModelMetadataResponse"],
  RepositoryIndex: ["RepositoryIndexRequest", "RepositoryIndexResponse"],
  ModelInfer: ["ModelInferRequest", "ModelInferResponse"],
  ModelStreamInfer: ["ModelInferRequest", "ModelStreamInferResponse"],
} as const;
export type Method = keyof typeof METHODS;

/** The path of a call. */
export function pathOf(method: Method): string {
  return `/inference.GRPCInferenceService/${method}`;
}

const root = protobuf.Root.fromJSON(schema as protobuf.INamespace);
const typeOf = (name: string) => root.lookupType(`inference.${name}`);

/** Writes a message. @param name of a request or an answer */
export function encodeMessage(name: string, message: object): Buffer {
  const type = typeOf(name);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

/** Reads a message; all its members are there. @throws ModelError "input" when it is not one */
export function decodeMessage(name: string, bytes: Uint8Array): unknown {
  const type = typeOf(name);
  try {
    return type.toObject(type.decode(bytes), { longs: Number, defaults: true, arrays: true, objects: true });
  } catch {
    throw invalid(`it is not a ${name}`);
  }
}

const tensor = z.looseObject({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.int().nonnegative()).max(8),
  contents: z.looseObject({ int_contents: z.array(z.number()), fp32_contents: z.array(z.number()) }).nullish(),
});
const raw = z.array(z.custom<Uint8Array>((value) => value instanceof Uint8Array)).max(32);

/** A request for an inference. */
export const inferRequestSchema = z.looseObject({
  ...{ model_name: z.string(), model_version: z.string(), id: z.string().max(200) },
  inputs: z.array(tensor).max(32),
  outputs: z.array(z.looseObject({ name: z.string() })).max(32),
  raw_input_contents: raw,
});

/** The answer to a request for an inference. */
export const inferResponseSchema = z.looseObject({ outputs: z.array(tensor).max(32), raw_output_contents: raw });

/**
 * Reads tensors, from raw bytes if there are any, and else from the typed contents.
 * @throws ModelError "input" when they are not valid
 */
export function tensorsOf(listed: readonly z.output<typeof tensor>[], bytes: readonly Uint8Array[]): WireTensors {
  if (bytes.length > 0 && bytes.length !== listed.length)
    throw invalid(`it has ${listed.length} tensors, but the bytes of ${bytes.length}`);
  return Object.fromEntries(
    listed.map(({ name, datatype, shape, contents }, i) => {
      const data = (datatype === "FP32" ? contents?.fp32_contents : contents?.int_contents) ?? [];
      return [name, readTensor({ name, datatype, shape, data }, bytes[i])];
    }),
  );
}

/** Tensors as a message lists them, and their bytes, in the same order. */
export function listedTensors(tensors: WireTensors) {
  const entries = Object.entries(tensors);
  return {
    listed: entries.map(([name, { datatype, shape }]) => ({ name, datatype, shape })),
    raw: entries.map(([, { values }]) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  };
}
