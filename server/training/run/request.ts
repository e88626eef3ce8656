/** The request of a run, kept beside its state so that it can go on without being described again. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { type TrainRequest, trainRequestSchema } from "../../../protocol/train-request.ts";
import { STATE_FOLDER } from "./folder.ts";

/** The file of a run's request, inside the folder of its state. */
export const REQUEST_FILE = "request.json";

/**
 * The request of a run that was stopped.
 * @throws ModelError "input" when there is none
 */
export async function readRequest(out: string): Promise<TrainRequest> {
  try {
    return trainRequestSchema.parse(JSON.parse(await readFile(join(out, STATE_FOLDER, REQUEST_FILE), "utf8")));
  } catch (cause) {
    throw new ModelError("input", `${out} holds no run that was stopped. Name the --out folder of one.`, { cause });
  }
}
