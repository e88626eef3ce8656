// `npm run journey [-- --json]`: the modules that one training step enters, from the examples to the optimizer, in the
// order of entry. Each source file is compiled to a separate module, and a small model takes its first step twice: once
// under V8's precise coverage, which counts the calls of each function, and once under its debugger, which stops at the
// first calls of each and sees who called.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { wat } from "./wat.mjs";

const SOURCES = ["base", "protocol", "models", "server"];
mkdirSync("dist", { recursive: true });
const root = resolve(mkdtempSync("dist/journey-"));
const outs = mkdtempSync(join(tmpdir(), "spanfill-journey-"));
/** First calls of a function at which the debugger stops. */
const STOPS = 6;

/** The worker's program: stops the main thread at the first calls of each function. */
const debug = `
const { Session } = require("node:inspector/promises");
const { parentPort, workerData: { functions, prefix } } = require("node:worker_threads");
(async () => {
  const session = new Session();
  session.connectToMainThread();
  parentPort.on("message", () => undefined); // keeps this thread running
  const [scripts, urls, stops, calls] = [new Map(), new Map(), new Map(), []];
  session.on("Debugger.scriptParsed", ({ params: { url, scriptId } }) => {
    if (!url.startsWith(prefix)) return;
    scripts.set(url, scriptId);
    urls.set(scriptId, url);
  });
  session.on("Debugger.paused", ({ params: { callFrames, hitBreakpoints } }) => {
    const [module, ...callers] = callFrames.map(({ location }) => urls.get(location.scriptId));
    calls.push({ module, caller: callers.find((url) => url !== undefined && url !== module) });
    for (const breakpointId of hitBreakpoints) {
      stops.set(breakpointId, (stops.get(breakpointId) ?? 0) + 1);
      if (stops.get(breakpointId) === ${STOPS}) session.post("Debugger.removeBreakpoint", { breakpointId });
    }
    session.post("Debugger.resume");
  });
  await session.post("Debugger.enable");
  for (const { url, start, end } of functions) {
    const scriptId = scripts.get(url);
    const range = { start: { scriptId, ...start }, end: { scriptId, ...end }, restrictToFunction: true };
    const { locations: [location] } = await session.post("Debugger.getPossibleBreakpoints", range);
    if (location) await session.post("Debugger.setBreakpoint", { location }).catch(() => undefined);
  }
  parentPort.once("message", async () => {
    await session.post("Debugger.disable");
    parentPort.postMessage(calls);
  });
  parentPort.postMessage("ready");
})();`;

try {
  await compile();
  const { openStep, dispose } = await firstSteps();
  const functions = await coverage(await openStep());
  const entries = await order(await openStep(), functions);
  await dispose();
  report(functions, entries);
} finally {
  for (const folder of [root, outs]) rmSync(folder, { recursive: true, force: true });
}

/** Compiles each source file by itself. */
async function compile() {
  const files = SOURCES.flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((name) => join(folder, name)),
  ).filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
  const apart = {
    name: "apart",
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, kind }) =>
        kind === "entry-point" ? undefined : { path: path.replace(/\.ts$/, ".mjs"), external: true },
      ),
  };
  await build({
    entryPoints: [...files, "test/support/models/random-model.ts"],
    outdir: root,
    outbase: ".",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    plugins: [apart, wat],
    logLevel: "warning",
  });
}

