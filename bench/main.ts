/** The benchmarks' command line: `npm run bench -- --help` lists them. */
import { Command, InvalidArgumentError, Option } from "commander";
import { addPeopleCommands } from "./quality/people-commands.ts";
import { addScalingCommand } from "./quality/scaling-command.ts";
import { addInferCommand, addPeersCommand } from "./speed/infer-command.ts";

const program = new Command("bench").description("Side-by-side measurements, each of which prints a table.");

addInferCommand(program, count);
addPeersCommand(program, count);

program
  .command("train")
  .description("training steps beside PyTorch's on the same batch (bench/peers/README.md tells how to add it)")
  .addOption(
    new Option("--shape <names...>", "shapes")
      .choices([
        "tiny",
        "narrow",
        "small",
        "deep",
        "long-local",
        "long-global",
        "gated-silu",
        "primer",
        "switch-8",
        "t5",
      ])
      .default(["tiny", "narrow", "small"]),
  )
  .option("--batch <rows,source,target>", "examples of a step, and the tokens of their sides", "8,128,32")
  .option("--dropout <rates...>", "dropout rates", ["0", "0.1"])
  .addOption(new Option("--optimizer <name>").choices(["adafactor", "adamw"]).default("adamw"))
  .option("--rounds <n>", "timed steps of each side, interleaved", count, 11)
  .option("--python <files...>", "each a Python that has torch and transformers", [".cache/torch-venv/bin/python"])
  .option("--models <folder>", "random models", ".cache/bench")
  .addOption(
    new Option("--method <names...>", "what learns (PyTorch needs peft for lora)")
      .choices(["full", "lora", "bottleneck"])
      .default(["full"]),
  )
  .action(async (options: import("./speed/train.ts").TrainArguments) => {
    const { benchTrain } = await import("./speed/train.ts");
    await benchTrain(options);
  });

program
  .command("adapters")
  .description("one base with 1, 4 and 16 adapters beside a session each: memory, and how long a switch takes")
  .addOption(new Option("--shape <name>", "the base's shape").choices(["tiny", "small"]).default("small"))
  .addOption(new Option("--precision <names...>", "of the base").choices(["int8", "float32"]).default(["int8"]))
  .addOption(
    new Option("--kind <names...>", "adapters").choices(["bottleneck", "lora"]).default(["bottleneck", "lora"]),
  )
  .option("--rounds <n>", "timed requests with each adapter", count, 5)
  .option("--models <folder>", "random models and adapters", ".cache/bench")
  .option("--python <path>", "a Python with the adapters library; without it that is left out")
  .action(async (options: import("./speed/adapters.ts").AdaptersArguments) => {
    const { benchAdapters } = await import("./speed/adapters.ts");
    await benchAdapters(options);
  });

program
  .command("learning")
  .description(
    "what ten minutes of training teach a model, on data that it has not seen: before and after, with intervals",
  )
  .addOption(
    new Option("--task <names...>", "what is learned")
      .choices(["summarize", "qa", "classify", "infill"])
      .default(["summarize", "qa", "classify", "infill"]),
  )
  .option("--model <id or folder>", "the model to start from; the built-in one by default")
  .option("--minutes <n>", "processor time of each, in minutes of two cores", Number, 10)
  .option("--threads <n>", "threads of one operator; 1 is best beside other work", count, 2)
  .option("--out <folder>", "where data and trained models go", ".cache/bench/learning")
  .action(async (options: import("./quality/learning.ts").LearningOptions) => {
    const { benchLearning } = await import("./quality/learning.ts");
    await benchLearning(options);
  });

addScalingCommand(program);

