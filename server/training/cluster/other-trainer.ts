/** Refuses to go on with a run that another trainer has begun. Loaded only where a run was stopped. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { hasState } from "../run/state.ts";

/** The job of a run that other processes compute, in the folder of its state. */
export const JOB_FOLDER = "job";

/**
 * Checks that a stopped run goes on as it began.
 * @param elsewhere whether other processes compute it
 * @throws ModelError "input"
 */
export async function checkTrainer(out: string, state: string, elsewhere: boolean): Promise<void> {
  if (!(elsewhere ? await hasState(state) : existsSync(join(state, JOB_FOLDER)))) return;
  const there = elsewhere ? "in Spanfill's own trainer" : "with --on";
  throw new ModelError(
    "input",
    `${out} holds an unfinished run that began ${there}. Go on with --resume, give --restart to begin anew, or another --out.`,
  );
}
