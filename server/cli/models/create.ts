/** `spanfill create`: a model of any shape with first weights, to be trained from the beginning. */
import { Command } from "commander";
import { type CommandResult, UsageError } from "../../command-work.ts";
import type { CreateRequest } from "../../training/fresh/create.ts";
import { atLeast, withJson } from "../options.ts";
import { runCommand } from "../terminal.ts";

interface Options extends CreateRequest {
  readonly json?: boolean;
}

/** The command. Its action prints the new model's folder and size. */
export function createCommand(): Command {
  const command = new Command("create")
    .summary("make a model with first weights, to train it from the beginning")
    .description(
      "Make a model of any shape and architecture that has learned nothing yet: seeded first weights as its paper draws them, and another model's vocabulary. Train it with `spanfill train --base`.",
    )
    .option("-c, --config <file>", "a config.json; without vocab_size and token ids it takes the vocabulary's")
    .option("-s, --shape <name>", "or a shape such as tiny-nl4: a size of T5, and what differs from it")
    .option("--vocabulary <id|dir>", "the model whose vocabulary is taken (default: built-in)")
    .option("-o, --out <dir>", "a new folder (default: ./SHAPE-fresh)")
    .option("--seed <n>", "seed of the weights", atLeast(0), 0)
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill create --shape tiny-nl4
  $ spanfill create --config ./primer.json --out ./my-primer
  $ spanfill train --task infill --base ./my-primer --data ./docs`,
    );
  return withJson(command).action((options: Options) => runCommand(options.json === true, () => create(options)));
}

async function create(options: Options): Promise<CommandResult> {
  if ((options.config === undefined) === (options.shape === undefined))
    throw new UsageError("Name either a --config file or a --shape, such as --shape tiny-nl4.");
  const { createModel } = await import("../../training/fresh/create.ts");
  const created = await createModel(options);
  const millions = (created.parameters / 1e6).toFixed(2);
  return { text: `${created.out}: ${millions} M parameters, which have learned nothing yet.\n`, json: created };
}
