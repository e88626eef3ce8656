/** What to do when a model's files are changed while it is asked: ask the model that is there now. */
import { ModelError } from "../../models/errors.ts";

/**
 * Runs work that looks at a model's files as it begins, and again where they were changed under it.
 * @throws what the work throws; ModelError "changed" where the files go on changing
 */
export async function repeatChanged<T>(work: () => Promise<T>): Promise<T> {
  for (let left = MOST_REPETITIONS; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left === 0 || !(error instanceof ModelError) || error.code !== "changed") throw error;
    }
  }
}

/** A training run writes four files, one after the other. */
const MOST_REPETITIONS = 4;
