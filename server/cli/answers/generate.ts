/** `spanfill generate`: raw text (or token ids) to text, with every decoding option. */
import { Command } from "commander";
import { UsageError } from "../../command-work.ts";
import type { ModelOptions } from "../../open-model.ts";
import { atLeast, between, tokenIds, withModelOptions } from "../options.ts";
import { runCommand } from "../terminal.ts";
import { type DecodingOptions, requestOf } from "./generate-request.ts";

interface Options extends ModelOptions, DecodingOptions {
  readonly input?: string;
  readonly inputIds?: number[];
}

const EXAMPLES = `
Examples:
  $ spanfill generate --input "summarize: T5 reads text and writes text."
  $ spanfill generate --model ./t5-small --input "translate English to German: Thank you." --num-beams 4
  $ spanfill generate --input-ids "[21603, 10, 1]" --precision float32 --json`;

/** The command. Its action prints the best text, or {ids, text, score, sequences, ...} with --json. */
export function generateCommand(): Command {
  const command = new Command("generate")
    .summary("run the model on raw text")
    .description(
      "Run the model on raw text or token ids and print what it produces. Only the tokens are added that the tokenizer puts around a text. Options that are not given are those of the model's generation_config.json.",
    )
    .option("-i, --input <text>", "text to encode; </s> is added")
    .option("--input-ids <json>", "token ids instead, used as they are: a JSON array", tokenIds)
    .option("--max-new-tokens <n>", "maximum number of tokens produced (default: the model's own, else 64)", atLeast(1))
    .option("--min-new-tokens <n>", "number of tokens before which the text does not end", atLeast(0))
    .option("--num-beams <n>", "beams; 1 is greedy (default: the model's own, else 1)", atLeast(1))
    .option("--num-return-sequences <n>", "number of sequences in the JSON", atLeast(1))
    .option("--no-repeat-ngram-size <n>", "no n-gram of this size twice; 0 is off", atLeast(0))
    .option("--length-penalty <x>", "exponent of the length in a beam's score", between(-100, 100))
    .option("--repetition-penalty <x>", "above 1 penalizes tokens already produced", between(0, 100, false))
    .option("--early-stopping", "end beam search when enough beams are finished")
    .option("--temperature <x>", "sample, with this temperature", between(0, 100, false))
    .option("--top-k <n>", "sample among the k most likely tokens", atLeast(1))
    .option("--top-p <x>", "sample among tokens of this total probability", between(0, 1, false))
    .option("--seed <n>", "sample with this seed", atLeast(0))
    .addHelpText("after", EXAMPLES);
  return withModelOptions(command).action((options: Options) =>
    runCommand(options.json === true, async ({ signal, progress }) => {
      if ((options.input === undefined) === (options.inputIds === undefined)) {
        throw new UsageError("Give either --input TEXT or --input-ids JSON.");
      }
      const { openModel, roundedMs } = await import("../../open-model.ts");
      await using opened = await openModel(options);
      const { model, loadMs } = opened;
      const text = options.input ?? "";
      const input = options.inputIds ?? (await model.encode([{ kind: "text", text, special: true }]));
      const { request, settings, ...notes } = requestOf(input, options, model.info.generation);
      const { sequences, cancelled, timing } = await model.generate(request, {
        signal,
        onTokens: (ids) => progress("Generating", ids.length, request.maxNewTokens),
      });
      const all = sequences[0] ?? [];
      const best = all[0] ?? { ids: [], text: "", logProbs: [], score: 0, finished: false };
      return {
        ...{ text: `${best.text}\n`, isAnswer: true },
        json: {
          ...best,
          sequences: all,
          settings,
          tokens: { in: input.length, out: best.ids.length },
          ms: roundedMs({
            total: timing.totalMs,
            encode: timing.encodeMs,
            firstToken: timing.firstTokenMs,
            load: loadMs,
          }),
          model: model.info.id,
          precision: model.info.precision,
        },
        cancelled,
        ...notes,
      };
    }),
  );
}
