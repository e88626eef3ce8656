/** The whole command line: every command with its options. */
import { Command } from "commander";
import { askCommand } from "./ask.ts";
import { calibrateCommand } from "./calibrate.ts";
import { classifyCommand } from "./classify.ts";
import { dataCommand } from "./data.ts";
import { demoCommand } from "./demo.ts";
import { devicesCommand } from "./devices.ts";
import { embedCommand } from "./embed.ts";
import { evaluateCommand } from "./evaluate.ts";
import { exportCommand } from "./export.ts";
import { generateCommand } from "./generate.ts";
import { infillCommand } from "./infill.ts";
import { infoCommand } from "./info.ts";
import { launchCommand } from "./launch.ts";
import { modelsCommand } from "./models.ts";
import { scaleCommand } from "./scale.ts";
import { scoreCommand } from "./score.ts";
import { serveCommand } from "./serve.ts";
import { summarizeCommand } from "./summarize.ts";
import { EXIT } from "./terminal.ts";
import { trainCommand } from "./train.ts";

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
