/**
 * `bench editor`: how soon ghost text appears in a real VS Code, compared with a provider that answers immediately;
 * activation and memory.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defined } from "../../base/defined.ts";
import { meansFolder } from "../../server/catalog/installed.ts";
import { type CodeServer, type Harness, loadHarness, packaged, packBeside, packEmpty } from "../editor/harness.ts";
import { windowMemory } from "../editor/memory.ts";
import { drawPlaces, type Place } from "../editor/places.ts";
import { type Activation, type MemoryOfWindows, type Round, reportEditor } from "../editor/report.ts";
import { type EditorWindow, type Keystroke, listenForWindows, type Page } from "../editor/window.ts";
import { calledFrom } from "../support/called-from.ts";

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
    const settings = editorSettings(harness, options.model);
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
      // What else a window starts must not be counted as ours.
      await sleep(STARTED_MS);
      return { folder: join(folder, name), window };
    };

    const rounds: Round[] = [];
    const places = drawPlaces(options.keystrokes + options.windows);
    let memory: MemoryOfWindows = {};
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
      memory = { ...defined({ one }), two };
    }
    reportEditor(rounds, memory);
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

/** The editor's settings, with our model if one is named. */
function editorSettings({ CALM_SETTINGS }: Harness, model: string | undefined): object {
  return {
    ...CALM_SETTINGS,
    "editor.inlineSuggest.logFetch": true,
    // Whether a suggestion is good enough to be shown is a separate question from how soon it is there.
    "spanfill.inlineCompletion.minimumConfidence": 0,
    ...(model !== undefined && { "spanfill.model": named(model) }),
  };
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
