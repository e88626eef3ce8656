// `npm run package [-- --target linux-x64]`: an installable VSIX with what runs on that platform and nothing else. The
// engine is in it natively, where there is such a binary, and as WebAssembly, which runs anywhere; a `universal`
// package has that alone. `npm run package -- --npm`: the command line and language server as an npm package, for other
// editors. The platform's runtime is inside: as a separate dependency, its install script would fetch CUDA libraries
// from elsewhere, and fail where it cannot. What went in is printed and held against a list of what may, and named in a
// bill of materials. Two builds of a commit have the same bytes.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { built } from "./build.mjs";
import { npm, root, tool } from "./editor/tools.mjs";
import { report, zipEntries } from "./package-report.mjs";
import { billOfMaterials } from "./sbom.mjs";

/** Targets of vsce, and the folder of onnxruntime-node's native binary, where there is one. */
const NATIVE = {
  "linux-x64": "linux/x64",
  "linux-arm64": "linux/arm64",
  "win32-x64": "win32/x64",
  "win32-arm64": "win32/arm64",
  "darwin-arm64": "darwin/arm64",
  "darwin-x64": undefined,
  "linux-armhf": undefined,
  "alpine-x64": undefined,
  "alpine-arm64": undefined,
  universal: undefined,
};
const MODELS = [
  /^models\/builtin\/[\w.-]+\/(config|tokenizer|tokenizer_config|spanfill|generation_config|eval|shortlist|decoding|calibration)\.json$/,
  /^models\/builtin\/[\w.-]+\/(model\.int8\.safetensors|README\.md)$/,
  /^models\/builtin\/(sample(-gaps)?\.md|english\.(ngrams|sentences)\.gz)$/,
];
const TEXTS = [
  /^(package|sbom\.cdx)\.json$/,
  /^(readme|changelog|privacy|telemetry)\.md$/i,
  /^(LICENSE(\.txt)?|NOTICE)$/,
];
const VSIX = [
  ...TEXTS,
  ...MODELS,
  /^(package\.nls|l10n\/bundle\.l10n)(\.[\w-]+)?\.json$/,
  /^media\/(icon\.png|walkthrough\/\w+\.svg)$/,
  /^dist\/(client\.cjs|commands\.cjs|lexers\.cjs|panel-host\.cjs|panel\.js|cli\.js|server\.js|child\.js|chunk-\w+\.js|[\w.-]+\.LEGAL\.txt)$/,
];
const TARBALL = [
  ...TEXTS,
  ...MODELS,
  /^l10n\/bundle\.l10n\.[\w-]+\.json$/,
  /^dist\/(cli|server|child|chunk-\w+)\.js$/,
  /^dist\/[\w.-]+\.LEGAL\.txt$/,
];
const PANEL = ["dist/panel-host.cjs", "dist/panel.js"];
const NEEDED = ["package.json", "sbom.cdx.json", "PRIVACY.md", "dist/cli.js", "dist/server.js", "dist/child.js"];
const BINDING = "onnxruntime_binding.node";

process.chdir(root);
const { values } = parseArgs({
  options: {
    target: { type: "string", default: `${process.platform}-${process.arch}` },
    npm: { type: "boolean", default: false },
  },
});
const { target } = values;
if (!Object.hasOwn(NATIVE, target)) {
  console.error(`There is no target "${target}": use ${Object.keys(NATIVE).join(", ")}.`);
  process.exit(2);
}
const native = NATIVE[target];
// Read by vsce and npm, too: all files get the time of the last commit.
process.env.SOURCE_DATE_EPOCH ||=
  spawnSync("git", ["log", "-1", "--format=%ct"], { encoding: "utf8" }).stdout?.trim() || "1600000000";
