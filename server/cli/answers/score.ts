/** `spanfill score`: the likelihood of a target text for an input, which converters of T5 compare. */
import { Command } from "commander";
import { UsageError } from "../../command-work.ts";
import type { ModelOptions } from "../../open-model.ts";
import { tokenIds, withModelOptions } from "../options.ts";
import { runCommand } from "../terminal.ts";

interface Options extends ModelOptions {
  readonly input?: string;
  readonly inputIds?: number[];
  readonly target?: string;
  readonly targetIds?: number[];
}

/** The command. Its action prints the log-likelihood, or {total, mean, ids, logProbs, ...} with --json. */
export function scoreCommand(): Command {
  const command = new Command("score")
    .summary("print the log-likelihood of a target text")
    .description("Print the log-likelihood (natural logarithm) of a target text, in total and per token.")
    .option("-i, --input <text>", "text to encode; </s> is added")
    .option("--input-ids <json>", "token ids instead, used as they are: a JSON array", tokenIds)
    .option("-t, --target <text>", "text to score; </s> is added and scored too")
    .option("--target-ids <json>", "token ids instead, used as they are: a JSON array", tokenIds)
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill score --model ./t5-small --input "Hello there" --target "Hi I am" --precision float32
  $ spanfill score --input-ids "[8774, 132, 1]" --target-ids "[2018, 27, 183, 1]" --json`,
    );
  return withModelOptions(command).action((options: Options) =>
    runCommand(options.json === true, async ({ signal }) => {
      if ((options.input === undefined) === (options.inputIds === undefined)) {
        throw new UsageError("Give either --input TEXT or --input-ids JSON.");
      }
      if ((options.target === undefined) === (options.targetIds === undefined)) {
        throw new UsageError("Give either --target TEXT or --target-ids JSON.");
      }
      const { openModel, roundedMs } = await import("../../open-model.ts");
      await using opened = await openModel(options);
      const { model, loadMs } = opened;
      const encoded = (text = "") => model.encode([{ kind: "text", text, special: true }]);
      const input = options.inputIds ?? (await encoded(options.input));
      const target = options.targetIds ?? (await encoded(options.target));
      const started = performance.now();
      const score = await model.score(input, target, { signal });
      const ms = roundedMs({ total: performance.now() - started, load: loadMs });
      const texts = await Promise.all(score.ids.map((id) => model.decode([id])));
      const rows = score.ids.map((id, i) => `${(score.logProbs[i] ?? 0).toFixed(4).padStart(10)}  ${id}  ${texts[i]}`);
      return {
        text: `${score.total.toFixed(4)}\n${rows.join("\n")}\n`,
        json: {
          total: score.total,
          mean: score.total / score.ids.length,
          ids: score.ids,
          logProbs: score.logProbs,
          tokens: { in: input.length, out: target.length },
          ms,
          model: model.info.id,
          precision: model.info.precision,
        },
        cancelled: signal.aborted,
      };
    }),
  );
}
