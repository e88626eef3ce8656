/** The request of a run, stored beside its state so that the run can resume from its folder. */
import { join, resolve } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { type TrainRequest, trainRequestSchema } from "../../../protocol/train-request.ts";
import { DEFAULT_MODEL } from "../../catalog/installed.ts";
import { readRegularText } from "../../files/regular-file.ts";
import { STATE_FOLDER } from "./folder.ts";
import { writeText } from "./results/trained-model.ts";
import type { TrainRun } from "./run.ts";

/** The file of a run's request, inside the folder of its state. */
const REQUEST_FILE = "request.json";

/**
 * The request of a run that was stopped.
 * @throws ModelError "input" when there is none
 */
export async function readRequest(out: string): Promise<TrainRequest> {
  try {
    return trainRequestSchema.parse(JSON.parse(await readRegularText(join(out, STATE_FOLDER, REQUEST_FILE))));
  } catch (cause) {
    throw new ModelError("input", `${out} holds no run that was stopped. Name the --out folder of one.`, { cause });
  }
}

/** Writes the request of a run that begins, with the decisions made since. */
export async function writeRequest(
  request: TrainRequest,
  { base, out, method, reason, settings }: TrainRun,
): Promise<void> {
  const whole = {
    ...request,
    data: request.data === "-" ? "-" : resolve(request.data),
    base: lastingName(request.base, base),
    out,
    restart: false,
    method: method.kind,
    reason,
    checkpointing: settings.checkpointing,
  };
  await writeText(join(out, STATE_FOLDER, REQUEST_FILE), `${JSON.stringify(whole, null, 2)}\n`);
}

/** The base's folder if the request names it, otherwise the id: an update of Spanfill moves the models that ship. */
function lastingName(named: string | undefined, base: string): string {
  return named === undefined || resolve(named) !== base ? (named ?? DEFAULT_MODEL) : base;
}
