/** Requests of the operations as the tensors say them, checked: extents, ranges and limits. */
import { ModelError } from "../../models/errors.ts";
import type { T5Config } from "../../models/t5/config.ts";
import { longestNgram } from "../../models/t5/generation.ts";
import type { Operation } from "../engine/wire/operations.ts";
import type { WireTensor, WireTensors } from "../engine/wire/tensors.ts";

type Rows = readonly (readonly number[])[];

/** Token ids of each row's text, and what is to be computed of it. */
export type OperationRequest =
  | { readonly operation: "encode"; readonly inputs: Rows }
  | {
      readonly operation: "step";
      readonly inputs: Rows;
      /** As many for each input. */
      readonly tokens: Rows;
      readonly first: number;
      readonly shortlist: Shortlist | null;
    }
  | {
      readonly operation: "generate";
      readonly inputs: Rows;
      /** One for each input. */
      readonly tokens: Rows;
      readonly steps: number;
      readonly ngram: number;
      readonly banned: readonly number[];
      readonly stops: readonly number[];
      readonly shortlist: Shortlist | null;
      readonly bonuses: readonly number[] | null;
      /** Receives tokens as they are produced. */
      readonly onTokens?: (produced: Produced) => void;
    };

/** The tokens of rows, as many for each; padding follows a row's end. */
export interface Produced {
  readonly ids: WireTensor;
  readonly log_probabilities: WireTensor;
}

/** The ids to choose from; the first `common` of them are the same in many requests. */
export interface Shortlist {
  readonly ids: readonly number[];
  readonly common: number;
}

/** Extents that a request may have. */
const MOST = { batch: 64, tokens: 65_536, decoderRows: 64, positions: 4096, values: 64 * 1024 * 1024 } as const;

/**
 * Reads the request of an operation. Rows of a batch share all but their tokens.
 * @throws ModelError "input" naming the tensor
 */
export function readRequest(operation: Operation, tensors: WireTensors, config: T5Config): OperationRequest {
  const { vocabSize } = config;
  const inputs = readTexts(tensors, vocabSize);
  const batch = inputs.length;
  if (operation === "encode") return { operation, inputs };
  const of = operation === "step" ? 3 : 2;
  const { values, shape } = tensor(tensors, "tokens", of);
  const [rows, positions] = [operation === "step" ? (shape[1] ?? 0) : 1, shape.at(-1) ?? 0];
  if (shape[0] !== batch) throw wrong("tokens", `has ${shape[0]} rows, but input_ids has ${batch}`);
  if (rows < 1 || rows > MOST.decoderRows || positions < 1 || positions > MOST.positions)
    throw wrong("tokens", `has the shape [${shape}]; at most ${MOST.decoderRows} rows of ${MOST.positions} fit`);
  const tokens = rowsOf("tokens", values, rows * batch, positions, vocabSize);
  const shortlist = readShortlist(tensors, batch, vocabSize);
  if (operation === "step") {
    const first = scalar(tensors, "first", 0, positions - 1);
    const columns = shortlist?.ids.length ?? vocabSize;
    if (batch * rows * (positions - first) * columns > MOST.values)
      throw wrong("first", `asks for ${batch * rows * (positions - first)} rows of logits; ask for fewer at a time`);
    return { operation, inputs, tokens, first, shortlist };
  }
  const ngram = scalar(tensors, "ngram", 0, 2 ** 30);
  if (ngram > longestNgram && ngram !== 2 ** 30)
    throw wrong("ngram", `is ${ngram}; at most ${longestNgram} is possible`);
  return {
    ...{ operation, inputs, tokens, shortlist, ngram },
    steps: scalar(tensors, "steps", 1, MOST.positions - positions),
    banned: sharedIds(tensors, "banned", batch, vocabSize),
    stops: sharedIds(tensors, "stops", batch, vocabSize),
    bonuses: readBonuses(tensors, batch),
  };
}

/** The copy bias; null if it is none. */
function readBonuses(tensors: WireTensors, batch: number): readonly number[] | null {
  if (tensors["bonuses"] === undefined) return null;
  const bonuses = sharedRow("bonuses", tensor(tensors, "bonuses", 2), batch);
  return bonuses.every((bonus) => bonus === 0) ? null : bonuses;
}

