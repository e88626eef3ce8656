/** Options and the tests that show their effects: the parts of the tables beside this file. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type CommandLine, commandLine, type WatchedRun } from "../../support/command-line.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

/** Options of a command with the test that shows their effect. */
export interface Effect {
  /** Its name, such as "models get"; "" is the program. */
  readonly command: string;
  readonly options: readonly string[];
  /** A test here, or the file and name of another that shows the effect. */
  readonly shown: (() => Promise<void>) | readonly [file: string, test: string];
}

/** A folder to run commands in, with a small model. */
export interface Workspace {
  readonly folder: string;
  readonly model: string;
  /** Runs a command that ends well. @returns also its last line of JSON */
  readonly run: (args: readonly string[], input?: string) => Promise<WatchedRun & { readonly last: Answer }>;
  /** Runs a command that fails. @returns everything that it prints */
  readonly fail: (args: readonly string[], input?: string) => Promise<string>;
  /** Starts a process for a command. */
  readonly start: CommandLine["start"];
  /** Writes rows as JSON lines. @returns the file's name */
  readonly rows: (name: string, rows: readonly object[]) => string;
}

// biome-ignore lint/suspicious/noExplicitAny: each command answers with its own fields, which the tests name.
type Answer = any;

/** A workspace that is removed after the file's tests. */
export function createWorkspace(): Workspace {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-options-"));
  const { directory, dispose } = randomModelFolder();
  after(() => {
    dispose();
    rmSync(folder, { recursive: true, force: true });
  });
  const places = { SPANFILL_CACHE: join(folder, ".cache"), SPANFILL_MODELS: join(folder, "models") };
  const { watch, start } = commandLine(folder, places);
  return {
    folder,
    model: directory,
    async run(args, input) {
      const run = await watch(args, input);
      assert.equal(run.code, 0, `${args.join(" ")}: ${run.stdout}${run.stderr}`);
      const line = run.stdout.trimEnd().split("\n").at(-1) ?? "";
      return { ...run, last: line.startsWith("{") ? JSON.parse(line) : undefined };
    },
    async fail(args, input) {
      const { code, stdout, stderr } = await watch(args, input);
      assert.notEqual(code, 0, args.join(" "));
      return stdout + stderr;
    },
    start,
    rows(name, rows) {
      writeFileSync(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
      return name;
    },
  };
}

const WORDS = "the of and to in is that it for was on are as with they be at one have this from".split(" ");

/** Words of the model's vocabulary, other ones for each number. */
export function line(i: number, length = 12): string {
  return Array.from({ length }, (_, j) => WORDS[(i * 5 + j * j) % WORDS.length]).join(" ");
}

/** A device that this machine does not have. */
export const [ABSENT_DEVICE, ABSENT_DEVICE_NAME] =
  process.platform === "win32" ? (["coreml", /Core ?ML/] as const) : (["dml", /DirectML/] as const);