/** Trainers of a small random model on pairs of texts, each before its first step. */
async function firstSteps() {
  process.env.SPANFILL_CACHE = join(outs, "cache");
  const load = (path) => import(pathToFileURL(join(root, path)).href);
  const { randomModelFolder } = await load("test/support/models/random-model.mjs");
  const { pairDataset } = await load("server/training/data/dataset.mjs");
  const { openTrainer } = await load("server/training/run/trainer.mjs");
  const { readTokenizer } = await load("server/catalog/folder/tokenizer.mjs");
  const base = randomModelFolder({ layers: 2 });
  const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
  const pairs = Array.from({ length: 40 }, (_, i) => {
    const text = Array.from({ length: 4 + (i % 9) }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
    return { source: `${i}`, input: text, target: text.split(" ", 3).join(" "), file: "pairs", row: i + 1 };
  });
  const limits = { prefix: "", maxInputTokens: 64, maxTargetTokens: 32, validationShare: 0.2, seed: 1 };
  const settings = {
    ...{ epochs: 1, batchSize: 8, maxBatchTokens: 100, maxInputTokens: 64, evaluateEvery: 0, judged: 0, patience: 0 },
    ...{ optimizer: "adafactor", learningRate: 0.01, schedule: "linear", warmupSteps: 2, weightDecay: 0, clipNorm: 1 },
    ...{ seed: 3, dropoutRate: 0.1, labelSmoothing: 0.1, zLoss: 1e-4, threads: 1 },
  };
  const run = {
    ...{ base: base.directory, prefixes: {}, settings, data: "pairs", notes: [], reason: "", restart: false },
    dataset: pairDataset(await readTokenizer(base.directory), pairs, limits),
    task: { name: "summarize", metric: "rouge", maxTargetTokens: 16 },
    method: { kind: "full", freezeEmbedding: false },
  };
  const trainers = [];
  return {
    async openStep() {
      const trainer = await openTrainer({ ...run, out: join(outs, `${trainers.length}`) }, () => undefined);
      trainers.push(trainer);
      return () => trainer.step();
    },
    async dispose() {
      for (const trainer of trainers) await trainer.dispose();
      base.dispose();
    },
  };
}

/** The functions of ours that a step calls: their module, where they stand in it, and how often they are called. */
async function coverage(step) {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await step();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  return result
    .filter(({ url }) => url.startsWith(pathToFileURL(root).href))
    .flatMap(({ url, functions }) => {
      const text = readFileSync(fileURLToPath(url), "utf8");
      const place = (offset) => {
        const lines = text.slice(0, offset).split("\n");
        return { lineNumber: lines.length - 1, columnNumber: lines.at(-1).length };
      };
      return functions.flatMap(({ ranges: [{ startOffset, endOffset, count }] }) =>
        count === 0 ? [] : [{ url, start: place(startOffset), end: place(endOffset), count }],
      );
    });
}

/** The first calls of each function in a step, in order: the module that is entered, and the one that called it. */
async function order(step, functions) {
  const worker = new Worker(debug, { eval: true, workerData: { functions, prefix: pathToFileURL(root).href } });
  const heard = () => new Promise((done, failed) => worker.once("message", done).once("error", failed));
  await heard();
  await step();
  worker.postMessage("end");
  const calls = await heard();
  await worker.terminate();
  return calls;
}

function report(functions, calls) {
  const nameOf = (url) => url.slice(pathToFileURL(root).href.length + 1).replace(/\.mjs$/, ".ts");
  const counts = new Map();
  for (const { url, count } of functions) counts.set(url, (counts.get(url) ?? 0) + count);
  const modules = [...new Set([...calls.map(({ module }) => module), ...counts.keys()])].map(nameOf);
  const sideOf = (name) => name.split("/", 1)[0];
  const crossings = new Set();
  for (const { module, caller } of calls) {
    if (caller === undefined) continue;
    const [from, to] = [nameOf(caller), nameOf(module)];
    const sides = [sideOf(from), sideOf(to)];
    if (sides.includes("server") && sides.includes("models")) crossings.add(`${from} -> ${to}`);
  }
  if (process.argv.includes("--json")) {
    console.log(JSON.stringify({ modules, crossings: [...crossings] }));
    return;
  }
  console.log(
    "The modules that a training step enters, in the order of entry, and how often their functions are called:",
  );
  for (const [i, name] of modules.entries()) {
    const calls = counts.get(pathToFileURL(join(root, name.replace(/\.ts$/, ".mjs"))).href);
    console.log(`${`${i + 1}`.padStart(4)}  ${name.padEnd(44)} ${calls}`);
  }
  console.log(`Crossings between server and models: ${crossings.size}`);
  for (const crossing of crossings) console.log(`      ${crossing}`);
}
