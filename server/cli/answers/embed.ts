/** `spanfill embed`: texts to vectors, by a model's encoder. */
import { Command } from "commander";
import { defined } from "../../../base/defined.ts";
import { UsageError } from "../../command-work.ts";
import { atLeast, withJson } from "../options.ts";
import { readText, runCommand } from "../terminal.ts";

interface Options {
  readonly model?: string;
  readonly maxTokens?: number;
  readonly threads?: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ spanfill embed --model ./sentence-t5 texts.txt
  $ echo "A harbor at dawn" | spanfill embed --json`;

/** The command. Its action prints a JSON array for each line, or {vectors, tokens, model} with --json. */
export function embedCommand(): Command {
  const command = new Command("embed")
    .summary("turn texts into vectors")
    .description(
      "Print the vector of each line of a text: the mean of the encoder's last states over all tokens, in float32, as T5EncoderModel of transformers computes them. Checkpoints that have just an encoder work, too.",
    )
    .argument("[file]", "text file in UTF-8, a text per line; - or no argument for standard input")
    .option("-m, --model <id|dir>", "a model's id, or a folder: ./DIR or an absolute path (default: built-in)")
    .option("--max-tokens <n>", "tokens at which a text is cut (default: not cut)", atLeast(1))
    .option("--threads <n>", "threads of one operator (default: those of other commands)", atLeast(1))
    .addHelpText("after", EXAMPLES);
  return withJson(command).action((file: string | undefined, options: Options) =>
    runCommand(options.json === true, async ({ signal, progress }) => {
      const texts = (await readText(file, signal)).split(/\r?\n/).filter((line) => line.trim() !== "");
      if (texts.length === 0) throw new UsageError("There is no text to embed.");
      const [{ resolveModel }, { openEmbedder }, { defaultThreads }] = await Promise.all([
        import("../../catalog/installed.ts"),
        import("../../engine/embedding.ts"),
        import("../../engine/runtime/ort/runner.ts"),
      ]);
      const directory = resolveModel(options.model, { workingFolder: process.cwd() });
      await using embedder = await openEmbedder(directory, options.threads ?? defaultThreads());
      const vectors: number[][] = [];
      const tokens: number[] = [];
      for (const [i, text] of texts.entries()) {
        signal.throwIfAborted();
        const embedding = await embedder.embed(text, options.maxTokens);
        vectors.push([...embedding.vector]);
        tokens.push(embedding.tokens);
        progress("Embedding", i + 1, texts.length);
      }
      return {
        text: vectors.map((vector) => `${JSON.stringify(vector)}\n`).join(""),
        isAnswer: true,
        json: { vectors, tokens, ...defined({ model: options.model }) },
      };
    }),
  );
}
