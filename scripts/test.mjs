// Runs the unit tests: builds dist/, bundles every test file with esbuild, then hands the bundles to node:test, one at
// a time for each core or one more. Arguments pick files by substring: `node scripts/test.mjs spans` runs
// test/**/*spans*.test.ts.
// With --events the end of each test is a line of JSON; a skipped one carries the reason in the place of `ok`.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { build } from "esbuild";
import { built } from "./build.mjs";
import { sameCases } from "./same-cases.mjs";
import { wat } from "./wat.mjs";

/** The longest, which compute all the time: they run first, one for each core. */
const COMPUTING = ["builtin/builtin", "cli/train.", "parity/", "text/document/fuzz"];
/** The next longest, before the others. These and the others wait now and then, so one more runs beside them. */
const LONG = [
  ...["lsp/server", "cli/cli", "network/commands", "runs/service", "training/", "lsp/", "cli/evaluate"],
  ...["engine/runtime/session-wasm", "catalog/hub/"],
];

/**
 * Folders whose files share a process, in a run of all: their tests take less time than it takes to start a process and
 * load what they import.
 */
const SHARED = [
  ...["base", "checkpoint", "features/read", "features/write", "files", "graph", "metrics", "panel"],
  ...["protocol", "text", "text/document", "tokenizer", "words"],
];
/** Files in them that change what others see, or measure time. */
const ALONE = ["features/read/link-target", "text/place", "text/sentences", "text/document/fuzz", "text/document."];

/** Files that the report names as the slowest. */
const MOST_LISTED = 15;

const picks = process.argv.slice(2).filter((argument) => argument !== "--events");
const files = readdirSync("test", { recursive: true })
  .map((name) => name.replaceAll("\\", "/"))
  .filter((name) => name.endsWith(".test.ts") && !name.startsWith("e2e"))
  .filter((name) => picks.length === 0 || picks.some((pick) => name.includes(pick)))
  .sort((a, b) => turn(a) - turn(b));
if (files.length === 0) {
  console.error(`no test file matches ${picks.join(", ")}`);
  process.exit(2);
}

// The one build that every test runs.
if (!built()) process.exit(1);
const outdir = join("dist", `test-${process.pid}`);
const cache = mkdtempSync(join(tmpdir(), "spanfill-test-"));
process.on("exit", () => {
  for (const folder of [outdir, cache]) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
/** Bundles by their names in `outdir`. */
const bundles = new Map();
for (const name of files) {
  const folder = dirname(name);
  const isShared = picks.length === 0 && SHARED.includes(folder) && !ALONE.some((each) => name.startsWith(each));
  const bundle = isShared ? `${folder}/all` : name.replace(/\.ts$/, "");
  bundles.set(bundle, [...(bundles.get(bundle) ?? []), name]);
}
const entries = join(outdir, "entries");
const entryPoints = {};
for (const [bundle, names] of bundles) {
  entryPoints[bundle] = join("test", names[0]);
  if (!bundle.endsWith("/all")) continue;
  entryPoints[bundle] = join(entries, `${bundle}.ts`);
  mkdirSync(dirname(entryPoints[bundle]), { recursive: true });
  const imports = names.map((name) => `import ${JSON.stringify(resolve("test", name))};\n`);
  writeFileSync(entryPoints[bundle], imports.join(""));
}
await build({
  entryPoints,
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  plugins: [wat, sameCases],
  // What several import is bundled once.
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
  // Each file prepares the tests' models in a separate folder, not among a person's.
  banner: { js: `process.env.SPANFILL_CACHE = ${JSON.stringify(cache)} + "/" + process.pid;` },
});

const names = [];
const outcome = { passed: 0, failed: 0, skips: [] };
/** Seconds that the tests of each file took. */
const seconds = new Map();
if (process.argv.includes("--events")) for await (const event of events()) printEvent(event);
else {
  await pipeline(Readable.from(events()), new spec(), process.stdout, { end: false });
  report();
}
process.exitCode = outcome.failed > 0 ? 1 : 0;

function turn(name) {
  const i = [...COMPUTING, ...LONG].findIndex((each) => name.startsWith(each));
  return i < 0 ? Number.MAX_SAFE_INTEGER : i;
}

/** The events of all files, without the totals. */
async function* events() {
  const isComputing = (bundle) => COMPUTING.some((each) => bundle.startsWith(each));
  const cores = availableParallelism();
  for (const [isFirst, concurrency] of [
    [true, cores],
    [false, cores + 1],
  ]) {
    const paths = [...bundles.keys()].filter((bundle) => isComputing(bundle) === isFirst);
    if (paths.length === 0) continue;
    for await (const event of run({ files: paths.map((bundle) => join(outdir, `${bundle}.mjs`)), concurrency })) {
      if (event.type === "test:diagnostic" && event.data.nesting === 0) continue;
      count(event);
      yield event;
    }
  }
}

function count({ type, data: { name, file, skip, todo, nesting, details } }) {
  if ((type === "test:pass" || type === "test:fail") && nesting === 0)
    seconds.set(source(file), (seconds.get(source(file)) ?? 0) + details.duration_ms / 1000);
  if (type === "test:fail" && todo === undefined) outcome.failed += 1;
  else if (type === "test:pass" && skip !== undefined) outcome.skips.push(`${source(file)}: ${name} (${reason(skip)})`);
  else if (type === "test:pass") outcome.passed += 1;
}

function reason(skip) {
  return typeof skip === "string" && skip !== "" ? skip : "not for this system";
}

function source(path) {
  return [...bundles.keys()].find((bundle) => path?.endsWith(`${bundle}.mjs`))?.replace(/\.test$/, "");
}

/** The end of the report: the files that take longest, and skipped tests, of whose subject nothing is known. */
function report() {
  const { passed, failed, skips } = outcome;
  const slowest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, MOST_LISTED);
  if (seconds.size > 1) console.log(`slowest: ${slowest.map(([name, s]) => `${name} ${s.toFixed(0)} s`).join(", ")}`);
  for (const skip of skips) console.log(`skipped: ${skip}`);
  console.log(
    `${passed} passed, ${failed} failed, ${skips.length} skipped, in ${Math.round(performance.now() / 1000)} s`,
  );
}

function printEvent({ type, data: { name, nesting, file, skip } }) {
  if (type === "test:start") names.splice(nesting, names.length, name);
  if (type !== "test:pass" && type !== "test:fail") return;
  const test = [...names.slice(0, nesting), name].join(" > ");
  const result = skip === undefined ? { ok: type === "test:pass" } : { skipped: reason(skip) };
  console.log(JSON.stringify({ file: source(file), test, ...result }));
}
