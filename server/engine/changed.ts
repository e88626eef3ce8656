/** Repeats work on a model whose files change while it runs, so that the current files answer. */
import { ModelError } from "../../models/errors.ts";

/**
 * Runs work that checks a model's files as it begins, and repeats it if they changed in the meantime.
 * @throws what the work throws; ModelError "changed" if the files keep changing
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

/** A training run writes four files, one after another. */
const MOST_REPETITIONS = 4;
