/** How long each command and each question of the panel may take; loaded with the first of them. */
import { stat } from "node:fs/promises";
import * as z from "zod";
import type { CommandName } from "../../protocol/commands.ts";
import type { ServerQuestion } from "../../protocol/panel.ts";
import { resolveModel } from "../catalog/installed.ts";
import { folderBytes, placesOf } from "../catalog/store.ts";
import { readRecord } from "../runs/folder.ts";
import { DEADLINES } from "./deadlines.ts";

/** The text that a request works on, as far as its parameters tell. */
interface Size {
  readonly characters: number;
}

const { fills, reading, folder, lookup } = DEADLINES;
/** No text has more gaps than this, however they are marked. */
const anyFills = ({ characters }: Size) => fills(characters);
const anyReading = ({ characters }: Size) => reading(characters);
const oneFill = () => fills(1);
const quick = () => lookup;

/** Commands, by the size of their text or document; the work on a part of it has the time that suits the part. */
export const COMMAND_DEADLINES: { readonly [Name in CommandName]: (size: Size) => number } = {
  summarizeRange: anyReading,
  summarizeText: anyReading,
  summarizeFolder: () => folder,
  forgetSummaries: quick,
  fillGaps: anyFills,
  fillGapsInText: anyFills,
  rephrase: oneFill,
  writeField: anyReading,
  continueHere: oneFill,
  continueText: oneFill,
  explainSuggestion: oneFill,
  askRange: anyReading,
  classifyRange: anyReading,
  freeModelMemory: quick,
  restartEngine: quick,
  status: quick,
};

const SECOND = 1000;
/** Work on a model's files, which loads it or reads them all. */
const ofModel = (bytes: number) => (180 + bytes / 2e6) * SECOND;
/** An import: it is copied and opened by another process, which has limits too. */
const ofImport = (bytes: number) => (2000 + bytes / 2e6) * SECOND;
/** A few steps of training in two places; a cluster starts its workers first. */
const ofPace = (bytes: number) => (900 + bytes / 1e6) * SECOND;
/** Checks of training data and of a run's needs: what is read of them is bounded. */
const ofData = (bytes: number) => (120 + Math.min(bytes, 2e9) / 2e6) * SECOND;

/** The panel's questions, by the bytes of the model or the data that they name. */
export const QUESTION_DEADLINES: { readonly [Kind in ServerQuestion["kind"]]: (bytes: number) => number } = {
  models: quick,
  get: quick,
  stop: quick,
  remove: quick,
  verify: ofModel,
  import: ofImport,
  measure: ofModel,
  devices: () => 4 * DEADLINES.lookup,
  cluster: () => DEADLINES.lookup,
  pace: ofPace,
  generate: ofModel,
  runs: quick,
  run: quick,
  checkData: ofData,
  fit: ofData,
  startRun: quick,
  steerRun: quick,
  compareRun: ofModel,
  removeRun: quick,
};

/** Milliseconds that a command may take, by its text or that of the document which it names. */
export function commandDeadline(
  name: CommandName,
  argument: unknown,
  documentAt: (uri: string) => { readonly text: string } | undefined,
): number {
  const { text, uri } = sized.parse(argument ?? {});
  const characters = (text ?? (uri === undefined ? undefined : documentAt(uri)?.text) ?? "").length;
  return COMMAND_DEADLINES[name]({ characters });
}

const sized = z.object({ text: z.string().optional(), uri: z.string().optional() }).catch({});

/** Milliseconds that a question may take. */
export async function questionDeadline(question: ServerQuestion): Promise<number> {
  return QUESTION_DEADLINES[question.kind](await bytesBehind(question));
}

async function bytesBehind(question: ServerQuestion): Promise<number> {
  switch (question.kind) {
    case "verify":
    case "measure":
    case "generate":
      return modelBytes(question.id);
    case "import":
      return bytesOf(question.path);
    case "checkData":
    case "fit":
      return bytesOf(question.request.data);
    case "pace":
      return modelBytes(question.request.base);
    case "compareRun":
      return 2 * (await modelBytes((await readRecord(placesOf(), question.id))?.request.base ?? ""));
    default:
      return 0;
  }
}

async function modelBytes(id: string): Promise<number> {
  try {
    return await bytesOf(resolveModel(id));
  } catch {
    return 0; // the question is refused
  }
}

async function bytesOf(path: string): Promise<number> {
  const status = await stat(path).catch(() => undefined);
  return status?.isDirectory() ? folderBytes(path) : (status?.size ?? 0);
}
