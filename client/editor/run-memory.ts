/**
 * Remembers training runs across reloads of a window; separate from the panel, which is loaded only when there is a
 * run to follow.
 */
import type { ExtensionContext } from "vscode";

/** Workspace state: the ids of runs that were started in it and, as far as is known, have not ended. */
const STARTED = "spanfill.startedRuns";
/** Global state: whether a run was in progress. */
const GOING_ON = "spanfill.runsGoOn";

/** Whether there may be a run to follow. */
export function runsWentOn(context: ExtensionContext): boolean {
  return context.globalState.get(GOING_ON) === true || startedRuns(context).length > 0;
}

/** Remembers whether runs are in progress. */
export function rememberGoingOn({ globalState }: ExtensionContext, goOn: boolean): void {
  if ((globalState.get(GOING_ON) === true) !== goOn) void globalState.update(GOING_ON, goOn);
}

/** The runs that were started here and are still in progress. */
export function startedRuns({ workspaceState }: ExtensionContext): readonly string[] {
  return workspaceState.get<string[]>(STARTED) ?? [];
}

/** Remembers the runs that were started here and are still in progress. */
export function rememberStarted({ workspaceState }: ExtensionContext, ids: readonly string[]): Thenable<void> {
  return workspaceState.update(STARTED, ids);
}
