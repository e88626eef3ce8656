/** The whole command line: every command with its options. */
import { Command } from "commander";
import { askCommand } from "./answers/ask.ts";
import { classifyCommand } from "./answers/classify.ts";
import { embedCommand } from "./answers/embed.ts";
import { generateCommand } from "./answers/generate.ts";
import { infillCommand } from "./answers/infill.ts";
import { scoreCommand } from "./answers/score.ts";
import { summarizeCommand } from "./answers/summarize.ts";
import { demoCommand } from "./demo.ts";
import { launchCommand } from "./launch.ts";
import { compareCommand } from "./models/compare.ts";
import { createCommand } from "./models/create.ts";
import { devicesCommand } from "./models/devices.ts";
import { exportCommand } from "./models/export.ts";
import { growCommand } from "./models/grow.ts";
import { infoCommand } from "./models/info.ts";
import { modelsCommand } from "./models/models.ts";
import { scaleCommand } from "./scale.ts";
import { serveCommand } from "./serve.ts";
import { EXIT } from "./terminal.ts";
import { calibrateCommand } from "./training/calibrate.ts";
import { dataCommand } from "./training/data.ts";
import { evaluateCommand } from "./training/evaluate.ts";
import { trainCommand } from "./training/train.ts";

/**
 * Returns the program. Where it would end the process, it throws a CommanderError.
 * @param onError receives what commander says of wrong usage
 */
export function createProgram(version: string, onError: (text: string) => void): Command {
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
    scaleCommand(),
    createCommand(),
    growCommand(),
    compareCommand(),
    dataCommand(),
    exportCommand(),
    serveCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [demoCommand(), launchCommand()]) program.addCommand(command, { hidden: true });
  for (const { name, command } of allCommands(program)) {
    command
      .exitOverride()
      .showHelpAfterError(`(${["spanfill", name, "--help"].filter((word) => word !== "").join(" ")} shows its usage)`)
      .configureOutput({ writeErr: onError });
  }
  return program;
}

/** The program itself (named ""), its commands and theirs, such as "models get". */
export function allCommands(program: Command, outer = ""): { readonly name: string; readonly command: Command }[] {
  const inner = program.commands.flatMap((command) => allCommands(command, `${outer} ${command.name()}`.trim()));
  return [{ name: outer, command: program }, ...inner];
}
