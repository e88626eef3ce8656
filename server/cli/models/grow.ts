/** `spanfill grow`: a larger model that begins where a smaller one ended. */
import { Command, Option } from "commander";
import { GROWTH_METHODS } from "../../../models/t5/growth/operator.ts";
import { type CommandResult, UsageError, type Work } from "../../command-work.ts";
import type { GrowRequest } from "../../training/grow/grow.ts";
import { atLeast, between, withJson } from "../options.ts";
import { runCommand } from "../terminal.ts";

interface Options extends GrowRequest {
  readonly json?: boolean;
}

/** The command. Its action prints the new model's folder, and how near it is to the smaller one. */
export function growCommand(): Command {
  const command = new Command("grow")
    .summary("make a larger model that begins where a smaller one ended")
    .description(
      "Grow a model in layers and widths, to train the larger one in fewer steps than from first weights. By default it computes what the smaller one does; with --learn the growth itself is learned on a text (LiGO).",
    )
    .argument("<model>", "a model's id, or its folder")
    .option("--layers <n>", "layers of both stacks", atLeast(1))
    .option("--decoder-layers <n>", "layers of the decoder (default: as --layers)", atLeast(1))
    .option("--d-model <n>", "width of the model", atLeast(1))
    .option("--d-ff <n>", "width of the feed-forward layers", atLeast(1))
    .option("--heads <n>", "attention heads; their width stays", atLeast(1))
    .addOption(
      new Option(
        "--method <method>",
        "where layers come from: net2net computes the same, stack repeats the stack, interpolate each layer",
      )
        .choices(GROWTH_METHODS)
        .default("net2net"),
    )
    .option("--learn <steps>", "steps in which the growth is learned", atLeast(0), 0)
    .option("-d, --data <file>", "with --learn: a folder of texts, a text, or rows with a column of text")
    .option("--lr <rate>", "with --learn: the learning rate", between(0, 1, false), 1e-3)
    .option("--batch-size <n>", "with --learn: examples of a step", atLeast(1), 16)
    .option("-o, --out <dir>", "a new folder (default: ./MODEL-grown)")
    .option("--seed <n>", "seed of the copies' shares, the gaps and the order", atLeast(0), 0)
    .option("--threads <n>", "threads of one operator", atLeast(1))
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill grow ./small --layers 6 --d-model 384
  $ spanfill grow ./small --layers 6 --d-model 384 --learn 100 --data ./docs --out ./larger`,
    );
  return withJson(command).action((model: string, options: Options) =>
    runCommand(options.json === true, (work) => grow(model, options, work)),
  );
}

async function grow(model: string, options: Options, { signal, progress }: Work): Promise<CommandResult> {
  if (options.data !== undefined && options.learn === 0)
    throw new UsageError("--data is for --learn; name a number of steps with it, or leave it out.");
  if (options.data === undefined && options.learn > 0)
    throw new UsageError("--learn needs a text to learn the growth on; name one with --data.");
  const { growModel } = await import("../../training/grow/grow.ts");
  const grown = await growModel(model, options, {
    signal,
    onStep: (step, loss) => progress(`Learning the growth, loss ${loss.toFixed(2)}`, step, options.learn),
  });
  const { out, parameters, difference, loss, notes } = grown;
  const millions = (count: number) => (count / 1e6).toFixed(2);
  const near =
    difference < 1e-4
      ? `It computes what the smaller one does: log probabilities differ by at most ${difference.toExponential(0)}.`
      : `On two sentences its loss is ${loss.after.toFixed(2)}, the smaller one's ${loss.before.toFixed(2)}.`;
  return {
    text: `${out}: ${millions(parameters.after)} M parameters, grown from ${millions(parameters.before)} M. ${near}\n`,
    json: grown,
    notes,
  };
}
