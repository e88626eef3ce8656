/**
 * The areas of the sources, with contents and allowed imports; a test compares this with the table in ARCHITECTURE.md.
 */

/** A folder (or file) of the sources with everything below it that is not a separate area. */
export interface Area {
  readonly path: string;
  readonly holds: string;
  /** Other areas that it may import; each precedes it in the table, so there are no cycles. */
  readonly areas: readonly string[];
  /** Packages from the registry. */
  readonly packages: readonly string[];
  /** Whether it may use Node's own modules. */
  readonly node: boolean;
}

const base = ["protocol", "models", "server/files", "server/text", "server/catalog", "server/engine"];

/** The area that every other may import. */
export const FOR_ALL = "base";

export const AREAS: readonly Area[] = [
  {
    path: FOR_ALL,
    holds:
      "helpers that every area may import: error messages, formatted figures, optional properties, changed lines, tables by names, countdowns of running time",
    areas: [],
    packages: [],
    node: false,
  },
  {
    path: "protocol",
    holds:
      "the interface between server and client: settings, requests, panel questions, training runs, cleaning of shown text",
    areas: [],
    packages: ["zod", "vscode-languageserver-protocol"],
    node: false,
  },
  {
    path: "programs",
    holds: "comments and docstrings of programs, by a lexer for each family of languages; client and server share it",
    areas: ["protocol"],
    packages: [
      "@codemirror/legacy-modes",
      "@codemirror/streamparser",
      "@lezer/common",
      "@lezer/lr",
      "@lezer/javascript",
      "@lezer/python",
      "@lezer/java",
      "@lezer/cpp",
      "@lezer/rust",
      "@lezer/php",
      "@lezer/go",
      "@lezer/yaml",
      "lezer-elixir",
    ],
    node: false,
  },
  {
    path: "models",
    holds:
      "models as bytes and values, without files or runtime: graphs, T5's layers, checkpoints, tokenizers, word n-grams",
    areas: [],
    packages: ["zod", "@huggingface/tokenizers", "protobufjs", "fzstd", "crc-32"],
    node: false,
  },
  {
    path: "server/files",
    holds: "files: complete reads and writes, removal of only our own, locks, confinement to a folder",
    areas: ["models"],
    packages: ["zod"],
    node: true,
  },
  {
    path: "server/text",
    holds:
      "text: `document` (any format as blocks and prose, a reader each in `document/`), `place` (what is prose), front matter, input, sentences, languages, the files of a folder, private files",
    areas: ["protocol", "programs", "models", "server/files"],
    packages: [
      "eld",
      "ignore",
      "@lezer/common",
      "@lezer/markdown",
      "entities",
      "htmlparser2",
      "jsonc-parser",
      "toml-eslint-parser",
      "yaml",
    ],
    node: true,
  },
  {
    path: "server/catalog",
    holds: "published and installed models; `hub/` downloads them, `folder/` opens one and prepares its weights",
    areas: ["models", "server/files"],
    packages: ["zod", "@huggingface/hub", "undici", "yauzl", "crc-32"],
    node: true,
  },
  {
    path: "server/cluster",
    holds: "processes that do a job outside Spanfill's own: torchrun's on this machine, `ray/` (jobs of a Ray cluster)",
    areas: ["models", "server/files", "server/catalog"],
    packages: ["zod", "undici", "crc-32"],
    node: true,
  },
  {
    path: "server/engine",
    holds:
      "a loaded model: `engine` (the interface), `runtime/` (ONNX Runtime), `search/` (choosing tokens), `process/` (in this process or a child), `wire/` (its operations on an inference server)",
    areas: ["models", "server/files", "server/catalog"],
    packages: ["zod", "lru-cache", "undici", "@grpc/grpc-js", "protobufjs", "onnxruntime-node", "onnxruntime-web"],
    node: true,
  },
  {
    path: "server/metrics",
    holds: "metrics of outputs: ROUGE, gaps, faithfulness, intervals, calibration",
    areas: ["models", "server/text", "server/catalog"],
    packages: ["zod"],
    node: false,
  },
  {
    path: "server/output.ts",
    holds: "standard output and error, the only file that writes to them",
    areas: ["protocol"],
    packages: [],
    node: true,
  },
  {
    path: "server/command-work.ts",
    holds: "the input and result of a command's work",
    areas: [],
    packages: [],
    node: false,
  },
  {
    path: "server/training",
    holds:
      "fine-tuning: `data/` (rows and texts to examples), `step/` (loss, gradients, optimizer), `run/` (the loop and its files), `scale/` (scaling laws), `fresh/` (new models), `grow/` (larger models from smaller ones), `compare/` (two models layer by layer), `cluster/` (runs that other processes compute)",
    areas: [...base, "server/cluster", "server/metrics"],
    packages: [
      "zod",
      "csv-parse",
      "hyparquet",
      "hyparquet-compressors",
      "protobufjs",
      "yaml",
      "ml-levenberg-marquardt",
      "ml-fcnnls",
    ],
    node: true,
  },
  {
    path: "server/features",
    holds:
      "the features for users: `write/` (infill, completion, rephrasing), `read/` (summaries), `ask/` (answers, labels)",
    areas: [...base, "server/metrics", "server/training"],
    packages: ["zod", "lru-cache", "yaml", "jsonc-parser"],
    node: true,
  },
  {
    path: "server/batch",
    holds: "summaries of many files, a line of JSON each: here, or on a Ray cluster",
    areas: [...base, "server/cluster", "server/features"],
    packages: ["zod"],
    node: true,
  },
  {
    path: "server/panel",
    holds:
      "answers to the panel's questions that do not concern runs: the list of models, measuring, devices, the playground",
    areas: base,
    packages: ["zod"],
    node: true,
  },
  {
    path: "server/runs",
    holds: "training runs for the panel: a folder and a process per run, which outlives the server",
    areas: [...base, "server/training"],
    packages: ["zod"],
    node: true,
  },
  {
    path: "server/tools.ts",
    holds: "the agents' tools",
    areas: ["protocol", "server/engine", "server/features"],
    packages: [],
    node: false,
  },
  {
    path: "server/serving",
    holds:
      "a model served to other machines over the Open Inference Protocol: HTTP and gRPC, the queue and batches, the operations",
    areas: ["models", "server/files", "server/catalog", "server/engine"],
    packages: ["lru-cache", "@grpc/grpc-js"],
    node: true,
  },
  {
    path: "server/open-model.ts",
    holds: "loading of the model that a command names",
    areas: [...base, "server/output.ts", "server/panel"],
    packages: [],
    node: false,
  },
  {
    path: "server/evaluation",
    holds: "evaluation of a model on data, in several processes",
    areas: [
      ...base,
      "server/metrics",
      "server/command-work.ts",
      "server/training",
      "server/features",
      "server/open-model.ts",
    ],
    packages: ["zod"],
    node: true,
  },
  {
    path: "server/lsp",
    holds:
      "the language server's handlers, which never see the connection; `commands/` (workspace/executeCommand), `engine/` (the model in use), `document/` (work on open documents)",
    areas: ["programs", ...base, "server/features", "server/panel", "server/runs", "server/tools.ts"],
    packages: ["zod", "lru-cache", "vscode-languageserver-protocol", "vscode-languageserver-textdocument"],
    node: true,
  },
  {
    path: "server/main.ts",
    holds: "the language server's connection",
    areas: [...base, "server/output.ts", "server/features", "server/runs", "server/lsp"],
    packages: ["zod", "vscode-languageserver"],
    node: true,
  },
  {
    path: "server/mcp.ts",
    holds: "the MCP server",
    areas: [...base, "server/output.ts", "server/tools.ts", "server/lsp"],
    packages: ["@modelcontextprotocol/sdk"],
    node: true,
  },
  {
    path: "server/cli",
    holds: "the command line, one file per command: `answers/`, `models/`, `training/`",
    areas: [
      ...base,
      "server/metrics",
      "server/output.ts",
      "server/command-work.ts",
      "server/training",
      "server/features",
      "server/batch",
      "server/panel",
      "server/open-model.ts",
      "server/serving",
      "server/evaluation",
      "server/main.ts",
      "server/mcp.ts",
    ],
    packages: ["zod", "commander"],
    node: true,
  },
  {
    path: "server/cli.ts",
    holds: "the command line's entry point",
    areas: ["server/files", "server/command-work.ts", "server/cli"],
    packages: ["commander"],
    node: true,
  },
  {
    path: "client/panel/view",
    holds: "the panel's page; `models/`, `tuning/`, `playground/`, and `ui/`, which they share",
    areas: ["protocol"],
    packages: ["lit", "@vscode-elements/elements", "uplot"],
    node: false,
  },
  {
    path: "client/editor",
    holds: "VS Code's notifications, picks, log and status items; the only files that show text there",
    areas: ["protocol"],
    packages: ["vscode", "vscode-languageclient"],
    node: true,
  },
  {
    path: "client/server",
    holds: "the connection to the language server",
    areas: ["protocol", "client/editor"],
    packages: ["vscode", "vscode-languageclient"],
    node: true,
  },
  {
    path: "client/commands",
    holds: "the palette's commands; a separate bundle",
    areas: ["protocol", "programs", "client/editor", "client/server"],
    packages: ["vscode", "vscode-languageclient"],
    node: false,
  },
  {
    path: "client/providers",
    holds: "ghost text in comments, tools for chat agents",
    areas: ["protocol", "programs", "client/editor", "client/server"],
    packages: ["vscode"],
    node: false,
  },
  {
    path: "client/panel",
    holds: "the panel's half in the extension; a separate bundle",
    areas: ["protocol", "client/editor", "client/server"],
    packages: ["vscode", "vscode-languageclient"],
    node: true,
  },
  {
    path: "client/extension.ts",
    holds: "activation and deactivation of the extension",
    areas: ["protocol", "client/editor", "client/server", "client/commands", "client/providers", "client/panel"],
    packages: ["vscode"],
    node: false,
  },
  {
    path: "bench",
    holds: "benchmarks, `quality/` and `speed/`, compared with peers, which are installed into bench/node_modules",
    areas: [
      ...base,
      "server/metrics",
      "server/command-work.ts",
      "server/training",
      "server/features",
      "server/panel",
      "server/evaluation",
    ],
    packages: ["zod", "commander", "esbuild", "vscode", "@lezer/markdown", "htmlparser2", "jsonc-parser"],
    node: true,
  },
];

/** The area of a file: the one with the longest path that contains it. */
export function areaOf(file: string): Area | undefined {
  return AREAS.filter(({ path }) => file === path || file.startsWith(`${path}/`)).reduce<Area | undefined>(
    (longest, area) => (longest === undefined || area.path.length > longest.path.length ? area : longest),
    undefined,
  );
}
