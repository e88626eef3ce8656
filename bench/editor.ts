/**
 * `bench editor`: how soon ghost text appears in a real VS Code, compared with a provider that answers immediately;
 * activation and memory.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { meansFolder } from "../server/catalog/installed.ts";
import { type WindowMemory, windowMemory } from "./editor/memory.ts";
import { drawPlaces, type Place } from "./editor/places.ts";
import { type EditorWindow, type Keystroke, listenForWindows, type Page } from "./editor/window.ts";
import { calledFrom } from "./support/called-from.ts";
import { median, quantile } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

/** Options of the measurement. */
export interface EditorOptions {
  /** Keystrokes of each contender, in turns, each in a separate document. */
  readonly keystrokes: number;
  /** Windows that they are spread over; in each the extension is activated anew and the engine started. */
  readonly windows: number;
  /** Folder of a model instead of the built-in one. */
  readonly model?: string;
  /** An existing package. */
  readonly vsix?: string;
}

/** The editor tests' harness (scripts/editor), which is JavaScript. */
interface Harness {
  readonly tool: (name: string) => { createVSIX(options: object): Promise<void> };
  readonly installEditor: () => { readonly browser: string };
  readonly startCodeServer: (editor: object, options: object) => Promise<CodeServer>;
  readonly openPage: (browser: string) => Promise<{ page: Page; close: () => Promise<void> }>;
  readonly CALM_SETTINGS: object;
}

interface CodeServer {
  readonly host: string;
  /** The installed extension's folder. */
  readonly extension: string;
  readonly stop: () => void;
}

/** Milliseconds, as VS Code itself reports them. */
interface Activation {
  readonly loadMs: number;
  readonly callMs: number;
}

/** The measurements of one window. */
interface Round {
  /** The first keystroke: the engine's process starts and loads the model. */
  readonly cold: Keystroke;
  readonly pairs: readonly { readonly spanfill: Keystroke; readonly constant: Keystroke }[];
  readonly activation: Activation;
  /** Of an extension that does nothing, activated by the same document: VS Code's own share. */
  readonly emptyActivation: Activation;
}

