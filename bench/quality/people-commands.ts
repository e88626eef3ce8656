/** The benchmarks of what a person gets: keys saved while typing, summaries to read. */
import { type Command, Option } from "commander";
import { textKinds } from "../typing/paragraphs.ts";

/** Adds the commands. @param count reads a whole number of at least 1 */
export function addPeopleCommands(program: Command, count: (text: string) => number): void {
  program
    .command("typing")
    .description("types paragraphs that training never saw through the language server, key by key")
    .addOption(
      new Option("--part <names...>", "typing key by key; words, phrases and sentences in gaps")
        .choices(["typing", "gaps"])
        .default(["typing", "gaps"]),
    )
    .addOption(new Option("--kind <names...>", "kinds of text").choices(textKinds).default([...textKinds]))
    .addOption(
      new Option("--place <names...>", "with the text after the cursor, or at the document's end")
        .choices(["within", "end"])
        .default(["within", "end"]),
    )
    .option("--limit <n>", "paragraphs of each kind; a twentieth of the documents with gaps", count, 10)
    .option("--seed <n>", "draws the paragraphs and the intervals' resamples", Number, 0)
    .option(
      "--pace <ms>",
      "time between two keys, after which an answer is not seen (a fast typist: 150); none when absent",
      Number,
    )
    .option("--confidence <chances...>", "values of minimumConfidence, each measured; the default when absent")
    .option("--model <id or folder>", "a model instead of the built-in one")
    .option("--beside <files...>", "dist/cli.js of other builds, measured on the same paragraphs")
    .option("--no-product", "leave out this build")
    .option("--no-baselines", "leave out what asks no model")
    .option("--ablation", "also each expert of this build alone, and each left out", false)
    .option("--json <file>", "write the figures into this file too")
    .action(async ({ confidence, ...options }: TypingArguments) => {
      const { benchTyping } = await import("../typing.ts");
      await benchTyping({ ...options, ...(confidence === undefined ? {} : { confidence: confidence.map(Number) }) });
    });

  program
    .command("prose-view")
    .description("the words of real documents that the document model shows, beside those of pandoc and Asciidoctor")
    .option("--all", "every document, not only those below 98%")
    .action(async (options: { readonly all?: boolean }) => {
      const { benchProseView } = await import("./prose-view.ts");
      await benchProseView(options);
    });

  program
    .command("documents")
    .description("time and memory of reading and of summarizing documents by size; reading beside the bare libraries")
    .addOption(new Option("--part <names...>", "parts").choices(["read", "summarize"]).default(["read", "summarize"]))
    .option("--formats <names...>", "formats to read")
    .option("--most <bytes>", "the largest document", count, 10_000_000)
    .action(async (options: import("../speed/documents.ts").DocumentsOptions) => {
      const { benchDocuments } = await import("../speed/documents.ts");
      await benchDocuments(options);
    });
  addQuality(program, count);
  addReading(program, count);
}

function addQuality(program: Command, count: (text: string) => number): void {
  program
    .command("quality")
    .description("summaries, titles and fills on repositories that training never saw (spanfill evaluate)")
    .option("--model <id or folder>", "the model to judge; all built-in ones by default")
    .addOption(new Option("--precision <name>", "precision").choices(["int8", "float32"]).default("int8"))
    .option("--limit <n>", "documents, drawn by a seed", count)
    .addOption(
      new Option("--part <names...>", "the first unseen set (cleaned Markdown), the raw files of the second")
        .choices(["cleaned", "raw"])
        .default(["cleaned", "raw"]),
    )
    .addOption(
      new Option("--style <names...>", "summaries of raw files")
        .choices(["sentence", "bullets", "paragraph", "title"])
        .default(["sentence", "bullets", "paragraph", "title"]),
    )
    .option("--judge <file>", "a GGUF file of a language model that reads the summaries of raw files too")
    .option("--python <path>", "the judge's Python (bench/peers/README.md)", ".cache/torch-venv/bin/python")
    .option("--write", "keep the figures in eval.json, and figures and twenty examples in the models' README.md", false)
    .action(async (options: import("./quality.ts").QualityOptions) => {
      const { benchQuality } = await import("./quality.ts");
      await benchQuality(options);
    });
}

function addReading(program: Command, count: (text: string) => number): void {
  program
    .command("reading")
    .description("a sheet for reading summaries in pairs without knowing whose they are, and the count of it")
    .option("--model <ids or folders...>", "the new model, then older ones", ["t5-efficient-tiny-nl4-spanfill"])
    .option("--limit <n>", "files", count, 60)
    .option("--seed <n>", "draws the files and the sides", Number, 0)
    .option("--sheet <file>", "the sheet", "bench/results/reading.md")
    .option("--key <file>", "which side is whose", "bench/results/reading-key.json")
    .option("--count", "count a sheet that is filled in", false)
    .action(async (options: import("./reading.ts").ReadingOptions) => {
      const { benchReading } = await import("./reading.ts");
      await benchReading(options);
    });
}

type TypingArguments = Omit<import("../typing.ts").TypingOptions, "confidence"> & {
  readonly confidence?: readonly string[];
};
