/** `spanfill models verify --fixtures`: runs the tests of each system of the T5 family and prints which ones work. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { ModelError } from "../../../models/errors.ts";
import type { CommandResult, Work } from "../../command-work.ts";
import { readRegularText } from "../../files/regular-file.ts";

/** The outcome of a system's tests; "unverified" if there are none. */
export type Verdict = "verified" | "FAILED" | "unverified";

/** A row of the table. */
export interface SystemRow {
  /** The heading: architectures, formats, published weights. */
  readonly group: string;
  readonly system: string;
  readonly verdict: Verdict;
  /** The references that the tests compare with; for an unverified system, the reason. */
  readonly by: readonly string[];
  /** Tests that failed or were not found. */
  readonly failed: readonly string[];
}

/**
 * Runs the tests that test/systems.json names for each system, from the checkout that this program was built in;
 * nothing in the working folder is run.
 * @param from folder in which the upward search for the checkout begins, by default this program's own
 * @throws ModelError "input" when the program was not built in a checkout, or the signal's reason
 */
export async function verifyFixtures(
  { signal, progress }: Pick<Work, "signal" | "progress">,
  from = dirname(fileURLToPath(import.meta.url)),
): Promise<CommandResult> {
  const root = checkoutFolder(from);
  const { groups } = await readSystems(root);
  const wanted = groups.flatMap(({ systems }) => systems.flatMap(({ tests = [] }) => tests));
  const files = [...new Set(wanted.map(({ file }) => file))];
  const passed = await runTests(root, files, signal, (done) => progress("verifying", done, wanted.length));
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

/** The table of systems, test/systems.json. */
export const systemsSchema = z.object({
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

/**
 * The nearest folder, from `from` upward, that contains the project's tests.
 * @throws ModelError "input" when there is none
 */
function checkoutFolder(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, SYSTEMS)) && existsSync(join(folder, RUNNER))) return folder;
    if (folder !== dirname(folder)) continue;
    const what = "--fixtures runs the project's own tests, which this installation does not include";
    throw new ModelError("input", `${what}. Run it from a checkout of Spanfill's source (npm start -- models verify).`);
  }
}

const SYSTEMS = join("test", "systems.json");
const RUNNER = join("scripts", "test.mjs");

async function readSystems(root: string) {
  return systemsSchema.parse(JSON.parse(await readRegularText(join(root, SYSTEMS))));
}

/** The tests of `files` that passed, as "file: test". */
async function runTests(
  root: string,
  files: readonly string[],
  signal: AbortSignal,
  onTest: (done: number) => void,
): Promise<ReadonlySet<string>> {
  const child = spawn(process.execPath, [join(root, RUNNER), "--events", ...files], {
    cwd: root,
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

/** A Markdown table, as in README.md. */
function table(rows: readonly SystemRow[]): string {
  const lines = rows.map(({ system, verdict, by }, i) => {
    const references = by.join("; ");
    const cell = verdict === "verified" ? references : `*${verdict}*${references === "" ? "" : `: ${references}`}`;
    const group = rows[i]?.group === rows[i - 1]?.group ? "" : `| **${rows[i]?.group}** | |\n`;
    return `${group}| ${system} | ${cell} |\n`;
  });
  return `| system | verified by |\n|---|---|\n${lines.join("")}`;
}
