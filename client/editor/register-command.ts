/**
 * Registers commands; the only file that does, because VS Code shows a command's error in a notification, where it
 * could be a link.
 */
import { commands, type Disposable } from "vscode";
import { reason } from "../../base/reason.ts";
import { messageText } from "../../protocol/shown-text.ts";

/** Registers a command. */
export function registerCommand(id: string, run: (argument?: unknown) => unknown): Disposable {
  return commands.registerCommand(id, async (argument?: unknown) => {
    try {
      return await run(argument);
    } catch (error) {
      throw new Error(messageText(reason(error)));
    }
  });
}