program
  .command("decoding")
  .description("the effect of shortlists, copy bias and re-ranked beams on summaries (and fills), each by itself")
  .option("--model <id or folder>", "the model to judge (default: the default model)")
  .addOption(new Option("--precision <name>", "precision").choices(["int8", "float32"]).default("int8"))
  .addOption(new Option("--style <name>", "what to write").choices(["sentence", "title"]).default("sentence"))
  .option("--shortlist <sizes...>", "sizes of shortlists", ["4096", "8192"])
  .option("--bias <anywhere,afterOne,afterTwo...>", "copy biases", ["0,1,1"])
  .option("--beams <n>", "beams to re-rank", count, 4)
  .option("--limit <n>", "documents, drawn by a seed", count)
  .option("--data <file>", "JSON lines of documents instead of the kept-out ones: choose by others than you report on")
  .option("--threads <n>", "threads of one operator; 1 is best beside other work", count)
  .option("--fills", "measure the shortlists' fills too", false)
  .action(async ({ shortlist, bias, ...options }: DecodingArguments) => {
    const { benchDecoding, parseBias } = await import("./speed/decoding.ts");
    const biases = bias.map(
      (text) => parseBias(text) ?? refuse(`${text} is not a copy bias; give three numbers of at least 0.`),
    );
    await benchDecoding({ ...options, shortlist: shortlist.map(count), bias: biases });
  });

program
  .command("editor")
  .description("ghost text in a real VS Code beside a provider that answers at once; activation and memory")
  .option("--keystrokes <n>", "keystrokes of each side", count, 60)
  .option("--windows <n>", "windows that they are spread over", count, 5)
  .option("--model <folder>", "a model instead of the built-in one")
  .option("--vsix <file>", "a package that is already made")
  .action(async (options: import("./speed/editor.ts").EditorOptions) => {
    const { benchEditor } = await import("./speed/editor.ts");
    await benchEditor(options);
  });

program
  .command("features")
  .description(
    "each of the editor's features beside a request without work, a file of 5 MB, memory over 1,000 suggestions",
  )
  .option("--rounds <n>", "times that each is done", count, 20)
  .option(
    "--suggestions <n>",
    "suggestions after which memory is compared with that after a tenth of them",
    count,
    1000,
  )
  .addOption(
    new Option("--part <names...>", "what to measure")
      .choices(["features", "large", "memory"])
      .default(["features", "large", "memory"]),
  )
  .option("--model <id or folder>", "a model instead of the built-in one")
  .action(async (options: import("./speed/features.ts").FeaturesOptions) => {
    const { benchFeatures } = await import("./speed/features.ts");
    await benchFeatures(options);
  });

addPeopleCommands(program, count);

program
  .command("panel")
  .description("the panel's page in a browser: opening, scrolling the table, redrawing a long curve")
  .option("--rounds <n>", "pages that are opened", count, 10)
  .option("--rows <n>", "rows of the table", count, 500)
  .option("--points <n>", "points of the curve", count, 100_000)
  .action(async (options: import("./speed/panel.ts").PanelOptions) => {
    const { benchPanel } = await import("./speed/panel.ts");
    await benchPanel(options);
  });

program
  .command("load")
  .description("seconds and memory to make an 892 MB PyTorch file ready in int8")
  .option("--models <folder>", "where the file is made and removed again", ".cache/bench")
  .action(async ({ models }: { models: string }) => {
    const { benchLoad } = await import("./speed/load.ts");
    await benchLoad(models);
  });

program
  .command("int8")
  .description("what int8 loses against float32, and its time, with and without outlying channels in the model")
  .option("--model <ids or folders...>", "models that channels are planted in; the built-in ones by default")
  .option("--limit <n>", "kept-out documents whose summaries are scored", count, 40)
  .option("--factor <n...>", "how many times as large the channels are", ["1", "30", "300"])
  .option("--rounds <n>", "timed encoder passes of each", count, 30)
  .option("--models <folder>", "where models are made and removed again", ".cache/bench")
  .action(
    async ({ factor, ...options }: Omit<import("./speed/int8.ts").Int8Options, "factor"> & { factor: string[] }) => {
      const { benchInt8 } = await import("./speed/int8.ts");
      await benchInt8({ ...options, factor: factor.map(Number) });
    },
  );

