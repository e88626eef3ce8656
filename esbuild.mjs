// Bundles the command line, the language server and the engine's child process into dist/; code that only some commands need goes into chunks.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { eld } from "./scripts/eld.mjs";
import { wat } from "./scripts/wat.mjs";

const outdir = "dist";

/** Leaves parts of the table of training's fields out of a bundle that does not read them: no client shows the command line's help. */
const withoutParts = (...parts) => {
  const pattern = new RegExp(`\\b(${parts.join("|")}): (true|flag\\((\\s*("[^"]*"|'[^']*'),?)*\\s*\\)),?`, "g");
  const strip = ({ path }) => ({ contents: readFileSync(path, "utf8").replace(pattern, ""), loader: "ts" });
  return { name: "without-parts", setup: ({ onLoad }) => onLoad({ filter: /protocol.train-fields.*\.ts$/ }, strip) };
};

const { metafile } = await build({
  entryPoints: { cli: "server/cli.ts", server: "server/main.ts", child: "server/engine/process/child.ts" },
  outdir,
  bundle: true,
  splitting: true,
  chunkNames: "chunk-[hash]",
  format: "esm",
  platform: "node",
  target: "node20",
  external: ["onnxruntime-node", "onnxruntime-web", "@grpc/proto-loader"],
  plugins: [wat, eld],
  // Its CommonJS files load one another in a way that a bundle does not follow.
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
  banner: {
    // protobufjs and others are CommonJS inside an ESM bundle.
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  minify: true,
  legalComments: "linked",
  sourcemap: false,
  metafile: true,
  logLevel: "warning",
});

// Chunks of earlier builds; removed afterwards, so that a command that runs meanwhile finds its own.
const made = new Set(Object.keys(metafile.outputs).map((path) => path.slice(outdir.length + 1)));
for (const name of readdirSync(outdir)) {
  if (name.startsWith("chunk-") && !made.has(name)) rmSync(join(outdir, name));
}

// The extension's half runs inside VS Code, which loads CommonJS. What it imports later, and the panel, are separate files.
const apart = {
  name: "apart",
  setup: ({ onResolve }) => {
    const later = {
      "./commands/commands.ts": "./commands.cjs",
      "./panel/host.ts": "./panel-host.cjs",
      "./lexers.ts": "./lexers.cjs",
    };
    onResolve({ filter: /^\.\/(commands\/commands|panel\/host|lexers)\.ts$/ }, ({ path }) => ({
      path: later[path],
      external: true,
    }));
  },
};
const extension = await build({
  entryPoints: {
    client: "client/extension.ts",
    commands: "client/commands/commands.ts",
    "panel-host": "client/panel/host.ts",
    lexers: "programs/lexers.ts",
  },
  outdir,
  outExtension: { ".js": ".cjs" },
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  external: ["vscode"],
  // require() in the place of import(): the editor gives its own module "vscode" to that alone.
  supported: { "dynamic-import": false },
  plugins: [apart, withoutParts("flag", "ofMachine")],
  minify: true,
  legalComments: "linked",
  sourcemap: false,
  metafile: true,
  logLevel: "warning",
});

// The panel's page.
const page = await build({
  entryPoints: { panel: "client/panel/view/main.ts" },
  outdir,
  bundle: true,
  format: "iife",
  platform: "browser",
  target: "chrome122",
  plugins: [withoutParts("flag", "ofMachine", "required")],
  minify: true,
  legalComments: "linked",
  sourcemap: false,
  metafile: true,
  logLevel: "warning",
});

// The folders of the packages of which something is in the bundles, for the bill of materials.
const used = [metafile, extension.metafile, page.metafile].flatMap(({ outputs }) =>
  Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0)),
);
const folders = used.flatMap((path) => path.match(/^.*node_modules\/(@[^/]+\/)?[^/]+/)?.[0] ?? []);
writeFileSync(join(outdir, "bundled-packages.json"), JSON.stringify([...new Set(folders)].sort()));