/** Measures, prints a table, and writes bench/results/editor.json. */
export async function benchEditor(options: EditorOptions): Promise<void> {
  const harness = await loadHarness();
  const folder = mkdtempSync(join(tmpdir(), "spanfill-bench-"));
  const listener = await listenForWindows();
  let server: CodeServer | undefined;
  let close = async () => {};
  try {
    // Through "exit", which ends code-server too.
    process.once("SIGTERM", () => process.exit(143));
    const editor = harness.installEditor();
    const settings = {
      ...harness.CALM_SETTINGS,
      "editor.inlineSuggest.logFetch": true,
      // Whether a suggestion is good enough to be shown is another question than how soon it is there.
      "spanfill.inlineCompletion.minimumConfidence": 0,
      ...(options.model === undefined ? {} : { "spanfill.model": named(options.model) }),
    };
    const vsix = [
      resolve(options.vsix ?? packaged()),
      await packBeside(harness, join(folder, "beside")),
      await packEmpty(harness, join(folder, "empty")),
    ];
    const env = { SPANFILL_BENCH_PORT: String(listener.port) };
    server = await harness.startCodeServer(editor, { folder, vsix, settings, env });
    const { host, extension } = server;
    const opened = await harness.openPage(editor.browser);
    close = opened.close;
    await opened.page.context().addInitScript({ path: resolve("bench/editor/page.js") });
    const newWindow = async (page: Page, name: string) => {
      mkdirSync(join(folder, name));
      const window = await listener.open(page, host, join(folder, name));
      // What else a window starts is not to be counted as ours.
      await sleep(STARTED_MS);
      return { folder: join(folder, name), window };
    };

    const rounds: Round[] = [];
    const places = drawPlaces(options.keystrokes + options.windows);
    const memory: { one?: WindowMemory; two?: readonly [WindowMemory | undefined, WindowMemory | undefined] } = {};
    for (let i = 0; i < options.windows; i++) {
      const first = await newWindow(opened.page, `window-${i}`);
      rounds.push(await measure(first, places.slice(...share(places.length, i, options.windows))));
      if (i < options.windows - 1) {
        await opened.page.goto("about:blank");
        continue;
      }
      const one = windowMemory(extension, first.window.hostPid);
      const second = await newWindow(await opened.page.context().newPage(), "second");
      await measure(second, places.slice(0, 5));
      const two = [
        windowMemory(extension, first.window.hostPid),
        windowMemory(extension, second.window.hostPid),
      ] as const;
      Object.assign(memory, { one, two });
    }
    report(rounds, memory);
  } finally {
    await close();
    server?.stop();
    listener.dispose();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** By then a new window has started its own services. */
const STARTED_MS = 5000;
/** The time that a person takes to look at an opened document. */
const SETTLE_MS = 1000;
const START_MS = 30_000;

async function measure(
  { window, folder }: { readonly window: EditorWindow; readonly folder: string },
  places: readonly Place[],
): Promise<Round> {
  const [beginning, ...rest] = places;
  if (beginning === undefined) throw new Error("There are more windows than keystrokes.");
  let count = 0;
  const type = async ({ text, offset, key }: Place, extension: string, attempts = 3): Promise<Keystroke> => {
    const path = join(folder, `${count++}.${extension}`);
    writeFileSync(path, text);
    await window.ask({ ask: "open", path, offset });
    if (count === 1) await serverStarted(window);
    await sleep(count === 1 ? 2 * SETTLE_MS : SETTLE_MS);
    const made = await window.press(key === " " ? "Space" : key);
    if (made !== undefined) return made;
    // A window that has just started, on a busy machine, may not have heard of the provider yet.
    console.error(`VS Code asked no provider when a key was pressed in ${path}.`);
    if (attempts === 1) throw new Error("VS Code asked no provider three times in a row.");
    return type({ text, offset, key }, extension, attempts - 1);
  };
  const cold = await type(beginning, "md");
  const pairs: { spanfill: Keystroke; constant: Keystroke }[] = [];
  for (const [i, place] of rest.entries()) {
    // The order alternates, so that neither side always comes second.
    if (i % 2 === 0) pairs.push({ spanfill: await type(place, "md"), constant: await type(place, "constant") });
    else {
      const constant = await type(place, "constant");
      pairs.push({ constant, spanfill: await type(place, "md") });
    }
  }
  const startup = await window.ask({ ask: "startup" });
  return {
    cold,
    pairs,
    activation: activationIn(startup, "spanfill.spanfill"),
    emptyActivation: activationIn(startup, "spanfill-bench.empty"),
  };
}

/** Waits until the language server answers, without starting the engine. */
async function serverStarted(window: EditorWindow): Promise<void> {
  const until = Date.now() + START_MS;
  for (;;) {
    const failure = await window.ask({ ask: "command", command: "spanfill.status" }).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return;
    if (Date.now() > until) throw failure;
    await sleep(100);
  }
}

/** A row of "Developer: Startup Performance": | extension | eager | load | call | finish | event | by |. */
function activationIn(text: unknown, id: string): Activation {
  const row = new RegExp(`^\\| ${id.replace(".", "\\.")} +\\| \\w+ +\\| (\\d+) +\\| (\\d+) +\\|`, "m");
  const [, load, call] = row.exec(String(text)) ?? [];
  if (load === undefined || call === undefined)
    throw new Error(`VS Code did not say when it activated ${id}:\n${text}`);
  return { loadMs: Number(load), callMs: Number(call) };
}

function report(
  rounds: readonly Round[],
  memory: { one?: WindowMemory; two?: readonly [WindowMemory | undefined, WindowMemory | undefined] },
): void {
  const pairs = rounds.flatMap((round) => round.pairs);
  const of = (who: "spanfill" | "constant", what: keyof Keystroke) => pairs.flatMap((pair) => pair[who][what] ?? []);
  const above = pairs.flatMap(({ spanfill, constant }) =>
    spanfill.toPaintMs === undefined || constant.toPaintMs === undefined ? [] : spanfill.toPaintMs - constant.toPaintMs,
  );
  const figures: [what: string, who: string, values: number[], target: string][] = [
    ["provider call to items", "Spanfill", of("spanfill", "toItemsMs"), "40"],
    ["", "first in a window", rounds.map(({ cold }) => cold.toItemsMs), ""],
    ["", "constant", of("constant", "toItemsMs"), ""],
    ["key to provider call", "Spanfill", of("spanfill", "toCallMs"), ""],
    ["", "constant", of("constant", "toCallMs"), ""],
    ["key to painted ghost text", "Spanfill", of("spanfill", "toPaintMs"), ""],
    ["", "constant", of("constant", "toPaintMs"), ""],
    ["", "Spanfill above constant", above, "100"],
    ["activation", "Spanfill", rounds.map(({ activation }) => activation.loadMs + activation.callMs), "100"],
    ["", "an empty extension", rounds.map(({ emptyActivation: { loadMs, callMs } }) => loadMs + callMs), ""],
  ];
  const cpu = cpus()[0]?.model.trim();
  console.log(
    `\n${cpu}, ${availableParallelism()} threads; milliseconds; ${rounds.length} windows, keystrokes in turns`,
  );
  printTable([
    ["", "", "n", "p50", "p95", "most", "target"],
    ...figures.map(([what, who, values, target]) => {
      const cells = [median(values), quantile(values, 0.95), Math.max(...values)].map((value) => value.toFixed(0));
      return [what, who, String(values.length), ...cells, target];
    }),
  ]);
  const windows = [memory.one === undefined ? [] : [memory.one], memory.two ?? []];
  const rows = windows.map((open) => {
    const known = open.flatMap((one) => one ?? []);
    const sum = (pick: (one: WindowMemory) => number) =>
      (known.reduce((all, one) => all + pick(one), 0) / 1e6).toFixed(0);
    return [
      `${known.length}`,
      sum(({ engine }) => engine.rss),
      sum(({ engine }) => engine.pss),
      sum(({ server }) => server.rss),
      sum(({ server }) => server.pss),
      sum(({ engine, server }) => engine.pss + server.pss),
    ];
  });
  console.log("\nMemory of Spanfill's processes, MB (shared: pages that several processes use are divided among them)");
  printTable([["windows", "engines", "shared", "servers", "shared", "together"], ...rows]);
  mkdirSync("bench/results", { recursive: true });
  const result = { cpu, threads: availableParallelism(), rounds, memory };
  writeFileSync("bench/results/editor.json", `${JSON.stringify(result, null, 2)}\n`);
}

async function loadHarness(): Promise<Harness> {
  const files = ["tools", "install", "code-server"].map((name) => resolve(`scripts/editor/${name}.mjs`));
  return Object.assign({}, ...(await Promise.all(files.map((file) => import(pathToFileURL(file).href))))) as Harness;
}

function packaged(): string {
  const made = spawnSync(process.execPath, ["scripts/package.mjs"], { encoding: "utf8" });
  const path = /^(\S+\.vsix): /m.exec(made.stdout)?.[1];
  if (made.status !== 0 || path === undefined)
    throw new Error(`The package could not be made:\n${made.stdout}${made.stderr}`);
  return path;
}

/** The benchmark's own extension as a VSIX. */
async function packBeside(harness: Harness, stage: string): Promise<string> {
  mkdirSync(stage);
  for (const name of ["package.json", "constant.tmLanguage.json"])
    cpSync(join("bench/editor", name), join(stage, name));
  const outfile = join(stage, "extension.cjs");
  await build({
    entryPoints: ["bench/editor/extension.ts"],
    outfile,
    bundle: true,
    format: "cjs",
    platform: "node",
    external: ["vscode"],
  });
  return pack(harness, stage);
}

/** An extension that does nothing when a Markdown document is opened. */
async function packEmpty(harness: Harness, stage: string): Promise<string> {
  mkdirSync(stage);
  const { engines, publisher, version } = JSON.parse(readFileSync("bench/editor/package.json", "utf8"));
  const activationEvents = ["onLanguage:markdown"];
  const manifest = { name: "empty", main: "./extension.cjs", files: ["extension.cjs"], activationEvents };
  writeFileSync(join(stage, "package.json"), JSON.stringify({ ...manifest, engines, publisher, version }));
  writeFileSync(join(stage, "extension.cjs"), "exports.activate = () => undefined;\n");
  return pack(harness, stage);
}

async function pack({ tool }: Harness, stage: string): Promise<string> {
  const packagePath = `${stage}.vsix`;
  await tool("@vscode/vsce").createVSIX({
    cwd: stage,
    packagePath,
    dependencies: false,
    allowMissingRepository: true,
    skipLicense: true,
  });
  return packagePath;
}

function share(count: number, part: number, parts: number): [from: number, to: number] {
  return [Math.floor((count * part) / parts), Math.floor((count * (part + 1)) / parts)];
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The model as a setting names it. */
function named(model: string): string {
  return meansFolder(model) ? resolve(calledFrom(), model) : model;
}
