/** Messages between the engine's parent and its child process; each is validated on arrival. */
import * as z from "zod";
import type { SpanWindow } from "../../../models/tokenizer/window.ts";
import type { ImportTask, OpenedImport } from "../../catalog/import-task.ts";
import { DEVICES, type DeviceProbe } from "../device.ts";
import type {
  Filling,
  FillRequest,
  GenerateRequest,
  Generation,
  InputPart,
  ModelInfo,
  ModelReference,
  TargetScore,
  WordChances,
  WordChancesRequest,
} from "../engine.ts";

const id = z.int().nonnegative();
const ids = z.array(z.int());
const lists = <T extends z.ZodType>(item: T) => z.array(item).readonly();
/**
 * Structured data from our own process: only its outer shape is validated, since its content was typed when it was
 * sent.
 */
const shaped = <T extends object>() => z.custom<T>((value) => typeof value === "object" && value !== null);

const floats = z.custom<Float32Array>((value) => value instanceof Float32Array);

const reference: z.ZodType<ModelReference> = z.object({
  directory: z.string(),
  adapter: z.string().exactOptional(),
  precision: z.enum(["int8", "float32"]),
  threads: z.int().positive().exactOptional(),
  device: z.enum(DEVICES).exactOptional(),
  identity: z.string().exactOptional(),
});

const part: z.ZodType<InputPart> = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("text"),
    text: z.string(),
    continues: z.boolean().exactOptional(),
    special: z.boolean().exactOptional(),
  }),
  z.object({ kind: z.literal("sentinel"), index: z.int().nonnegative() }),
  z.object({ kind: z.literal("token"), id: z.int().nonnegative() }),
]);

/** A call, sent from the parent to the child; it names its model, which the child loads if necessary. */
const callSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("load"), id, model: reference }),
  z.object({
    ...{ type: z.literal("encode"), id, model: reference, parts: lists(part) },
    maxTokens: z.number().optional(),
  }),
  z.object({ type: z.literal("encodeAll"), id, model: reference, texts: lists(z.string()) }),
  z.object({ type: z.literal("decode"), id, model: reference, ids }),
  z.object({
    type: z.literal("generate"),
    id,
    model: reference,
    // The engine validates a request's values: they come from people, and its messages are better.
    request: shaped<GenerateRequest>(),
    /** Whether to send `tokens` messages. */
    stream: z.boolean(),
  }),
  z.object({ type: z.literal("encodeWindow"), id, model: reference, window: shaped<SpanWindow>() }),
  z.object({ type: z.literal("fill"), id, model: reference, request: shaped<FillRequest>() }),
  z.object({ type: z.literal("wordChances"), id, model: reference, request: shaped<WordChancesRequest>() }),
  z.object({ type: z.literal("score"), id, model: reference, input: ids, target: ids }),
  z.object({ type: z.literal("rank"), id, model: reference, features: floats }),
  /** Checks whether a device works; needs no model. */
  z.object({ type: z.literal("probe"), id, device: z.enum(DEVICES) }),
  /** Opens a model that is imported. */
  z.object({ type: z.literal("open"), id, task: shaped<ImportTask>() }),
]);

/** Sent from the parent to the child: a call, or a request to stop call `id`. */
export const toChildSchema = z.union([callSchema, z.object({ type: z.literal("cancel"), id })]);

/** The code of a ModelError. */
export const errorCode = z.enum([
  "config",
  "checkpoint",
  "tokenizer",
  "shape",
  "input",
  "task",
  "memory",
  "runtime",
  "changed",
  "process",
  "network",
  "storage",
]);

/**
 * Sent from the child to the parent: a sign of life during calls, tokens so far, a call's result or failure, or the
 * failure of a device.
 */
export const toParentSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("alive") }),
  z.object({ type: z.literal("tokens"), id, ids, text: z.string() }),
  z.object({ type: z.literal("result"), id, value: z.unknown() }),
  z.object({ type: z.literal("failed"), id, code: errorCode, message: z.string() }),
  z.object({ type: z.literal("fellBack"), device: z.enum(DEVICES), why: z.string() }),
]);

/** The value of a `result`, by the call's type. */
export const resultSchemas = {
  load: shaped<ModelInfo>(),
  encode: ids,
  encodeAll: z.array(ids),
  decode: z.string(),
  generate: z.custom<Generation>(
    (value) => shaped<Generation>().safeParse(value).success && "sequences" in Object(value),
  ),
  encodeWindow: ids,
  fill: z.custom<Filling>((value) => shaped<Filling>().safeParse(value).success && "sequences" in Object(value)),
  wordChances: z.custom<WordChances>(
    (value) => shaped<WordChances>().safeParse(value).success && "words" in Object(value),
  ),
  score: z.custom<TargetScore>(
    (value) => shaped<TargetScore>().safeParse(value).success && "logProbs" in Object(value),
  ),
  rank: floats,
  probe: shaped<DeviceProbe>(),
  open: shaped<OpenedImport>(),
} as const;

export type Call = z.output<typeof callSchema>;
export type ToChild = z.output<typeof toChildSchema>;
export type ToParent = z.output<typeof toParentSchema>;
/** The result of a call, by type. */
export type Result<T extends Call["type"]> = z.output<(typeof resultSchemas)[T]>;
