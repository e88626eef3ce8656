#!/usr/bin/env node
/** The command line: parses arguments and dispatches. Each command imports what is heavy only when it runs. */
import { fileURLToPath } from "node:url";
import { CommanderError } from "commander";
import { createProgram } from "./cli/program.ts";
import { EXIT, printError, watchPipes } from "./cli/terminal.ts";
import { UsageError } from "./command-work.ts";
import { requireAddressSpace } from "./files/address-space.ts";
import { readRegularTextSync } from "./files/regular-file.ts";
import { settleFolders } from "./files/working-folder.ts";

watchPipes();
// Paths in a shell are relative to the working folder; a server is started by an editor, in a folder that may be
// anybody's.
settleFolders(process.argv[2] === "serve" ? undefined : process.cwd());
const { version }: { version: string } = JSON.parse(
  readRegularTextSync(fileURLToPath(new URL("../package.json", import.meta.url))),
);
const json = process.argv.includes("--json");
let complaint = "";
const program = createProgram(version, (text) => {
  complaint += text;
});

try {
  requireAddressSpace();
  if (process.argv.length <= 2) program.outputHelp();
  // "node" is explicit because commander would otherwise count arguments as Electron does inside an editor's own
  // Node.
  else await program.parseAsync(process.argv, { from: "node" });
} catch (error) {
  if (error instanceof CommanderError && error.exitCode === 0) process.exitCode = EXIT.done;
  else if (error instanceof CommanderError)
    printError(json, new UsageError(complaint.replace(/^error: /, "").trim() || error.message));
  else printError(json, error);
}
