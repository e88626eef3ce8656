/** A model on an inference server: the CPU takes its place while it fails, and gives it back when it is well again. */
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import { openModel } from "../../catalog/folder/open.ts";
import { readManifest } from "../../catalog/installed.ts";
import { type DeviceProbe, type OnFallback, plainReason } from "../device.ts";
import type { OnDevice } from "../runtime/on-device.ts";
import type { Runner } from "../search/runner.ts";
import { createInferenceClient } from "../wire/client.ts";
import type { ServerConnection } from "../wire/connection.ts";
import { modelSum } from "../wire/operations.ts";
import { openServerRunner } from "../wire/runner.ts";

/** A runner, and the configuration of its model. */
export interface ConfiguredRunner extends Runner {
  readonly config: T5Config;
}

/** Pauses before a server that failed is tried again; the last one repeats. */
const PAUSES_MS = [5000, 15_000, 60_000, 300_000] as const;

/** A model, and where it runs. */
export interface ServerModel {
  /** Undefined if none is set. */
  readonly connection: ServerConnection | undefined;
  readonly directory: string;
  readonly tokenizer: Promise<Tokenizer>;
  readonly openOnCpu: () => Promise<ConfiguredRunner>;
  readonly onFallback: OnFallback;
  readonly pausesMs?: readonly number[];
}

/**
 * Opens a model on the server, or else on the CPU. What fails on the server during its work is repeated from the
 * beginning on the CPU; the server is tried again in the background after a pause.
 * @throws what reading the folder, or opening on the CPU throws
 */
export async function openOnServer(model: ServerModel): Promise<OnDevice<ConfiguredRunner>> {
  const { openOnCpu, onFallback, pausesMs = PAUSES_MS } = model;
  let onServer: ConfiguredRunner | undefined;
  let onCpu: ConfiguredRunner | undefined;
  let failures = 0;
  let tryAgainMs = 0;
  let trying: Promise<void> | undefined;

  const lost = (error: ModelError) => {
    onServer?.dispose().catch(() => undefined);
    onServer = undefined;
    if (failures === 0) onFallback("server", plainReason(error.message));
    tryAgainMs = performance.now() + (pausesMs[Math.min(failures, pausesMs.length - 1)] ?? 0);
    failures += 1;
  };
  const connect = async () => {
    try {
      onServer = await connected(model);
      failures = 0;
    } catch (error) {
      if (!isServerFailure(error)) throw error;
      lost(error);
    }
  };
  const cpu = async () => {
    onCpu ??= await openOnCpu();
    return onCpu;
  };
  await connect();

  return {
    get device() {
      return onServer === undefined ? "cpu" : "server";
    },
    async use(work) {
      if (onServer === undefined && performance.now() >= tryAgainMs) {
        trying ??= connect()
          .catch(() => undefined)
          .finally(() => {
            trying = undefined;
          });
      }
      const remote = onServer;
      if (remote === undefined) return work(await cpu());
      try {
        return await work(remote);
      } catch (error) {
        if (!isServerFailure(error)) throw error;
        if (onServer === remote) lost(error);
        return work(await cpu());
      }
    },
    async dispose() {
      await trying;
      await Promise.all([onServer?.dispose(), onCpu?.dispose()]);
    },
  };
}

function isServerFailure(error: unknown): error is ModelError {
  return error instanceof ModelError && (error.code === "network" || error.code === "runtime");
}

async function connected({ connection, directory, tokenizer }: ServerModel): Promise<ConfiguredRunner> {
  if (connection === undefined) throw new ModelError("network", NO_SERVER);
  const { config } = await openModel(directory, "float");
  const { id } = readManifest(directory);
  const client = await createInferenceClient(connection);
  try {
    const runner = await openServerRunner(client, { id, config, sum: modelSum(await tokenizer, config) });
    return { ...runner, config };
  } catch (error) {
    await client.dispose();
    throw error;
  }
}

const NO_SERVER =
  "No server is set. Put its address into the setting spanfill.server.url, or into SPANFILL_SERVER where Spanfill is started";

/** Whether a server answers, and how fast. */
export async function probeServer(connection: ServerConnection | undefined): Promise<DeviceProbe> {
  if (connection === undefined) return { known: false };
  try {
    const client = await createInferenceClient(connection);
    try {
      const name = await client.about();
      const offered = await client.models();
      const beganMs = performance.now();
      await client.about();
      const ms = Math.ceil(performance.now() - beganMs);
      const models = offered.length === 0 ? "" : ` It offers ${offered.join(", ")}.`;
      const note = `${name} at ${client.host} answers in ${ms} ms.${models} Token ids, which decode to your text, are sent there.`;
      return { known: true, note };
    } finally {
      await client.dispose();
    }
  } catch (error) {
    return { known: true, failure: plainReason(reason(error)) };
  }
}
