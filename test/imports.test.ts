import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";

/**
 * Who may import whom: the table of ARCHITECTURE.md. The first area whose paths hold a file is the file's.
 * `own`: areas beside itself; `packages`: from the registry; `node`: whether Node's own modules may be used.
 */
const areas: { name: string; paths: RegExp; own: string[]; packages: string[]; node: boolean }[] = [
  { name: "protocol", paths: /^protocol\//, own: [], packages: ["zod", "vscode-languageserver-protocol"], node: false },
  {
    name: "models",
    paths: /^models\//,
    own: [],
    packages: ["zod", "@huggingface/tokenizers", "protobufjs", "fzstd"],
    node: false,
  },
  {
    name: "catalog",
    paths: /^server\/catalog\//,
    own: ["models"],
    packages: ["zod", "@huggingface/hub", "undici", "yauzl"],
    node: true,
  },
  {
    name: "engine",
    paths: /^server\/engine\//,
    own: ["models", "catalog"],
    packages: ["zod", "onnxruntime-node", "onnxruntime-web"],
    node: true,
  },
  {
    name: "training",
    paths: /^server\/training\//,
    own: ["protocol", "models", "engine", "catalog"],
    packages: ["zod"],
    node: true,
  },
  {
    name: "features",
    paths: /^server\/features\//,
    // The errors and the text side of models (layout, spans) are values that features deal in.
    own: ["protocol", "models", "engine", "training", "catalog"],
    packages: ["zod", "eld", "ignore", "yaml"],
    node: true,
  },
  {
    name: "runs",
    paths: /^server\/runs\//,
    own: ["protocol", "models", "catalog", "training"],
    packages: ["zod"],
    node: true,
  },
  {
    name: "command line",
    paths: /^server\/(cli\.ts$|cli\/)/,
    own: ["protocol", "models", "catalog", "engine", "training", "features", "language server"],
    packages: ["zod", "commander", "csv-parse", "hyparquet", "hyparquet-compressors", "ignore"],
    node: true,
  },
  {
    name: "language server",
    // main.ts has the connection; lsp/ translates between the protocol and the features, and never sees it.
    paths: /^server\/((?:main|mcp)\.ts$|lsp\/)/,
    own: ["protocol", "models", "catalog", "engine", "training", "features", "runs"],
    packages: [
      "zod",
      "vscode-languageserver",
      "vscode-languageserver-protocol",
      "vscode-languageserver-textdocument",
      "@modelcontextprotocol/sdk",
    ],
    node: true,
  },
  {
    name: "panel's page",
    paths: /^client\/panel\/view\//,
    own: ["protocol"],
    packages: ["lit", "@vscode-elements/elements", "uplot"],
    node: false,
  },
  {
    name: "client",
    paths: /^client\//,
    own: ["protocol"],
    packages: ["vscode", "vscode-languageclient"],
    node: true,
  },
];

/** Packages that one file alone may import. */
const alone: Record<string, string> = {
  "onnxruntime-node": "server/engine/session.ts",
  "onnxruntime-web": "server/engine/session-wasm.ts",
  "vscode-languageserver": "server/main.ts",
};

const folders = ["protocol", "models", "server", "client"];
const sources = folders.flatMap((folder) => {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => join(folder, name).replaceAll("\\", "/"));
  } catch {
    return []; // not there yet
  }
});

/** What a file imports or exports from, types and dynamic imports too. */
function specifiers(text: string): string[] {
  const found = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'])([^"'\n]+)\1/g);
  return [...found].map((match) => match[2] ?? "");
}

/** What is wrong with an import, or undefined. */
function complaint(file: string, specifier: string): string | undefined {
  const area = areas.find(({ paths }) => paths.test(file));
  if (area === undefined) return "the file is in no area of the table";
  if (specifier.startsWith(".")) {
    const target = normalize(join(dirname(file), specifier)).replaceAll("\\", "/");
    const other = areas.find(({ paths }) => paths.test(target));
    const data = /\.json$/.test(target) && /^(models|package\.json)/.test(target);
    const allowed = other !== undefined && (other === area || area.own.includes(other.name));
    return allowed || data ? undefined : `${area.name} may not import ${other?.name ?? target}`;
  }
  if (specifier.startsWith("node:")) return area.node ? undefined : `${area.name} is pure`;
  if (builtinModules.includes(specifier)) return "Node's modules are named node:...";
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  if (!area.packages.includes(name)) return `${area.name} may not import the package ${name}`;
  const only = alone[name];
  return only === undefined || only === file ? undefined : `only ${only} may import ${name}`;
}

test("every import is one that the table of ARCHITECTURE.md allows", () => {
  assert.ok(sources.length > 20, `${sources.length} source files found`);
  const complaints: string[] = [];
  for (const file of sources) {
    for (const specifier of specifiers(readFileSync(file, "utf8"))) {
      const what = complaint(file, specifier);
      if (what !== undefined) complaints.push(`${file}: "${specifier}": ${what}`);
    }
  }
  assert.deepEqual(complaints, []);
});

test("the inference runtime is imported, and in one file", () => {
  const users = sources.filter((file) => specifiers(readFileSync(file, "utf8")).includes("onnxruntime-node"));
  assert.deepEqual(users, ["server/engine/session.ts"]);
});

const rows: [string, string, RegExp | undefined][] = [
  ["models/t5/config.ts", "node:fs", /pure/],
  ["models/t5/config.ts", "../../server/engine/engine.ts", /models may not import engine/],
  ["models/t5/config.ts", "../errors.ts", undefined],
  ["server/engine/local.ts", "onnxruntime-node", /only server\/engine\/session\.ts/],
  ["server/engine/session.ts", "onnxruntime-node", undefined],
  ["server/engine/local.ts", "../features/summarize.ts", /engine may not import features/],
  ["server/features/infill.ts", "commander", /features may not import the package commander/],
  ["server/features/infill.ts", "fs", /node:/],
  ["server/lsp/handlers.ts", "vscode-languageserver/node", /only server\/main\.ts/],
  ["server/features/fill-gaps.ts", "vscode-languageserver-protocol", /features may not import/],
  ["server/features/fill-gaps.ts", "../lsp/log.ts", /features may not import language server/],
  ["client/extension.ts", "../server/engine/engine.ts", /client may not import engine/],
  ["client/panel/view/main.ts", "vscode", /panel's page may not import/],
  ["server/other/new.ts", "./x.ts", /no area/],
];
test("the table tells right from wrong", () => {
  for (const [file, specifier, expected] of rows) {
    const what = complaint(file, specifier);
    if (expected === undefined) assert.equal(what, undefined, `${file} -> ${specifier}`);
    else assert.match(String(what), expected, `${file} -> ${specifier}`);
  }
  const text = `import a from "a";\nimport "b";\nexport type { C } from "c";\nconst d = await import("d");\nimport {\n  e,\n} from "e";`;
  assert.deepEqual(specifiers(text), ["a", "b", "c", "d", "e"]);
});
