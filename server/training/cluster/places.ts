/** The places where a run's steps may be computed, by the names that --on takes. */
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import type { TrainRequest } from "../../../protocol/train-request.ts";
import type { TrainRun } from "../run/run.ts";
import type { Place } from "./train-on.ts";

/** Steps between two saved states. */
const SAVE_EVERY = 100;

/** The folder of a cluster of one machine. */
const STORAGE = "~/spanfill-runs";

/** The place that a request names. @throws ModelError "input" when there is no such place */
export function placeOfRun(
  { workers = 1, arithmetic = undefined, saveEvery = SAVE_EVERY, storage = STORAGE }: TrainRequest,
  on: string,
  { settings: { threads } }: TrainRun,
): Place {
  const common = { saveEvery, arithmetic: arithmetic ?? ("auto" as const) };
  const [, program] = /^torchrun(?::(.+))?$/s.exec(on) ?? [];
  if (on === "torchrun" || program !== undefined) {
    return {
      ...common,
      async open(state, job) {
        const { torchrunWorkers } = await import("../../cluster/torchrun.ts");
        const out = join(state, "workers");
        return torchrunWorkers({ program: program ?? "torchrun", processes: workers, threads, job, out });
      },
    };
  }
  if (/^ray(\+https)?:/.test(on)) {
    return {
      ...common,
      async open(state, job, files) {
        const [{ connectionOf, createRayClient }, { rayWorkers }] = await Promise.all([
          import("../../cluster/ray/client.ts"),
          import("../../cluster/ray/workers.ts"),
        ]);
        const client = await createRayClient(connectionOf(on, process.env));
        return rayWorkers({ client, workers, threads, storage, state, job, ...files });
      },
    };
  }
  throw new ModelError(
    "input",
    `--on ${on} is not a place to train. Give torchrun, torchrun:/path/to/torchrun, or ray://HOST.`,
  );
}
