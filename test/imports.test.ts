import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { AREAS, type Area, areaOf, FOR_ALL } from "./support/areas.ts";

/** Packages that one file alone may import. */
const alone: Record<string, string> = {
  "onnxruntime-node": "server/engine/runtime/session.ts",
  "onnxruntime-web": "server/engine/runtime/session-wasm.ts",
  "vscode-languageserver": "server/main.ts",
};

const folders = ["base", "protocol", "models", "server", "client", "bench"];
const sources = folders.flatMap((folder) => {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.tsx?$/.test(name) && !name.startsWith("node_modules"))
      .map((name) => join(folder, name).replaceAll("\\", "/"));
  } catch {
    return []; // not there yet
  }
});

/** What a file imports or exports from, types and dynamic imports too. */
function specifiers(text: string): string[] {
  const found = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'])([^"'\s]+)\1/g);
  return [...found].map((match) => match[2] ?? "");
}

/** The source file that a relative import names. */
function targetOf(file: string, specifier: string): string {
  return normalize(join(dirname(file), specifier)).replaceAll("\\", "/");
}

/** What is wrong with an import, or undefined. */
function complaint(file: string, specifier: string): string | undefined {
  const area = areaOf(file);
  if (area === undefined) return "the file is in no area of the table";
  if (specifier.startsWith(".")) {
    const target = targetOf(file, specifier);
    const other = areaOf(target);
    // The benchmarks' clients are the tests' own.
    if (area.path === "bench" && target.startsWith("test/support/")) return undefined;
    const data = /\.json$/.test(target) && /^(models|package\.json)/.test(target);
    const allowed =
      other !== undefined && (other === area || other.path === FOR_ALL || area.areas.includes(other.path));
    return allowed || data ? undefined : `${area.path} may not import ${other?.path ?? target}`;
  }
  if (specifier.startsWith("node:")) return area.node ? undefined : `${area.path} is pure`;
  if (builtinModules.includes(specifier)) return "Node's modules are named node:...";
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  if (!area.packages.includes(name)) return `${area.path} may not import the package ${name}`;
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

test("no import goes in a circle, neither among files nor among areas", () => {
  for (const [i, { path, areas }] of AREAS.entries()) {
    for (const name of areas) {
      const at = AREAS.findIndex((area) => area.path === name);
      assert.ok(at >= 0 && at < i, `${path} may import ${name}, which must stand above it`);
    }
  }
  const imports = new Map(
    sources.map((file) => [file, specifiers(readFileSync(file, "utf8")).map((name) => targetOf(file, name))]),
  );
  assert.deepEqual(circleIn(imports), []);
  const circle = new Map(Object.entries({ a: ["b"], b: ["c"], c: ["b"] }));
  assert.deepEqual(circleIn(circle), ["b", "c", "b"]);
});

/** A path through a graph that ends where it began; empty where there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): string[] => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return [];
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next);
      if (circle.length > 0) return circle;
    }
    path.pop();
    done.add(node);
    return [];
  };
  for (const node of graph.keys()) {
    const circle = visit(node);
    if (circle.length > 0) return circle;
  }
  return [];
}

test("ARCHITECTURE.md has this table, folder by folder", () => {
  const rows = readFileSync("ARCHITECTURE.md", "utf8").split("\n");
  const missing = AREAS.map(architectureRow).filter((row) => !rows.includes(row));
  assert.deepEqual(missing, []);
  assert.equal(
    rows.filter((row) => /^\| `(base|protocol|programs|models|server|client|bench)/.test(row)).length,
    AREAS.length,
  );
});

/** An area's row in ARCHITECTURE.md. */
function architectureRow({ path, holds, areas, packages }: Area): string {
  const may = areas.length === 0 ? "itself" : areas.map((name) => `\`${name}\``).join(", ");
  return `| \`${path}\` | ${holds} | ${may} | ${packages.join(", ")} |`;
}

/** The call in session.ts that switches off what the runtime would report. */
const SWITCH_OFF = "switchOffTelemetry();";

/** Names that lead to the native runtime: the package and its binary, whole or below a path. */
const RUNTIME = /(^|[/\\])onnxruntime-node([/\\]|$)|onnxruntime_binding/;

/** Files that name the runtime and do not load it: each with the reason. */
const namesOnly: Record<string, string> = {
  "scripts/package.mjs": "copies its files into the packages",
  "test/imports.test.ts": "holds this rule",
  "test/support/areas.ts": "holds the table",
  "test/engine/runtime/telemetry.test.ts": "reads its binaries as bytes",
  "test/engine/runtime/session-wasm.test.ts": "writes a broken package of that name",
};

/** Packages that bring an ONNX Runtime of their own; a benchmark's peers load them. */
const PEER = /^@(huggingface|xenova)\/transformers(\/|$)/;
const PEER_OFF = 'process.env.ORT_DISABLE_TELEMETRY = "1";';

/** Why a file may not load a peer's runtime as it does, or undefined. */
function peerComplaint(text: string): string | undefined {
  const at = text.search(/["'`]@(huggingface|xenova)\/transformers/);
  if (!specifiers(text).some((name) => PEER.test(name))) return undefined;
  const isStatic = /^\s*(import|export)\b[^;(]*["']@(huggingface|xenova)\/transformers/m.test(text);
  const off = text.indexOf(PEER_OFF);
  return isStatic || off < 0 || off > at ? `it imports the peer after ${PEER_OFF}, by import()` : undefined;
}

/** Why a file may not name the native runtime as it does, or undefined; strings are looked at wherever they stand. */
function runtimeComplaint(file: string, source: string): string | undefined {
  const text = source.replace(/\bexternal: \[[^\]]*\]/g, ""); // what a bundle leaves out
  const names = [...text.matchAll(/(["'`])((?:(?!\1)[^\n\\]|\\.)*)\1/g)]
    .map((match) => match[2] ?? "")
    .filter(isRuntime);
  if (file !== alone["onnxruntime-node"]) {
    return names.length === 0 || file in namesOnly
      ? undefined
      : `only ${alone["onnxruntime-node"]} may load ${names[0]}`;
  }
  // Types are erased; what loads the runtime comes right after the call.
  const loads = text
    .replace(/^import type [^;]+;/gm, "")
    .replaceAll('typeof import("onnxruntime-node")', "")
    .split(/(?<=["']onnxruntime-node["'])/)
    .slice(0, -1);
  const early = loads.some(
    (before) => !/switchOffTelemetry\(\);\s+return native\(await import\("onnxruntime-node"$/.test(before),
  );
  if (early || loads.length !== 1) return `it loads the runtime once, right after ${SWITCH_OFF}`;
  return undefined;
}

/** A string that is a path or package name, not a sentence. */
function isRuntime(name: string): boolean {
  return !/\s/.test(name) && RUNTIME.test(name);
}

/** Every source of ours that Node or a browser runs, wherever it lies. */
function allSources(extension: RegExp): string[] {
  const listed = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" });
  const files =
    listed.status === 0 ? listed.stdout.split("\n") : readdirSync(".", { recursive: true, encoding: "utf8" });
  return files
    .map((name) => name.replaceAll("\\", "/"))
    .filter(
      (name) => extension.test(name) && !/(^|\/)(node_modules|dist|\.cache|\.git)\//.test(name) && existsSync(name),
    );
}

test("nothing loads the inference runtime but session.ts, which switches its telemetry off first", () => {
  const files = allSources(/\.[cm]?[jt]sx?$/);
  for (const folder of ["bench/", "scripts/", "test/", "server/", "esbuild.mjs"])
    assert.ok(
      files.some((file) => file.startsWith(folder)),
      `no file of ${folder} was looked at`,
    );
  const complaints = files.map((file) => {
    const text = readFileSync(file, "utf8");
    return [file, runtimeComplaint(file, text) ?? peerComplaint(text)];
  });
  assert.deepEqual(
    complaints.filter(([, complaint]) => complaint !== undefined),
    [],
  );
});

const session =
  'import type { Tensor } from "onnxruntime-node";\nswitchOffTelemetry();\nreturn native(await import("onnxruntime-node"));';
const loaders: [string, string, RegExp | undefined][] = [
  ["bench/new.ts", 'import { InferenceSession } from "onnxruntime-node";', /only server/],
  ["bench/peers/new.mjs", "const ort = await import('onnxruntime-node');", /only server/],
  ["scripts/new.mjs", 'createRequire(import.meta.url)("onnxruntime-node/dist/index.js")', /only server/],
  ["scripts/new.mjs", 'const name = "onnxruntime-node"; await import(name)', /only server/],
  ["test/engine/new.test.ts", "import ort from `../node_modules/onnxruntime-node`;", /only server/],
  ["scripts/new.cjs", 'process.dlopen(module, "a/bin/onnxruntime_binding.node")', /only server/],
  ["server/engine/process/local.ts", 'import type { Tensor } from "onnxruntime-node";', /only server/],
  ["esbuild.mjs", 'await build({ external: ["onnxruntime-node", "onnxruntime-web"] })', undefined],
  ["server/features/new.ts", '"Run npm rebuild onnxruntime-node in the folder of"', undefined],
  ["server/engine/runtime/session.ts", session, undefined],
  ["server/engine/runtime/session.ts", session.replace(SWITCH_OFF, ""), /right after/],
  ["server/engine/runtime/session.ts", `${session}\nimport * as ort from "onnxruntime-node";`, /once/],
  ["server/engine/runtime/session.ts", `${session}\nawait import("onnxruntime-node");`, /once/],
];
test("the rule for the runtime tells right from wrong", () => {
  for (const [file, text, expected] of loaders) {
    const what = runtimeComplaint(file, text);
    if (expected === undefined) assert.equal(what, undefined, `${file}: ${text}`);
    else assert.match(String(what), expected, `${file}: ${text}`);
  }
  const peer = 'const { env } = await import("@huggingface/transformers");';
  assert.match(String(peerComplaint(peer)), /after/);
  assert.match(String(peerComplaint(`${peer}\n${PEER_OFF}`)), /after/);
  assert.match(String(peerComplaint(`${PEER_OFF}\nimport { env } from "@huggingface/transformers";`)), /after/);
  assert.equal(peerComplaint(`${PEER_OFF}\n${peer}`), undefined);
});

/** Python libraries that can report home. */
const REPORTING = "onnxruntime|transformers|huggingface_hub|datasets|evaluate|optimum|accelerate|peft|diffusers";
const PYTHON_OFF =
  'os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported';

/** Whether a Python file imports something that reports home before it has switched that off. */
function reportsHome(text: string): boolean {
  const first = text.search(new RegExp(`^[ \\t]*(import|from)[ \\t]+([\\w.]+[ \\t]*,[ \\t]*)*(${REPORTING})\\b`, "m"));
  if (first < 0) return false;
  const off = text.search(new RegExp(`^${PYTHON_OFF.replace(/[.()]/g, "\\$&")}$`, "m"));
  return off < 0 || off > first;
}

test("Python that imports what reports home switches that off first", () => {
  const files = allSources(/\.py$/);
  assert.ok(files.length > 30, `${files.length} Python files found`);
  assert.deepEqual(
    files.filter((file) => reportsHome(readFileSync(file, "utf8"))),
    [],
  );
  assert.equal(reportsHome("import torch\n"), false);
  for (const text of ["import onnxruntime\n", "  from transformers import x\n", "import torch, datasets as d\n"]) {
    assert.equal(reportsHome(text), true, text);
    assert.equal(reportsHome(`import os\n${PYTHON_OFF}\n${text}`), false, text);
    assert.equal(reportsHome(`${text}import os\n${PYTHON_OFF}\n`), true, text);
  }
});

const rows: [string, string, RegExp | undefined][] = [
  ["models/t5/config.ts", "node:fs", /pure/],
  ["models/t5/config.ts", "../../server/engine/engine.ts", /models may not import server\/engine/],
  ["models/t5/config.ts", "../errors.ts", undefined],
  ["models/t5/config.ts", "../../base/defined.ts", undefined],
  ["base/defined.ts", "../models/errors.ts", /base may not import models/],
  ["server/engine/process/local.ts", "onnxruntime-node", /only server\/engine\/runtime\/session\.ts/],
  ["server/engine/runtime/session.ts", "onnxruntime-node", undefined],
  ["server/engine/process/local.ts", "../../features/read/summarize.ts", /engine may not import server\/features/],
  ["server/features/write/infill.ts", "commander", /features may not import the package commander/],
  ["server/features/write/infill.ts", "fs", /node:/],
  ["server/lsp/handlers.ts", "vscode-languageserver/node", /may not import the package/],
  ["server/features/write/fill-gaps.ts", "vscode-languageserver-protocol", /features may not import/],
  ["server/features/write/fill-gaps.ts", "../../lsp/log.ts", /features may not import server\/lsp/],
  ["client/extension.ts", "../server/engine/engine.ts", /may not import server\/engine/],
  ["client/panel/view/main.ts", "vscode", /view may not import/],
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
