/** What the command line writes, to a terminal and to a pipe, of hostile documents, data, names and errors. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as output from "../server/output.ts";
import { built } from "./support/built.ts";
import { assertPlain, HOSTILE } from "./support/hostile.ts";
import { randomModelFolder } from "./support/models/random-model.ts";

const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-output-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** What a function of output.ts writes. */
function written(isTTY: boolean, write: (to: output.Output) => void): string {
  let all = "";
  write({
    isTTY,
    write: (text) => {
      all += text;
    },
  });
  return all;
}

test("an answer is unchanged in a pipe, and clean on a terminal", () => {
  assert.equal(
    written(false, (to) => output.printAnswer(HOSTILE, to)),
    HOSTILE,
  );
  assertPlain(
    written(true, (to) => output.printAnswer(HOSTILE, to)),
    "\n\t",
  );
});

test("reports, remarks and errors are clean everywhere, and remarks are bounded", () => {
  for (const isTTY of [true, false]) {
    assertPlain(
      written(isTTY, (to) => output.printReport(HOSTILE, to)),
      "\n\t",
    );
    const note = written(isTTY, (to) => output.printNote(HOSTILE.repeat(1000), to));
    assertPlain(note, "\n\t");
    assert.ok(note.length <= 20_001, `${note.length}`);
    assertPlain(written(isTTY, (to) => output.printNoteOverLine(HOSTILE, to)).replace("\r\u001b[K", ""), "\n\t");
    const line = written(isTTY, (to) => output.drawLine(HOSTILE.repeat(100), to));
    assertPlain(line.replace("\r", "").replace("\u001b[K", ""));
    assert.ok(line.length <= 210);
  }
});

test("JSON is the same value everywhere, and has no control character on a terminal", () => {
  const value = { text: HOSTILE.replaceAll("\u0301", "") };
  const shown = written(true, (to) => output.printJson(value, to));
  assertPlain(shown, "\n");
  assert.deepEqual(JSON.parse(shown), value);
  assert.equal(
    written(false, (to) => output.printJson(value, to)),
    `${JSON.stringify(value)}\n`,
  );
});

test("the console of a protocol's server writes clean lines", () => {
  let all = "";
  const console = output.errorConsole({ write: (text) => (all += text) });
  console.error(HOSTILE);
  console.log("two");
  assertPlain(all, "\n\t");
  assert.ok(all.endsWith("two\n"));
});

const cli = built("cli.js");
const env = { ...process.env, SPANFILL_CACHE: join(folder, ".cache") };
const withModel = ["--model", model.directory, "--precision", "float32", "--threads", "1"];
const document = `A map\u001b]0;pwned\u0007 is \u001b[31ma ___ of\u009b2J keys \u202eand\u202c values.\n`;

/** Runs the command line with pipes. */
function piped(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

/** Runs it on a terminal of its own. @returns all that it wrote, without the progress line's own sequences */
function onTerminal(args: readonly string[]): Promise<string> {
  const quoted = [process.execPath, cli, ...args].map((arg) => `'${arg.replaceAll("'", "'\\''")}'`).join(" ");
  return new Promise((resolve) => {
    execFile("script", ["-qec", quoted, "/dev/null"], { cwd: folder, env }, (_error, stdout) =>
      resolve(
        stdout.replaceAll("\r\n", "\n").replaceAll("\r\u001b[K", "").replaceAll("\r", "").replaceAll("\u001b[K", ""),
      ),
    );
  });
}

const noTerminal = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux")
  ? false
  : "util-linux's script, which makes a terminal, is not there";

test("a filled document: escapes are in the pipe, not on the terminal", { skip: noTerminal }, async () => {
  writeFileSync(join(folder, "a.md"), document);
  const { stdout, code } = await piped(["infill", ...withModel, "a.md"]);
  assert.equal(code, 0);
  const [before, behind] = document.split("___");
  assert.ok(stdout.startsWith(before ?? "?") && stdout.endsWith(behind ?? "?"), JSON.stringify(stdout));
  const shown = await onTerminal(["infill", ...withModel, "a.md"]);
  assert.match(shown, /A map is a .* of keys and values\./);
  assertPlain(shown, "\n\t");
  const json = await onTerminal(["infill", ...withModel, "--json", "a.md"]);
  assertPlain(json, "\n");
  assert.match(json, /\\u001b\]0;pwned/);
});

test("training data: rows, columns, labels and file names are clean in pipes, too", async () => {
  const rows = Array.from({ length: 12 }, (_, i) =>
    JSON.stringify({ text: `some words ${i} ${HOSTILE}`, label: `${i % 2}${HOSTILE}`, [`c${HOSTILE}`]: "x" }),
  );
  const name = "rows\u001b]0;pwned\u0007\u202e.jsonl";
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data", name), `${rows.join("\n")}\n`);
  writeFileSync(join(folder, "data", `bad${name}`), `\u001b]0;pwned\u0007\u001b[31m{bad\n`);
  const base = ["--base", model.directory];
  for (const args of [
    ["data", "check", join("data", name), "--task", "classify", ...base],
    ["data", "check", join("data", name), "--task", "summarize", "--input-column", HOSTILE, ...base],
    ["data", "check", join("data", `bad${name}`), "--task", "classify", ...base],
    ["data", "check", `missing${name}`, "--task", "classify", ...base],
    ["summarize", `missing${name}`],
    ["info", `missing${name}`],
    ["models", "remove", HOSTILE],
    ["models", "verify", HOSTILE],
    ["models", "import", `missing${name}`],
    ["frobnicate\u001b[31m\u202e"],
  ]) {
    const { stdout, stderr } = await piped(args);
    assertPlain(stdout, "\n\t");
    assertPlain(stderr, "\n\t");
    assert.ok(`${stdout}${stderr}`.length > 20, args.join(" "));
  }
});
