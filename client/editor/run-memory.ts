/** What a window remembers of training runs over reloads; apart from the panel, which is read only when there is something to follow. */
import type { ExtensionContext } from "vscode";

/** Of a workspace: the ids of the runs that were started in it and have not ended as far as is known. */
const STARTED = "spanfill.startedRuns";
/** Of all windows: whether a run was going on. */
const GOING_ON = "spanfill.runsGoOn";

/** Whether there may be something to follow. */
export function runsWentOn(context: ExtensionContext): boolean {
  return context.globalState.get(GOING_ON) === true || startedRuns(context).length > 0;
}

/** Remembers whether runs go on. */
export function rememberGoingOn({ globalState }: ExtensionContext, goOn: boolean): void {
  if ((globalState.get(GOING_ON) === true) !== goOn) void globalState.update(GOING_ON, goOn);
}

/** The runs that were started here and go on. */
export function startedRuns({ workspaceState }: ExtensionContext): readonly string[] {
  return workspaceState.get<string[]>(STARTED) ?? [];
}

/** Remembers the runs that were started here and go on. */
export function rememberStarted({ workspaceState }: ExtensionContext, ids: readonly string[]): Thenable<void> {
  return workspaceState.update(STARTED, ids);
}