/** The folder of the native binary below node_modules. */
const binaries = `onnxruntime-node/bin/napi-v6/${native}`;
const WASM = ["ort.node.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];
if (!built()) process.exit(1);
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
if (values.npm) packTarball();
else await packExtension();

/**
 * What `npm pack` makes of package.json's `files`, and the runtime as a bundled dependency: nothing is fetched to
 * install it.
 */
function packTarball() {
  const stage = emptyStage();
  const { name, version, description, license, keywords, type, bin, files, engines } = manifest;
  const { "onnxruntime-node": runtime, ...wasm } = manifest.dependencies;
  const dependencies = native === undefined ? wasm : { "onnxruntime-node": runtime, ...wasm };
  const [os, cpu] = native?.split("/") ?? [];
  writeJson(join(stage, "package.json"), {
    ...{ name, version, description, license, keywords, type, bin, dependencies },
    files: [...files, "sbom.cdx.json"],
    engines: { node: engines.node },
    bundleDependencies: Object.keys(dependencies),
    // npm then refuses it elsewhere, and says why.
    ...(native && { os: [os], cpu: [cpu], ...(os === "linux" && { libc: ["glibc"] }) }),
  });
  const texts = ["README.md", "CHANGELOG.md", "PRIVACY.md", "TELEMETRY.md", "LICENSE", "NOTICE"];
  stageFiles(stage, ...texts, "models/builtin", "l10n");
  stageBundles(stage, bundles("cli.js", "server.js", "child.js"));
  stageRuntime(join(stage, "node_modules"));

  writeBill(stage, Object.keys(dependencies));
  const [made] = JSON.parse(npm(["pack", "--json", "--pack-destination", ".."], stage));
  const half = join("dist", "stage", made.filename);
  const path = join("dist", `${name}-${target}-${version}.tgz`);
  const entries = made.files.map(({ path: file, size }) => ({ path: file, bytes: size }));
  const rules = [...TARBALL, ...runtimeRules("node_modules")];
  report(path, made.size, entries, rules, [...NEEDED, "dist/cli.js", ...engineFiles("node_modules")]);
  renameSync(half, path);
}

async function packExtension() {
  const stage = emptyStage();
  const { scripts, devDependencies, dependencies, files, bin, engines, ...kept } = manifest;
  writeJson(join(stage, "package.json"), { ...kept, engines: { vscode: engines.vscode } });
  stageFiles(
    stage,
    ".vscodeignore",
    ...readdirSync(".").filter((name) => /^package\.nls(\.\w+)?\.json$/.test(name)),
    "l10n",
    "CHANGELOG.md",
    "PRIVACY.md",
    "TELEMETRY.md",
    "LICENSE",
    "NOTICE",
    "models/builtin",
    "media",
  );
  cpSync("client/README.md", join(stage, "README.md"));
  stageBundles(stage, [
    ...["client.cjs", "commands.cjs", "lexers.cjs", "panel-host.cjs", "panel.js"],
    // Training runs are processes of the command line.
    ...bundles("cli.js", "server.js", "child.js"),
  ]);
  stageRuntime(join(stage, "dist", "node_modules"));

  writeBill(stage, native === undefined ? ["onnxruntime-web"] : ["onnxruntime-node", "onnxruntime-web"]);
  const path = join("dist", `${manifest.name}-${target}-${manifest.version}.vsix`);
  const half = `${stage}.vsix`;
  await tool("@vscode/vsce").createVSIX({
    cwd: stage,
    packagePath: half,
    ...(target !== "universal" && { target }),
    dependencies: false,
    allowMissingRepository: true,
    rewriteRelativeLinks: false, // there is no public address that links could be made to lead to
  });
  const entries = (await zipEntries(half))
    .filter(({ path: name }) => name.startsWith("extension/"))
    .map(({ path: name, bytes }) => ({ path: name.slice("extension/".length), bytes }));
  const rules = [...VSIX, ...runtimeRules("dist/node_modules")];
  report(path, statSync(half).size, entries, rules, [
    ...NEEDED,
    ...["dist/client.cjs", "dist/commands.cjs", "dist/lexers.cjs"],
    ...PANEL,
    ...engineFiles("dist/node_modules"),
  ]);
  renameSync(half, path);
}

/** @param runtime the packages beside the bundles, without what the native one brings */
function writeBill(stage, runtime) {
  const beside = native === undefined ? runtime : [...runtime, "onnxruntime-common"];
  writeJson(join(stage, "sbom.cdx.json"), billOfMaterials(beside, Number(process.env.SOURCE_DATE_EPOCH)));
}

function emptyStage() {
  // Its own, so that two may package at a time.
  const stage = join("dist", "stage", `${target}-${process.pid}`);
  mkdirSync(join(stage, "dist"), { recursive: true });
  process.once("exit", () => {
    for (const path of [stage, `${stage}.vsix`]) rmSync(path, { recursive: true, force: true });
  });
  return stage;
}

function stageFiles(stage, ...names) {
  for (const name of names) if (existsSync(name)) cpSync(name, join(stage, name), { recursive: true });
}

function stageBundles(stage, names) {
  for (const name of names) {
    for (const file of [name, `${name}.LEGAL.txt`]) {
      if (existsSync(join("dist", file))) cpSync(join("dist", file), join(stage, "dist", file));
    }
  }
}

/** The named bundles and the chunks that they, or their chunks, import. */
function bundles(...names) {
  const all = new Set(names);
  for (const name of all) {
    for (const [, chunk] of readFileSync(join("dist", name), "utf8").matchAll(/["']\.\/(chunk-\w+\.js)["']/g))
      all.add(chunk);
  }
  return [...all];
}

/** The runtime's files that a package may hold, and only the target's binaries. */
function runtimeRules(folder) {
  return [
    `onnxruntime-web/(package\\.json|dist/(${WASM.join("|")}))`,
    ...(native === undefined
      ? []
      : [
          "onnxruntime-(node|common)/(package\\.json|dist/(cjs/)?[\\w-]+\\.js)",
          "onnxruntime-common/dist/cjs/package\\.json",
          `${binaries}/[\\w.-]+\\.(node|so\\.1|dll|dylib)`,
        ]),
  ].map((rule) => new RegExp(`^${folder}/${rule}$`));
}

/** The engines' files that a package must have. */
function engineFiles(folder) {
  const wasm = WASM.map((name) => `${folder}/onnxruntime-web/dist/${name}`);
  return native === undefined ? wasm : [...wasm, `${folder}/${binaries}/${BINDING}`];
}

/** ONNX Runtime as WebAssembly, and natively where the platform has that. */
function stageRuntime(folder) {
  for (const name of WASM) {
    const file = join("onnxruntime-web", "dist", name);
    cpSync(join("node_modules", file), join(folder, file));
  }
  const { name, version, license, repository } = packageOf("onnxruntime-web");
  const exports = `./dist/${WASM[0]}`;
  writeJson(join(folder, name, "package.json"), { name, version, license, repository, exports });
  if (native !== undefined) stageNative(folder);
}

/** onnxruntime-node with the one platform's binary, without its install script and what only that needs. */
function stageNative(folder) {
  const parts = [
    ["onnxruntime-node", "dist"],
    binaries.split("/"),
    ["onnxruntime-common", "package.json"],
    ["onnxruntime-common", "dist", "cjs"],
  ];
  // macOS has the library twice; the binding asks for the one with the short name.
  const unused = /\.d\.ts$|\.map$|libonnxruntime\.\d+\.\d+\.\d+\.dylib$/;
  for (const part of parts) {
    cpSync(join("node_modules", ...part), join(folder, ...part), {
      recursive: true,
      dereference: true,
      filter: (path) => !unused.test(path),
    });
  }
  const { name, version, license, repository, main, os, dependencies } = packageOf("onnxruntime-node");
  const common = { "onnxruntime-common": dependencies["onnxruntime-common"] };
  writeJson(join(folder, name, "package.json"), { name, version, license, repository, main, os, dependencies: common });
}

function packageOf(name) {
  return JSON.parse(readFileSync(join("node_modules", name, "package.json"), "utf8"));
}

function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
