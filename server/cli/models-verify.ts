/** `spanfill models verify --fixtures`: which systems of the T5 family work, and what says so; made by running the tests of each. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { z } from "zod";
import { ModelError } from "../../models/errors.ts";
import type { CommandResult, Work } from "./terminal.ts";

/** What became of a system's tests; a system that nothing checks has none. */
export type Verdict = "verified" | "FAILED" | "unverified";

/** A row of the table. */
export interface SystemRow {
  /** Architectures, formats, published weights. */
  readonly group: string;
  readonly system: string;
  readonly verdict: Verdict;
  /** What the tests compare with, each its own; or, where there are none, why. */
  readonly by: readonly string[];
  /** Tests that failed or were not found. */
  readonly failed: readonly string[];
}

/**
 * Runs the tests that test/systems.json names for each system, in a checkout of the source.
 * @throws ModelError "input" when the working folder is none, or the signal's reason
 */
export async function verifyFixtures({ signal, progress }: Pick<Work, "signal" | "progress">): Promise<CommandResult> {
  const { groups } = await readSystems();
  const wanted = groups.flatMap(({ systems }) => systems.flatMap(({ tests = [] }) => tests));
  const files = [...new Set(wanted.map(({ file }) => file))];
  const passed = await runTests(files, signal, (done) => progress("verifying", done, wanted.length));
  const rows = groups.flatMap(({ name: group, systems }) =>
    systems.map(({ system, by = [], tests = [], unverified }): SystemRow => {
      if (unverified !== undefined) return { group, system, verdict: "unverified", by: [unverified], failed: [] };
      const failed = tests.map(({ file, test }) => `${file}: ${test}`).filter((name) => !passed.has(name));
      return { group, system, verdict: failed.length > 0 ? "FAILED" : "verified", by, failed };
    }),
  );
  const broken = rows.flatMap(({ failed }) => failed);
  if (broken.length > 0) process.exitCode = 1;
  return {
    text: table(rows),
    json: { rows },
    ...(broken.length > 0 && { notes: broken.map((name) => `failed: ${name}`) }),
  };
}

const systemsSchema = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      systems: z.array(
        z.object({
          system: z.string(),
          by: z.array(z.string()).exactOptional(),
          tests: z.array(z.object({ file: z.string(), test: z.string() })).exactOptional(),
          unverified: z.string().exactOptional(),
        }),
      ),
    }),
  ),
});

const event = z.object({ file: z.string(), test: z.string(), ok: z.boolean() });

async function readSystems() {
  const text = await readFile("test/systems.json", "utf8").catch((cause: unknown) => {
    const what = "--fixtures runs the project's own tests, and this folder holds none";
    throw new ModelError("input", `${what}. Run it in a checkout of Spanfill's source.`, { cause });
  });
  return systemsSchema.parse(JSON.parse(text));
}

/** The tests of some files that passed, as "file: test". */
async function runTests(
  files: readonly string[],
  signal: AbortSignal,
  onTest: (done: number) => void,
): Promise<ReadonlySet<string>> {
  const child = spawn(process.execPath, ["scripts/test.mjs", "--events", ...files], {
    stdio: ["ignore", "pipe", "inherit"],
    signal,
  });
  const ended = new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
  const passed = new Set<string>();
  for await (const line of createInterface(child.stdout)) {
    const parsed = event.safeParse(JSON.parse(line));
    if (!parsed.success || !parsed.data.ok) continue;
    passed.add(`${parsed.data.file}: ${parsed.data.test}`);
    onTest(passed.size);
  }
  await ended;
  return passed;
}

/** A Markdown table, as the README holds it. */
function table(rows: readonly SystemRow[]): string {
  const lines = rows.map(({ system, verdict, by }, i) => {
    const what = by.join("; ");
    const said = verdict === "verified" ? what : `*${verdict}*${what === "" ? "" : `: ${what}`}`;
    const group = rows[i]?.group === rows[i - 1]?.group ? "" : `| **${rows[i]?.group}** | |\n`;
    return `${group}| ${system} | ${said} |\n`;
  });
  return `| system | verified by |\n|---|---|\n${lines.join("")}`;
}
