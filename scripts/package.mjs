// `npm run package [-- --target linux-x64]`: an installable VSIX with what runs on that platform and nothing else.
// `npm run package -- --target npm`: the command line and language server as an npm package, for other editors.
// What went in is printed and held against a list of what may.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { npm, root, tool } from "./editor/tools.mjs";

/** Targets of vsce, and the folder of onnxruntime-node's native binary; none: the extension then says that it cannot run. */
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
};
const MODELS = [
  /^models\/builtin\/[\w.-]+\/(config|tokenizer|spanfill|generation_config|eval)\.json$/,
  /^models\/builtin\/[\w.-]+\/(model\.int8\.safetensors|README\.md)$/,
  /^models\/builtin\/sample(-gaps)?\.md$/,
];
const TEXTS = [/^package\.json$/, /^(readme|changelog)\.md$/i, /^(LICENSE(\.txt)?|NOTICE)$/];
const VSIX = [
  ...TEXTS,
  ...MODELS,
  /^dist\/(client\.cjs|server\.js|child\.js|chunk-\w+\.js|[\w.-]+\.LEGAL\.txt)$/,
  /^dist\/node_modules\/onnxruntime-(node|common)\/(package\.json|dist\/(cjs\/)?[\w-]+\.js)$/,
  /^dist\/node_modules\/onnxruntime-common\/dist\/cjs\/package\.json$/,
];
const TARBALL = [...TEXTS, ...MODELS, /^dist\/(cli|server|child|chunk-\w+)\.js$/, /^dist\/[\w.-]+\.LEGAL\.txt$/];
const NEEDED = ["package.json", "dist/server.js", "dist/child.js"];
/** Open VSX takes 256 MB; the largest native binary is 64. */
const MOST_BYTES = 100e6;

process.chdir(root);
const { values } = parseArgs({
  options: { target: { type: "string", default: `${process.platform}-${process.arch}` } },
});
const { target } = values;
if (target !== "npm" && !Object.hasOwn(NATIVE, target)) {
  console.error(`There is no target "${target}": use ${Object.keys(NATIVE).join(", ")} or npm.`);
  process.exit(2);
}
const { status } = spawnSync(process.execPath, ["esbuild.mjs"], { stdio: "inherit" });
if (status !== 0) process.exit(1);
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
if (target === "npm") packTarball();
else await packExtension();

/** What `npm pack` makes of package.json's `files`. */
function packTarball() {
  const [made] = JSON.parse(npm(["pack", "--json", "--pack-destination", "dist"], root));
  const entries = made.files.map(({ path, size }) => ({ path, bytes: size }));
  report(join("dist", made.filename), made.size, entries, TARBALL, [...NEEDED, "dist/cli.js"]);
}

async function packExtension() {
  const stage = join("dist", "stage", target);
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(join(stage, "dist"), { recursive: true });
  const { scripts, devDependencies, dependencies, files, bin, engines, ...kept } = manifest;
  writeFileSync(
    join(stage, "package.json"),
    JSON.stringify({ ...kept, engines: { vscode: engines.vscode } }, undefined, 2),
  );
  for (const name of [".vscodeignore", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE", "models/builtin"]) {
    if (existsSync(name)) cpSync(name, join(stage, name), { recursive: true });
  }
  for (const name of ["client.cjs", ...bundles("server.js", "child.js")]) {
    for (const file of [name, `${name}.LEGAL.txt`]) {
      if (existsSync(join("dist", file))) cpSync(join("dist", file), join(stage, "dist", file));
    }
  }
  stageRuntime(join(stage, "dist", "node_modules"));

  const path = join("dist", `${manifest.name}-${target}-${manifest.version}.vsix`);
  const half = `${path}.part`;
  await tool("@vscode/vsce").createVSIX({
    cwd: stage,
    packagePath: half,
    target,
    dependencies: false,
    allowMissingRepository: true,
    rewriteRelativeLinks: false, // the README names files of the repository, which has no public address yet
  });
  const entries = (await zipEntries(half))
    .filter(({ path: name }) => name.startsWith("extension/"))
    .map(({ path: name, bytes }) => ({ path: name.slice("extension/".length), bytes }));
  const native = NATIVE[target];
  const binary = `dist/node_modules/onnxruntime-node/bin/napi-v6/${native}/`;
  const allowed = native === undefined ? VSIX : [...VSIX, new RegExp(`^${binary}[\\w.-]+\\.(node|so\\.1|dll|dylib)$`)];
  const needed = [...NEEDED, "dist/client.cjs", ...(native === undefined ? [] : [`${binary}onnxruntime_binding.node`])];
  report(path, statSync(half).size, entries, allowed, needed);
  renameSync(half, path);
  rmSync(stage, { recursive: true });
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

/** onnxruntime-node with the one platform's binary; its other dependencies only serve its installer. */
function stageRuntime(folder) {
  const native = NATIVE[target];
  const parts = [
    ["onnxruntime-node", "package.json"],
    ["onnxruntime-node", "dist"],
    ...(native === undefined ? [] : [["onnxruntime-node", "bin", "napi-v6", ...native.split("/")]]),
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
}

/** The files of a zip archive and their unpacked sizes. */
async function zipEntries(path) {
  const zip = await new Promise((resolve, reject) => {
    tool("yauzl").open(path, { lazyEntries: true }, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  const entries = [];
  await new Promise((resolve, reject) => {
    zip.on("error", reject).on("end", resolve);
    zip.on("entry", ({ fileName, uncompressedSize }) => {
      entries.push({ path: fileName, bytes: uncompressedSize });
      zip.readEntry();
    });
    zip.readEntry();
  });
  return entries;
}

/** Prints what is in a package; ends with exit code 1 when something is in it that may not be, or is missing. */
function report(path, packedBytes, entries, allowed, needed) {
  const width = Math.max(...entries.map(({ path: name }) => name.length));
  for (const { path: name, bytes } of entries.toSorted((a, b) => b.bytes - a.bytes)) {
    console.log(`  ${name.padEnd(width)}  ${(bytes / 1e3).toFixed(1).padStart(10)} kB`);
  }
  const unpacked = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(
    `${relative(root, path)}: ${entries.length} files, ${(packedBytes / 1e6).toFixed(1)} MB, ${(unpacked / 1e6).toFixed(1)} MB unpacked`,
  );
  if (!entries.some(({ path: name }) => name.endsWith("/model.int8.safetensors"))) {
    console.error("Warning: there is no built-in model in models/builtin, so the package holds none.");
  }
  const problems = [
    ...entries
      .filter(({ path: name }) => !allowed.some((rule) => rule.test(name)))
      .map(({ path: name }) => `${name} may not be in it`),
    ...needed.filter((name) => !entries.some((entry) => entry.path === name)).map((name) => `${name} is missing`),
    ...(packedBytes > MOST_BYTES ? [`it is larger than ${MOST_BYTES / 1e6} MB`] : []),
  ];
  if (problems.length === 0) return;
  console.error(`${basename(path)} is not as it should be:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
