/** How fast a run would be where its steps are to be computed, beside this machine. */
import { lstat, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defined } from "../../../base/defined.ts";
import { ModelError } from "../../../models/errors.ts";
import { seededRandom } from "../../../models/random.ts";
import type { Pace } from "../../../protocol/runs.ts";
import { type TrainRequest, trainRequestSchema } from "../../../protocol/train-request.ts";
import { isSame, removeOwn } from "../../files/removal.ts";
import { runTraining } from "../run/start.ts";

const STEPS = 5;
const [WORDS_IN, WORDS_OUT] = [130, 24];
const WORDS = "the of a to in and is for that on with it as be this are by from or an model text file".split(" ");

/**
 * Trains a run's base for a few steps on words without a meaning, where the run would be computed and here, with its
 * method, batches and workers. Nothing of the run's data is read or sent, and nothing is kept; where it is
 * interrupted, a cluster's folder stays, as of a run that is abandoned.
 * @throws ModelError "input" for a run that is computed here, and what such runs throw
 */
export async function measurePace(request: TrainRequest, signal: AbortSignal): Promise<Pace> {
  const { on, workers = 1 } = request;
  if (on === undefined)
    throw new ModelError("input", "The run is computed on this machine. Name another place, such as ray://HOST.");
  const folder = await mkdtemp(join(tmpdir(), "spanfill-pace-"));
  const isOurs = isSame(await lstat(folder, { bigint: true }));
  try {
    const data = join(folder, "pairs.jsonl");
    await writeFile(data, pairs(request.batchSize));
    const measure = async (name: string, place: Partial<TrainRequest>) => {
      const beganMs = performance.now();
      let startMs = 0;
      const onEvent = ({ type }: { readonly type: string }) => {
        if (type === "step" && startMs === 0) startMs = performance.now() - beganMs;
      };
      const run = trainRequestSchema.parse({ ...small(request), ...place, data, out: join(folder, name) });
      const { tokensPerSecond } = await runTraining(run, { signal, onEvent });
      signal.throwIfAborted();
      return { tokensPerSecond: Math.round(tokensPerSecond), firstStepSeconds: Math.round(startMs / 1000) };
    };
    const { storage, arithmetic } = request;
    const there = await measure("there", defined({ on, workers, storage, arithmetic }));
    return { on, workers, there, here: await measure("here", {}) };
  } finally {
    await removeOwn(folder, tmpdir(), isOurs);
  }
}

/** A request of one epoch with what decides the work of a step. */
function small({ base, method = "full", optimizer, batchSize, maxBatchTokens, threads, checkpointing }: TrainRequest) {
  const given = defined({ base, optimizer, threads, checkpointing });
  return { ...given, method, batchSize, maxBatchTokens, task: "summarize", epochs: 1, judged: 1 };
}

/** Rows for as many steps as are measured, and for what is kept out of them. */
function pairs(batchSize: number): string {
  const random = seededRandom(1);
  const words = (count: number) =>
    Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)]).join(" ");
  const row = () => `${JSON.stringify({ text: words(WORDS_IN), summary: words(WORDS_OUT) })}\n`;
  return Array.from({ length: Math.ceil((STEPS * batchSize) / 0.9) }, row).join("");
}
