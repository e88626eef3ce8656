/** Tries the connection to a cluster that a person has named. */
import { connectionOf, createRayClient } from "../../cluster/ray/client.ts";

/** Longest time for an answer to somebody who waits. */
const DEADLINE_MS = 10_000;

/**
 * Asks a cluster for its version.
 * @param token "" for none; absent for the environment's
 * @returns a sentence on what answers, how fast, and what a run would send there
 * @throws ModelError "input" for an address that is none; "network" when the cluster does not answer as one
 */
export async function tryCluster(address: string, token?: string): Promise<string> {
  const environment = token === undefined ? process.env : { ...process.env, SPANFILL_CLUSTER_TOKEN: token };
  const client = await createRayClient({ ...connectionOf(address, environment), deadlineMs: DEADLINE_MS });
  try {
    await client.version(); // with the connection's setup, which later requests do not have
    const beganMs = performance.now();
    const version = await client.version();
    const ms = Math.max(1, Math.round(performance.now() - beganMs));
    return `Ray ${version} at ${client.host} answers in ${ms} ms${client.encrypted ? "" : ", not encrypted"}. A run sends it the examples as token ids, which decode to your text, the base model and the settings.`;
  } finally {
    await client.dispose();
  }
}
