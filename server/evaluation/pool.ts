/**
 * A model in several single-threaded processes: twice the throughput of one process with all threads, and the same
 * outputs.
 */
import { availableParallelism } from "node:os";
import { ModelError } from "../../models/errors.ts";
import type { LoadedModel, ModelInfo } from "../engine/engine.ts";
import { createRemoteEngine } from "../engine/process/remote.ts";
import type { ModelOptions } from "../open-model.ts";
import { deviceOf, namedParts, tellFallback } from "../open-model.ts";

/** Which model, and how many processes; `threads` is an older name of `processes`. */
export interface PoolOptions extends ModelOptions {
  readonly processes?: number;
}

/** A loaded model that works on several items at once. */
export interface ModelPool extends AsyncDisposable {
  readonly info: ModelInfo;
  /**
   * Does work on each item.
   * @param options `onDone` is called after each item with the number of finished items
   * @returns the results, in the items' order
   * @throws the signal's reason when it aborts; ModelError, with the item's row if its input was refused
   */
  map<T extends { readonly row: number }, R>(
    items: readonly T[],
    work: (model: LoadedModel, item: T) => Promise<R>,
    { signal, onDone }: { readonly signal: AbortSignal; readonly onDone: (done: number) => void },
  ): Promise<R[]>;
}

/**
 * Loads the model that --model names into as many processes as --processes says; by default one for each core, at most
 * 8.
 * @throws ModelError when it is not there or cannot be loaded
 */
export async function openPool(options: PoolOptions): Promise<ModelPool> {
  const parts = namedParts(options);
  const count = options.processes ?? options.threads ?? Math.min(availableParallelism(), 8);
  const engines = Array.from({ length: count }, () => createRemoteEngine({ onFallback: tellFallback }));
  const device = await deviceOf(options, parts.directory);
  const dispose = async () => {
    await Promise.all(engines.map((engine) => engine.dispose()));
  };
  try {
    const load = (at: number) => engines[at]?.load({ ...parts, precision: options.precision, device, threads: 1 });
    // The first one separately: if weights must be quantized first, it writes the file that the others then read.
    const first = await load(0);
    if (first === undefined) throw new RangeError("a pool of no processes");
    const others = await Promise.all(engines.slice(1).map((_, i) => load(i + 1)));
    const models = [first, ...others.filter((model) => model !== undefined)];
    return {
      info: first.info,
      map: (items, work, options) => mapWith(models, items, work, options),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function mapWith<T extends { readonly row: number }, R>(
  models: readonly LoadedModel[],
  items: readonly T[],
  work: (model: LoadedModel, item: T) => Promise<R>,
  { signal, onDone }: { readonly signal: AbortSignal; readonly onDone: (done: number) => void },
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  let done = 0;
  const serve = async (model: LoadedModel): Promise<void> => {
    for (const [i, item] of queue) {
      signal.throwIfAborted();
      try {
        results[i] = await work(model, item);
      } catch (error) {
        if (!(error instanceof ModelError) || error.code !== "input") throw error;
        throw new ModelError("input", `Row ${item.row}: ${error.message}`, { cause: error });
      }
      signal.throwIfAborted(); // the output of a cancelled call is not a result
      onDone(++done);
    }
  };
  await Promise.all(models.map(serve));
  return results;
}
