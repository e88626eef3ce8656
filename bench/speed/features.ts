/**
 * `bench features`: how long each of the editor's features takes compared with an empty request; large files; memory
 * over time.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { drawPlaces } from "../editor/places.ts";
import { type At, type TimedSession, timedSession } from "../features/session.ts";
import { median, quantile } from "../support/statistics.ts";
import { printTable } from "../support/table.ts";

/** Options of the measurement. */
export interface FeaturesOptions {
  readonly rounds: number;
  /** Suggestions after which memory is looked at again. */
  readonly suggestions: number;
  readonly part: readonly ("features" | "large" | "memory")[];
  readonly model?: string;
}

/** Measures, prints tables, and writes bench/results/features.json. */
export async function benchFeatures(options: FeaturesOptions): Promise<void> {
  const { rounds, part, suggestions, model = "" } = options;
  const settings = { model, inlineCompletion: { minimumConfidence: 0 }, codeLens: { enabled: true } };
  const result: Record<string, unknown> = { cpu: cpus()[0]?.model.trim(), threads: availableParallelism() };
  console.log(`${result["cpu"]}, ${result["threads"]} threads`);
  const session = await timedSession(settings);
  try {
    if (part.includes("features")) result["features"] = await features(session, rounds);
    if (part.includes("large")) result["large"] = await large(session, rounds);
    if (part.includes("memory")) result["memory"] = await memory(session, suggestions);
  } finally {
    await session.dispose();
  }
  mkdirSync("bench/results", { recursive: true });
  writeFileSync("bench/results/features.json", `${JSON.stringify(result, null, 2)}\n`);
}

type Times = Record<string, number[]>;

/** The time of some work beyond that of an empty request, one after another. */
async function above(session: TimedSession, work: () => Promise<unknown>): Promise<number> {
  const constant = await session.constant();
  const began = performance.now();
  await work();
  return performance.now() - began - constant;
}

async function features(session: TimedSession, rounds: number): Promise<Times> {
  const places = drawPlaces(rounds + 1);
  const times: Times = {};
  for (const [i, { text, offset }] of places.entries()) {
    const uri = `file:///features/${i}.md`;
    const section = `# Heading ${i}\n\n${text.slice(Math.max(0, offset - 1500), offset + 1500)}`;
    const lines = section.split("\n");
    // Not the section that is summarized: what is remembered of that would answer the first hover.
    const hovered = `# Another heading ${i}\n\n${text.slice(Math.max(0, offset - 1200), offset + 1200)}`;
    const content = `${section}\n\n${hovered}\n\nThe text has ___ words in it.\n`;
    session.open(uri, content);
    const all = content.split("\n");
    const gap = { start: { line: all.length - 2, character: 0 }, end: { line: all.length - 2, character: 29 } };
    const word = { start: { line: gap.start.line, character: 17 }, end: { line: gap.start.line, character: 22 } };
    const heading = { textDocument: { uri }, position: { line: lines.length + 1, character: 3 } };
    const range = { start: { line: 0, character: 0 }, end: { line: lines.length, character: 0 } };
    const kinds: Record<string, () => Promise<unknown>> = {
      "summary of a section": () => session.command("spanfill.summarizeRange", { uri, range }),
      "the same again": () => session.command("spanfill.summarizeRange", { uri, range }),
      "hover on a heading": () => session.request("textDocument/hover", heading),
      "hover again": () => session.request("textDocument/hover", heading),
      "fill a gap": () => session.command("spanfill.fillGaps", { uri, version: 1, range: gap }),
      "rephrase a word": () => session.command("spanfill.rephrase", { uri, version: 1, range: word }),
      "write a title": () => session.command("spanfill.writeField", { uri, version: 1, field: "title" }),
      "suggest while typing": () => suggest(session, uri, { line: 0, character: 9 }, 2),
      "suggest when asked": () => suggest(session, uri, { line: lines.length + 1, character: 9 }, 1),
      "list code actions": () =>
        session.request("textDocument/codeAction", {
          textDocument: { uri },
          range: word,
          context: { diagnostics: [] },
        }),
      "list code lenses": () => session.request("textDocument/codeLens", { textDocument: { uri } }),
    };
    // The first is the engine's start.
    for (const [kind, work] of Object.entries(kinds)) {
      const ms = await above(session, work);
      if (i > 0) times[kind] = [...(times[kind] ?? []), ms];
    }
  }
  print("Above a request without work, ms; documents of 3,000 characters", times);
  return times;
}

const LARGE_BYTES = 5e6;

