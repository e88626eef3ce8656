/** Registers commands: the only file that does, because VS Code shows what one throws in a notification, where it may be a link. */
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
