/** The benchmark of growing on the command line. */
import type { Command } from "commander";
import type { GrowingOptions } from "./growing.ts";

/** Adds `growing`. */
export function addGrowingCommand(program: Command): void {
  program
    .command("growing")
    .description("steps to the same loss from grown, stacked, interpolated and first weights")
    .requiredOption("--data <folder>", "texts to learn from")
    .option("--small <shape>", "the shape that is trained and then grown", "tiny-dm64-ff128-nh4-kv16-nl2")
    .option("--small-steps <n>", "steps of the smaller model", Number, 150)
    .option("--steps <n>", "steps of the larger one from first weights, whose last loss is the goal", Number, 400)
    .option("--learn <n>", "steps in which the growth is learned", Number, 30)
    .option("--held-out <n>", "windows kept out that losses are taken of", Number, 24)
    .option("--layers <n>", "layers of the larger one", Number, 4)
    .option("--d-model <n>", "its width", Number, 96)
    .option("--d-ff <n>", "its feed-forward width", Number, 192)
    .option("--heads <n>", "its heads", Number, 6)
    .option("--seeds <n...>", "of everything, one after the other", ["1", "2", "3"])
    .action(async ({ seeds, ...options }: Omit<GrowingOptions, "seeds"> & { readonly seeds: readonly string[] }) => {
      const { benchGrowing } = await import("./growing.ts");
      await benchGrowing({ ...options, seeds: seeds.map(Number) });
    });
}
