/** Commands about the engine's process and what is remembered of its work. */
import { defined } from "../../../base/defined.ts";
import type { ForgetResult } from "../../../protocol/commands/reading.ts";
import type { EngineStatus } from "../../../protocol/requests.ts";
import { memoryOf } from "../../engine/process/process-memory.ts";
import type { Services } from "../services.ts";

/** The engine's state and the memory of its process. */
export async function status({ engine, settings }: Services): Promise<EngineStatus> {
  const now = engine.status(await settings.settingsFor());
  const memoryBytes = now.pid === undefined ? undefined : await memoryOf(now.pid);
  return { ...now, ...defined({ memoryBytes }) };
}

/**
 * Ends the engine's process, which holds only the model. Work under way fails: running it again would take the memory
 * again.
 */
export async function freeModelMemory(services: Services): Promise<EngineStatus> {
  await services.engine.restart(false);
  return status(services);
}

/** Ends the engine's process; work under way runs again in the next one. */
export async function restartEngine(services: Services): Promise<EngineStatus> {
  await services.engine.restart(true);
  return status(services);
}

/** Forgets the summaries that are remembered, in memory and on disk, and the words learned from the workspace. */
export async function forgetSummaries({ summaries, typing }: Services): Promise<ForgetResult> {
  typing.workspace.forget();
  return { forgotten: await summaries.clear() };
}
