#!/usr/bin/env node
/** The command line: parses arguments and dispatches. Each command imports what is heavy only when it runs. */
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { askCommand } from "./cli/ask.ts";
import { calibrateCommand } from "./cli/calibrate.ts";
import { classifyCommand } from "./cli/classify.ts";
import { dataCommand } from "./cli/data.ts";
import { demoCommand } from "./cli/demo.ts";
import { devicesCommand } from "./cli/devices.ts";
import { embedCommand } from "./cli/embed.ts";
import { evaluateCommand } from "./cli/evaluate.ts";
import { exportCommand } from "./cli/export.ts";
import { generateCommand } from "./cli/generate.ts";
import { infillCommand } from "./cli/infill.ts";
import { infoCommand } from "./cli/info.ts";
import { launchCommand } from "./cli/launch.ts";
import { modelsCommand } from "./cli/models.ts";
import { scoreCommand } from "./cli/score.ts";
import { serveCommand } from "./cli/serve.ts";
import { summarizeCommand } from "./cli/summarize.ts";
import { EXIT, printError, watchPipes } from "./cli/terminal.ts";
import { trainCommand } from "./cli/train.ts";
import { UsageError } from "./command-work.ts";
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
const program = new Command("spanfill")
  .description("Summarize text and fill gaps with small T5 models that run on your own machine.")
  .version(version)
  .addHelpText(
    "after",
    `
Examples:
  $ spanfill summarize README.md
  $ echo "A map is a ___ of key and value pairs." | spanfill infill
  $ spanfill info ./t5-small

Exit codes: ${EXIT.done} done, ${EXIT.failed} failed (also when the reader of the output closes the pipe early),
            ${EXIT.usage} wrong usage, ${EXIT.interrupted} interrupted.`,
  );
const commands = [
  summarizeCommand(),
  infillCommand(),
  askCommand(),
  classifyCommand(),
  generateCommand(),
  scoreCommand(),
  embedCommand(),
  infoCommand(),
  modelsCommand(),
  devicesCommand(),
  evaluateCommand(),
  calibrateCommand(),
  trainCommand(),
  dataCommand(),
  exportCommand(),
  serveCommand(),
];
for (const command of commands) program.addCommand(command);
for (const command of [demoCommand(), launchCommand()]) program.addCommand(command, { hidden: true });
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands: inner }) => inner)]) {
  command
    .exitOverride()
    .showHelpAfterError(`(spanfill ${command === program ? "" : `${command.name()} `}--help shows its usage)`)
    .configureOutput({
      writeErr: (text) => {
        complaint += text;
      },
    });
}

try {
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
