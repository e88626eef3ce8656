/**
 * Tensors as the Open Inference Protocol (version 2, REST) carries them: numbers in JSON, or bytes behind it by the
 * binary tensor extension.
 * @see https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
 */
import * as z from "zod";
import { ModelError } from "../../../models/errors.ts";

/** A tensor of one of the two types that the operations use. */
export type WireTensor =
  | { readonly datatype: "INT32"; readonly shape: readonly number[]; readonly values: Int32Array }
  | { readonly datatype: "FP32"; readonly shape: readonly number[]; readonly values: Float32Array };

/** Tensors by name. */
export type WireTensors = Readonly<Record<string, WireTensor>>;

/** A message's bytes, and how many of them are its JSON; undefined if all are. */
export interface WireBody {
  readonly body: Uint8Array;
  readonly headerLength: number | undefined;
}

/** The header that says how many bytes of a body are JSON. */
export const LENGTH_HEADER = "inference-header-content-length";

/** The name of the binary tensor extension in a server's metadata. */
export const BINARY_EXTENSION = "binary_tensor_data";

/** Returns an INT32 tensor. */
export function wholeNumbers(shape: readonly number[], values: ArrayLike<number>): WireTensor {
  return { datatype: "INT32", shape, values: Int32Array.from(values) };
}

/** Returns an FP32 tensor. */
export function floats(shape: readonly number[], values: Float32Array): WireTensor {
  return { datatype: "FP32", shape, values };
}

/**
 * Writes a message with tensors.
 * @param key the member of the JSON that lists them
 * @param binary whether their values follow the JSON as little-endian bytes
 */
export function packTensors(
  key: "inputs" | "outputs",
  tensors: WireTensors,
  message: object,
  binary: boolean,
): WireBody {
  const entries = Object.entries(tensors);
  const listed = entries.map(([name, { datatype, shape, values }]) => ({
    ...{ name, datatype, shape },
    ...(binary ? { parameters: { binary_data_size: values.byteLength } } : { data: [...values] }),
  }));
  const json = Buffer.from(JSON.stringify({ ...message, [key]: listed }));
  if (!binary) return { body: json, headerLength: undefined };
  const bytes = entries.map(([, { values }]) => Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  return { body: Buffer.concat([json, ...bytes]), headerLength: json.length };
}

const listed = z.object({
  name: z.string(),
  shape: z.array(z.int().nonnegative()).max(8),
  datatype: z.string(),
  data: z.unknown().optional(),
  parameters: z.looseObject({ binary_data_size: z.int().nonnegative().optional() }).nullish(),
});

/** The members of a request beside its tensors. */
const messageSchema = z.looseObject({
  id: z.string().max(200).optional(),
  inputs: z.array(listed).max(32).optional(),
  outputs: z
    .array(z.looseObject({ name: z.string(), parameters: z.looseObject({}).optional() }))
    .max(32)
    .optional(),
  parameters: z.looseObject({}).optional(),
});

/** A message, with the tensors under `key`. */
export interface Unpacked {
  readonly message: z.output<typeof messageSchema>;
  readonly tensors: WireTensors;
}

/**
 * Reads a message with tensors. Errors name tensors and shapes, never values.
 * @throws ModelError "input" when it is not valid
 */
export function unpackTensors(key: "inputs" | "outputs", { body, headerLength }: WireBody): Unpacked {
  if (headerLength !== undefined && (!Number.isSafeInteger(headerLength) || headerLength < 0))
    throw invalid(`the header ${LENGTH_HEADER} is not a number of bytes`);
  if (headerLength !== undefined && headerLength > body.length)
    throw invalid(`it ends after ${body.length} bytes, but its JSON has ${headerLength}`);
  const json = Buffer.from(body.buffer, body.byteOffset, headerLength ?? body.length).toString("utf8");
  const message = messageSchema.safeParse(parsed(json));
  if (!message.success) throw invalid(`its JSON does not have the protocol's form (${place(message.error)})`);
  const list = z.array(listed).max(32).safeParse(message.data[key]);
  if (!list.success) throw invalid(`it lists no ${key}`);
  const tensors: Record<string, WireTensor> = {};
  let at = headerLength ?? body.length;
  for (const entry of list.data) {
    const size = entry.parameters?.binary_data_size;
    if (size !== undefined && at + size > body.length)
      throw invalid(`it ends after ${body.length} bytes, before the end of ${shown(entry.name)}`);
    tensors[entry.name] = readTensor(entry, size === undefined ? undefined : body.subarray(at, at + size));
    at += size ?? 0;
  }
  if (at < body.length) throw invalid(`${body.length - at} bytes follow its last tensor`);
  return { message: message.data, tensors };
}

/** The largest tensor, 256 MB. */
const MOST_VALUES = 64 * 1024 * 1024;

/**
 * Reads a tensor, from its bytes (little-endian) or else its data.
 * @throws ModelError "input" when it is not valid
 */
export function readTensor(
  { name, shape, datatype, data }: z.output<typeof listed>,
  bytes: Uint8Array | undefined,
): WireTensor {
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (datatype !== "INT32" && datatype !== "FP32")
    throw invalid(`${shown(name)} is ${shown(datatype)}; only INT32 and FP32 are used`);
  if (count > MOST_VALUES) throw invalid(`${shown(name)} has ${count} values, more than ${MOST_VALUES}`);
  const values = bytes === undefined ? flat(data) : ofBytes(name, bytes, datatype);
  if (values.length !== count)
    throw invalid(`${shown(name)} has ${values.length} values, but its shape [${shape}] has ${count}`);
  if (datatype === "FP32") return floats(shape, Float32Array.from(values));
  if (!values.every((value) => Number.isInteger(value) && Math.abs(value) < 2 ** 31))
    throw invalid(`${shown(name)} has values that are not whole numbers of 32 bits`);
  return wholeNumbers(shape, values);
}

function ofBytes(name: string, bytes: Uint8Array, datatype: "INT32" | "FP32"): Int32Array | Float32Array {
  if (bytes.length % 4 !== 0) throw invalid(`${shown(name)} has ${bytes.length} bytes, not a multiple of 4`);
  const aligned = new Uint8Array(bytes).buffer; // a Buffer's slice would share its memory
  return datatype === "INT32" ? new Int32Array(aligned) : new Float32Array(aligned);
}

/** The numbers of arrays of any depth, row by row. */
function flat(data: unknown): number[] {
  if (!Array.isArray(data)) throw invalid("a tensor has neither data nor bytes");
  const numbers: unknown[] = data.flat(7);
  if (!numbers.every((value) => typeof value === "number")) throw invalid("a tensor's data are not numbers");
  return numbers;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw invalid("its JSON cannot be parsed");
  }
}

/** The path of the first problem; zod's messages might quote values. */
function place({ issues }: z.ZodError): string {
  return shown(issues[0]?.path.join(".") || "the whole");
}

function shown(name: string): string {
  return name.slice(0, 40).replace(/[^\w .-]/g, "?");
}

/** An error of a message; the reason names tensors and shapes, never values. */
export function invalid(why: string): ModelError {
  return new ModelError("input", `A message with tensors is not valid: ${why}.`);
}
