/** How long the panel's questions may take: by the bytes of what they name. */
import { stat } from "node:fs/promises";
import type { ServerQuestion } from "../../protocol/panel.ts";
import { resolveModel } from "../catalog/installed.ts";
import { folderBytes, placesOf } from "../catalog/store.ts";
import { readRecord } from "../runs/folder.ts";
import { QUESTION_DEADLINES } from "./deadlines.ts";

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