/** A Markdown document with many sections, each with a gap. */
function largeDocument(): string {
  const sections: string[] = [];
  const places = drawPlaces(40);
  for (let bytes = 0, i = 0; bytes < LARGE_BYTES; i++) {
    const { text = "", offset = 0 } = places[i % places.length] ?? {};
    // A fence or comment that is cut in two would make code of all that follows.
    const words = text.slice(Math.max(0, offset - 600), offset + 600).replace(/`{3,}|~{3,}|<(?=[\w!])/g, "");
    const section = `## Section ${i}\n\n${words}\n\nIt has ___ words — no more.\n`;
    sections.push(section);
    bytes += Buffer.byteLength(section);
  }
  return sections.join("\n");
}

async function large(session: TimedSession, rounds: number): Promise<Times> {
  const content = largeDocument();
  const uri = "file:///large.md";
  const lines = content.split("\n");
  const from = lines.length / 2;
  /** The lines of the file's second half that begin so: each round asks about another, for answers are remembered. */
  const startingWith = (text: string) => [...lines.keys()].filter((i) => i > from && lines[i]?.startsWith(text));
  const [gaps, headings] = [startingWith("It has ___"), startingWith("## Section")];
  const [middle = 0] = gaps;
  const times: Times = {};
  const time = async (kind: string, work: () => Promise<unknown>) => {
    times[kind] = [...(times[kind] ?? []), await above(session, work)];
  };
  await time("open", async () => {
    session.open(uri, content);
    await session.constant();
  });
  let version = 1;
  let character = 3;
  for (let i = 0; i < 4 * rounds; i++) {
    await time("a keystroke taken", async () => {
      session.change(uri, ++version, { line: middle, character: character++ }, "x");
      await session.constant();
    });
  }
  for (let i = 0; i < rounds; i++) {
    await time("a keystroke and its suggestion", async () => {
      session.change(uri, ++version, { line: middle, character: character++ }, i % 2 === 0 ? " " : "y");
      await suggest(session, uri, { line: middle, character }, 2);
    });
  }
  const document = { textDocument: { uri } };
  for (let i = 0; i < rounds; i++) {
    const [gap = 0, heading = 0] = [gaps[1 + i], headings[i]];
    const at = { start: { line: gap, character: 0 }, end: { line: gap, character: lines[gap]?.length ?? 0 } };
    await time("hover on a heading", () =>
      session.request("textDocument/hover", { ...document, position: { line: heading, character: 4 } }),
    );
    await time("hover beside one", () =>
      session.request("textDocument/hover", { ...document, position: { line: heading + 1, character: 0 } }),
    );
    await time("list code actions", () =>
      session.request("textDocument/codeAction", { ...document, range: at, context: { diagnostics: [] } }),
    );
    await time("list code lenses", () => session.request("textDocument/codeLens", document));
    await time("fill a gap", () => session.command("spanfill.fillGaps", { uri, version, range: at }));
  }
  print(
    `In a Markdown file of ${(Buffer.byteLength(content) / 1e6).toFixed(1)} MB, ms above a request without work`,
    times,
  );
  const { server, engine } = await session.heaps();
  console.log(
    `Memory with it open, MB: server ${mb(server.rss)} (heap ${mb(server.heapUsed)}), engine ${mb(engine.rss)}`,
  );
  return times;
}

async function memory(session: TimedSession, most: number): Promise<unknown> {
  const places = drawPlaces(50);
  const seen: { after: number; server: Heap; engine: Heap }[] = [];
  let count = 0;
  for (const target of [Math.round(most / 10), most]) {
    for (; count < target; count++) {
      const { text = "", offset = 0 } = places[count % places.length] ?? {};
      // Another document now and then, as a day brings it.
      const uri = `file:///memory/${count % 50}.md`;
      if (count < 50) session.open(uri, text);
      const before = text.slice(0, offset).split("\n");
      const at = { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
      session.change(uri, 2 + count, at, "e");
      await suggest(session, uri, { ...at, character: at.character + 1 }, 2);
    }
    seen.push({ after: count, ...(await session.heaps()) });
  }
  console.log("\nIn use after garbage was collected, MB");
  printTable([
    ["suggestions", "server heap", "outside it", "RSS", "engine heap", "outside it", "RSS"],
    ...seen.map(({ after, server, engine }) => [
      String(after),
      ...[server, engine].flatMap((one) => [mb(one.heapUsed), mb(one.external), mb(one.rss)]),
    ]),
  ]);
  const [first, last] = seen;
  if (first !== undefined && last !== undefined) {
    const grown = (who: "server" | "engine") => 100 * (last[who].heapUsed / first[who].heapUsed - 1);
    console.log(`Heap grown: server ${grown("server").toFixed(1)}%, engine ${grown("engine").toFixed(1)}% (at most 5)`);
  }
  return seen;
}

type Heap = Awaited<ReturnType<TimedSession["heaps"]>>["server"];

function suggest(session: TimedSession, uri: string, position: At, triggerKind: 1 | 2): Promise<unknown> {
  const params = { textDocument: { uri }, position, context: { triggerKind } };
  return session.request("textDocument/inlineCompletion", params);
}

function print(title: string, times: Times): void {
  console.log(`\n${title}`);
  printTable([
    ["", "n", "p50", "p95", "most"],
    ...Object.entries(times).map(([kind, values]) => [
      kind,
      String(values.length),
      ...[median(values), quantile(values, 0.95), Math.max(...values)].map((value) => value.toFixed(1)),
    ]),
  ]);
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