program
  .command("big")
  .description(
    "models of 738 million and 2.9 billion random weights: time to convert, to load and to answer, and memory (Linux)",
  )
  .addOption(
    new Option("--shape <names...>", "shapes; 3b takes 9.2 GB of disk")
      .choices(["large", "3b"])
      .default(["large", "3b"]),
  )
  .option("--models <folder>", "where the files are made and removed again", ".cache/bench")
  .action(async (options: import("./speed/big.ts").BigOptions) => {
    const { benchBig } = await import("./speed/big.ts");
    await benchBig(options);
  });

program
  .command("long")
  .description(
    "time and memory of T5, LongT5, Primer and Switch Transformers by the input's length, beside PyTorch (Linux)",
  )
  .option(
    "--shape <names...>",
    "t5, gated-silu, long-local, long-global (the default), primer, switch-8, switch-32, metro",
  )
  .option("--lengths <n...>", "tokens of the input", ["512", "1024", "2048", "4096", "8192", "16384"])
  .addOption(new Option("--precision <name>", "precision").choices(["int8", "float32"]).default("float32"))
  .option("--most-plain <n>", "most tokens that other models than LongT5 read", count, 4096)
  .option("--rounds <n>", "answers of each, of which the quickest counts", count, 2)
  .option("--python <path>", "a Python with torch and transformers; without it PyTorch is left out")
  .option("--code <folder>", "for metro: its authors' code, model_release/src of gonglinyuan/metro_t0")
  .option("--models <folder>", "random models", ".cache/bench")
  .action(async (options: import("./speed/long.ts").LongOptions) => {
    const { benchLong } = await import("./speed/long.ts");
    await benchLong(options);
  });

program
  .command("metro")
  .description("a step of METRO's pre-training beside its authors' criterion around transformers' T5")
  .requiredOption("--python <path>", "a Python with torch, transformers and brotli")
  .requiredOption("--criterion <path>", "t5_metro.py of gonglinyuan/metro_t0, training/fairseq/criterions")
  .option("--rows <n>", "texts of a step", count, 4)
  .option("--length <n>", "tokens of each", count, 128)
  .option("--rounds <n>", "steps of each side, of which the quickest counts", count, 3)
  .action(async (options: import("./speed/metro.ts").MetroOptions) => {
    const { benchMetro } = await import("./speed/metro.ts");
    await benchMetro(options);
  });

program
  .command("characters")
  .description("what the characters in T5's spare rows bring, on prose and on text with code")
  .option("--model <id or folder>", "a built-in model (default: the default one)")
  .option("--limit <n>", "documents of each kind whose words are measured", count, 150)
  .action(async ({ model, limit }: { model?: string; limit: number }) => {
    const { benchCharacters } = await import("./quality/characters.ts");
    await benchCharacters(model, limit);
  });

program
  .command("ngrams")
  .description("size, memory and accuracy of the table of word n-grams that ships")
  .option("--table <file>", "another table by models/recipes/ngrams.py")
  .action(async ({ table }: { table?: string }) => {
    const { benchNgrams } = await import("./quality/ngrams.ts");
    benchNgrams(table);
  });

program
  .command("prose")
  .description("training text from standard input, as JSON lines, with its prose in place of its markup")
  .action(async () => {
    const { writeProse } = await import("./quality/prose.ts");
    await writeProse();
  });

program
  .command("sentences")
  .description("write the features of described documents' sentences, which models/recipes/sentences.py fits")
  .requiredOption("--out <folder>", "where features.f32, targets.f32 and groups.json go; pairs come by standard input")
  .action(async ({ out }: { out: string }) => {
    const { writeSentenceFeatures } = await import("./quality/sentences.ts");
    await writeSentenceFeatures(out);
  });

await program.parseAsync();

type DecodingArguments = Omit<import("./speed/decoding.ts").DecodingOptions, "shortlist" | "bias"> & {
  readonly shortlist: readonly string[];
  readonly bias: readonly string[];
};

function refuse(message: string): never {
  throw new InvalidArgumentError(message);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("Use a whole number of at least 1.");
  return value;
}
