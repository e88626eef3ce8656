/** The measurements of the editor, as tables and as a file. */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { median, quantile } from "../support/statistics.ts";
import { printTable } from "../support/table.ts";
import type { WindowMemory } from "./memory.ts";
import type { Keystroke } from "./window.ts";

/** Milliseconds, as VS Code itself reports them. */
export interface Activation {
  readonly loadMs: number;
  readonly callMs: number;
}

/** The measurements of one window. */
export interface Round {
  /** The first keystroke: the engine's process starts and loads the model. */
  readonly cold: Keystroke;
  readonly pairs: readonly { readonly spanfill: Keystroke; readonly constant: Keystroke }[];
  readonly activation: Activation;
  /** The activation of an extension that does nothing, by the same document: VS Code's share. */
  readonly emptyActivation: Activation;
}

/** The memory of Spanfill's processes with one window open, and with two. */
export interface MemoryOfWindows {
  readonly one?: WindowMemory;
  readonly two?: readonly [WindowMemory | undefined, WindowMemory | undefined];
}

/** Prints the measurements and writes bench/results/editor.json. */
export function reportEditor(rounds: readonly Round[], memory: MemoryOfWindows): void {
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
