/**
 * `spanfill launch`, hidden: the language server's way to start a run that goes on when the server and its parents have
 * ended.
 */
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { Command } from "commander";
import { runCommand } from "./terminal.ts";

/**
 * The command. It starts another one, prints its process id and ends at once, so that the other is nobody's child: what
 * ends a process together with its children, as editors do, does not find it.
 */
export function launchCommand(): Command {
  return new Command("launch")
    .argument("<folder>", "the working folder of the command")
    .argument("<events>", "a file that its standard output is added to")
    .argument("<errors>", "a new file of its errors")
    .argument("<command...>", "the command with its options")
    .allowUnknownOption()
    .action((cwd: string, events: string, errors: string, args: readonly string[]) =>
      runCommand(false, async () => {
        const stdio = ["ignore" as const, openSync(events, "a"), openSync(errors, "w")];
        const script = process.argv[1] ?? "";
        const options = { cwd, stdio, detached: true, windowsHide: true };
        const child = spawn(process.execPath, [script, ...args], options);
        child.unref();
        return { text: String(child.pid), json: {} };
      }),
    );
}
