/** The benchmarks of scaling laws and of growing on the command line. */
import type { Command } from "commander";
import { addGrowingCommand } from "./growing-command.ts";
import type { ScalingOptions } from "./scaling.ts";

/** Adds `scaling` and `growing`. */
export function addScalingCommand(program: Command): void {
  program
    .command("scaling")
    .description("whether the law of smaller shapes foretells a larger one's loss, which it has not seen")
    .requiredOption("--data <folder>", "texts to learn from")
    .option("--shapes <names...>", "the largest is predicted", [
      ...["tiny-dm64-ff256-nh4-kv16-nl1", "tiny-dm64-ff256-nh4-kv16-nl2"],
      ...["tiny-dm64-ff256-nh4-kv16-nl4", "tiny-dm64-ff256-nh4-kv16-nl8"],
    ])
    .option("--minutes <n>", "processor time of all together", Number, 9)
    .action(async (options: ScalingOptions) => {
      const { benchScaling } = await import("./scaling.ts");
      await benchScaling(options);
    });
  addGrowingCommand(program);
}
