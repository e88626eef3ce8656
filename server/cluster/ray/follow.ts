/** Follows a job of a Ray cluster until it has ended. */
import { setTimeout as wait } from "node:timers/promises";
import { ModelError } from "../../../models/errors.ts";
import { eventOf, LastWords } from "../workers.ts";
import type { RayClient } from "./client.ts";

/** How long a cluster may be out of reach while a job runs there. */
const MOST_SILENCE_MS = 5 * 60_000;
const LOOK_MS = 1000;
/** Looking takes at most this share of the time: each look reads the whole log. */
const LOOK_SHARE = 4;

/**
 * Reports a job's events until it has ended.
 * @param stop asks the job to save and end
 * @param again says how the job can be gone on with, for messages
 * @throws ModelError "process" when it failed, with its last words; "network" when it is out of reach for long
 */
export async function followJob(
  client: RayClient,
  id: string,
  onEvent: (event: unknown) => void,
  stop?: AbortSignal,
  again = "Resume the run.",
): Promise<void> {
  const words = new LastWords();
  let [read, stopped, answeredMs] = [0, false, performance.now()];
  for (;;) {
    const beganMs = performance.now();
    try {
      if (stop?.aborted && !stopped) {
        await client.stop(id);
        stopped = true;
      }
      const status = await client.status(id);
      if (status === undefined)
        throw new ModelError("process", `${client.host} no longer knows the job ${id}. ${again}`);
      const ended = !["PENDING", "RUNNING"].includes(status.status);
      const logs = status.status === "PENDING" ? "" : await client.logs(id);
      const complete = ended ? logs.length : logs.lastIndexOf("\n") + 1;
      for (const line of logs.slice(read, complete).split("\n")) {
        const event = eventOf(line);
        if (event === undefined) words.add(line);
        else onEvent(event);
      }
      read = Math.max(read, complete);
      answeredMs = performance.now();
      if (status.status === "FAILED") throw failure(client, words.reason || (status.message ?? ""), again);
      if (ended) return;
    } catch (error) {
      if (!(error instanceof ModelError) || error.code !== "network") throw error;
      if (performance.now() - answeredMs > MOST_SILENCE_MS) throw error;
    }
    const tookMs = performance.now() - beganMs;
    await wait(Math.max(LOOK_MS, (LOOK_SHARE - 1) * tookMs), undefined, { signal: stopped ? undefined : stop }).catch(
      () => undefined, // the order to stop
    );
  }
}

function failure({ host }: RayClient, words: string, again: string): ModelError {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Ray colors its lines.
  const plain = words.replace(/\x1b\[[\d;]*m/g, "");
  return new ModelError(
    "process",
    `The job on ${host} failed: ${plain}. Correct what it names (the log is in Ray's dashboard). ${again}`,
  );
}