/** Rows without their padding. */
function readTexts(tensors: WireTensors, vocabSize: number): number[][] {
  const ids = tensor(tensors, "input_ids", 2);
  const mask = tensor(tensors, "attention_mask", 2);
  const [batch = 0, length = 0] = ids.shape;
  if (batch < 1 || length < 1 || batch > MOST.batch || batch * length > MOST.tokens)
    throw wrong("input_ids", `has the shape [${ids.shape}]; at most ${MOST.batch} rows and ${MOST.tokens} tokens fit`);
  if (mask.shape.join() !== ids.shape.join())
    throw wrong("attention_mask", `has the shape [${mask.shape}], not that of input_ids`);
  return rowsOf("input_ids", ids.values, batch, length, vocabSize).map((row, i) => {
    const shown = mask.values.subarray(i * length, (i + 1) * length);
    const tokens = shown.indexOf(0) < 0 ? length : shown.indexOf(0);
    if (tokens === 0 || shown.subarray(0, tokens).some((each) => each !== 1) || shown.subarray(tokens).some(Boolean))
      throw wrong("attention_mask", "is not ones followed by zeros in each row, at least a one");
    return row.slice(0, tokens);
  });
}

function readShortlist(tensors: WireTensors, batch: number, vocabSize: number): Shortlist | null {
  if (tensors["candidates"] === undefined) return null;
  const ids = sharedRow("candidates", tensor(tensors, "candidates", 2), batch);
  if (ids.length === 1 && ids[0] === -1) return null; // the whole vocabulary
  if (ids.length === 0 || new Set(ids).size !== ids.length || !ids.every((id) => id >= 0 && id < vocabSize))
    throw wrong("candidates", `is not a list of different ids from 0 to ${vocabSize - 1}`);
  return { ids, common: scalar(tensors, "common", 1, ids.length) };
}

function tensor(tensors: WireTensors, name: string, axes: number): WireTensor {
  const found = tensors[name];
  if (found === undefined) throw wrong(name, "is missing");
  if (found.datatype !== (name === "bonuses" ? "FP32" : "INT32")) throw wrong(name, `is ${found.datatype}`);
  if (found.shape.length !== axes) throw wrong(name, `has ${found.shape.length} axes, not ${axes}`);
  return found;
}

function rowsOf(name: string, values: ArrayLike<number>, rows: number, length: number, vocabSize: number): number[][] {
  const list = Array.from(values);
  if (!list.every((id) => id >= 0 && id < vocabSize))
    throw wrong(name, `has values that are not token ids, which range from 0 to ${vocabSize - 1}`);
  return Array.from({ length: rows }, (_, row) => list.slice(row * length, (row + 1) * length));
}

/** The one value of a tensor [B, 1]. */
function scalar(tensors: WireTensors, name: string, least: number, most: number): number {
  const { values } = tensor(tensors, name, 2);
  const [value] = values;
  if (value === undefined || values.some((each) => each !== value)) throw wrong(name, "is not one value for all rows");
  if (value < least || value > most) throw wrong(name, `is ${value}; it ranges from ${least} to ${most}`);
  return value;
}

/** The ids of a tensor whose rows are equal, without the -1 that pads them. */
function sharedIds(tensors: WireTensors, name: string, batch: number, vocabSize: number): number[] {
  const ids = sharedRow(name, tensor(tensors, name, 2), batch).filter((id) => id !== -1);
  if (!ids.every((id) => id >= 0 && id < vocabSize)) throw wrong(name, "has values that are not token ids");
  return ids;
}

function sharedRow(name: string, { values, shape }: WireTensor, batch: number): number[] {
  const [rows = 0, width = 0] = shape;
  if (rows !== batch) throw wrong(name, `has ${rows} rows, but input_ids has ${batch}`);
  const row = Array.from(values.subarray(0, width));
  if (!Array.from(values).every((value, i) => value === row[i % width])) throw wrong(name, "has rows that differ");
  return row;
}

function wrong(name: string, why: string): ModelError {
  return new ModelError("input", `The tensor ${name} ${why}.`);
}
