/** The folders of the sources, what each holds, and what it may import: the table of ARCHITECTURE.md, which a test compares with this one. */

/** A folder (or file) of the sources with all below it that is not an area of its own. */
export interface Area {
  readonly path: string;
  readonly holds: string;
  /** Areas that it may import beside itself; each stands above it in the table, so that there is no circle. */
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
    holds: "what every area may import: an error's words, figures in words, optional properties",
    areas: [],
    packages: [],
    node: false,
  },
  {
    path: "protocol",
    holds:
      "settings, requests, questions of the panel, training runs, text that a person is shown: what server and client share",
    areas: [],
    packages: ["zod", "vscode-languageserver-protocol"],
    node: false,
  },
  {
    path: "models",
    holds:
      "what a model is: graphs, T5's layers, checkpoints, tokenizers, word pairs; bytes and values, no files, no runtime",
    areas: [],
    packages: ["zod", "@huggingface/tokenizers", "protobufjs", "fzstd"],
    node: false,
  },
  {
    path: "server/files",
    holds: "files: read or written whole, removed only where they are ours, locked, kept inside a folder",
    areas: ["models"],
    packages: ["zod"],
    node: true,
  },
  {
    path: "server/text",
    holds: "text: input, sentences, languages, the files of a folder, what is private",
    areas: ["models", "server/files"],
    packages: ["eld", "ignore"],
    node: true,
  },
  {
    path: "server/catalog",
    holds: "the models there are: published, installed; `hub/` gets them, `folder/` opens one and prepares its weights",
    areas: ["models", "server/files"],
    packages: ["zod", "@huggingface/hub", "undici", "yauzl"],
    node: true,
  },
  {
    path: "server/engine",
    holds:
      "a loaded model: `engine` (the interface), `runtime/` (ONNX Runtime), `search/` (choosing tokens), `process/` (in this process or a child)",
    areas: ["models", "server/files", "server/catalog"],
    packages: ["zod", "lru-cache", "onnxruntime-node", "onnxruntime-web"],
    node: true,
  },
  {
    path: "server/metrics",
    holds: "judging outputs: ROUGE, gaps, faithfulness, intervals, calibration",
    areas: ["models", "server/catalog"],
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
    path: "server/work.ts",
    holds: "what a command's work is given and returns",
    areas: [],
    packages: [],
    node: false,
  },
  {
    path: "server/training",
    holds:
      "fine-tuning: `data/` (rows and texts to examples), `step/` (loss, gradients, optimizer), `run/` (the loop and what it leaves)",
    areas: [...base, "server/metrics", "server/output.ts", "server/work.ts"],
    packages: ["zod", "csv-parse", "hyparquet", "hyparquet-compressors", "protobufjs", "yaml"],
    node: true,
  },
  {
    path: "server/features",
    holds:
      "what a person asks for: `write/` (infill, completion, rephrasing), `read/` (summaries), `ask/` (answers, labels)",
    areas: [...base, "server/metrics", "server/training"],
    packages: ["zod", "lru-cache", "yaml"],
    node: true,
  },
  {
    path: "server/panel",
    holds: "the panel's questions that need no run: the list of models, measuring, devices, the playground",
    areas: base,
    packages: ["zod"],
    node: true,
  },
  {
    path: "server/runs",
    holds: "training runs as the panel sees them: a folder each, a process that outlives the server",
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
    path: "server/open-model.ts",
    holds: "loads the model that a command names",
    areas: [...base, "server/output.ts", "server/panel"],
    packages: [],
    node: false,
  },
  {
    path: "server/evaluation",
    holds: "a model judged on data, in several processes",
    areas: [...base, "server/metrics", "server/work.ts", "server/training", "server/features", "server/open-model.ts"],
    packages: ["zod"],
    node: true,
  },
  {
    path: "server/lsp",
    holds:
      "the language server's handlers, which never see the connection; `engine/` (the model in use), `document/` (work on open documents)",
    areas: [...base, "server/features", "server/panel", "server/runs", "server/tools.ts"],
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
    holds: "the command line, a file a command",
    areas: [
      ...base,
      "server/metrics",
      "server/output.ts",
      "server/work.ts",
      "server/training",
      "server/features",
      "server/panel",
      "server/open-model.ts",
      "server/evaluation",
      "server/main.ts",
      "server/mcp.ts",
    ],
    packages: ["zod", "commander"],
    node: true,
  },
  {
    path: "server/cli.ts",
    holds: "its entry point",
    areas: ["server/files", "server/work.ts", "server/cli"],
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
    holds: "VS Code's notices, picks, log, status items: the only files that show text there",
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
    holds: "the commands of the palette; a bundle of its own",
    areas: ["protocol", "client/editor", "client/server"],
    packages: ["vscode", "vscode-languageclient"],
    node: false,
  },
  {
    path: "client/providers",
    holds: "ghost text in comments, tools for chat agents",
    areas: ["protocol", "client/editor", "client/server"],
    packages: ["vscode"],
    node: false,
  },
  {
    path: "client/panel",
    holds: "the panel's half in the extension; a bundle of its own",
    areas: ["protocol", "client/editor", "client/server"],
    packages: ["vscode", "vscode-languageclient"],
    node: true,
  },
  {
    path: "client/extension.ts",
    holds: "the extension's beginning and end",
    areas: ["protocol", "client/editor", "client/server", "client/commands", "client/providers", "client/panel"],
    packages: ["vscode"],
    node: false,
  },
  {
    path: "bench",
    holds: "measurements, side by side with peers, which install into bench/node_modules",
    areas: [
      ...base,
      "server/metrics",
      "server/work.ts",
      "server/training",
      "server/features",
      "server/panel",
      "server/evaluation",
    ],
    packages: ["zod", "commander", "esbuild", "vscode"],
    node: true,
  },
];

/** The area of a file: the longest path that holds it. */
export function areaOf(file: string): Area | undefined {
  return AREAS.filter(({ path }) => file === path || file.startsWith(`${path}/`)).reduce<Area | undefined>(
    (longest, area) => (longest === undefined || area.path.length > longest.path.length ? area : longest),
    undefined,
  );
}
