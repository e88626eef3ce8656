/** `spanfill tune` as a process: killed at any moment it goes on to the same weights, and it says what is wrong with its data. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { seededRandom } from "../../server/training/random.ts";
import { built } from "../support/built.ts";
import { randomModelFolder } from "../support/random-model.ts";

const cli = built("cli.js");
const model = randomModelFolder({ width: 64 });
const folder = mkdtempSync(join(tmpdir(), "spanfill-cli-tune-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function start(args: readonly string[]) {
  return spawn(process.execPath, [cli, "tune", ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
}

async function spanfill(args: readonly string[]) {
  const child = start(args);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return name;
}

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number) => Array.from({ length: 30 }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
const rows = Array.from({ length: 40 }, (_, i) => ({ text: text(i), summary: text(i).slice(0, 20), source: `f${i}` }));
const data = file("pairs.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
const settings = ["--task", "summarize", "--data", data, "--model", model.directory, "--threads", "1", "--json"];
const short = [...settings, "--epochs", "3", "--batch-size", "4", "--evaluate-every", "2", "--patience", "0"];

test("killed again and again, it goes on to the same weights", async () => {
  const began = Date.now();
  const whole = await spanfill([...short, "--out", "whole"]);
  const took = Date.now() - began;
  assert.equal(whole.code, 0, whole.stderr);
  const { best, evaluations } = JSON.parse(whole.stdout);
  assert.ok(best.validation < evaluations[0].validation, whole.stdout);
  const random = seededRandom(4);
  let kills = 0;
  for (; kills < 12; kills += 1) {
    const child = start([...short, "--out", "killed"]);
    const closed = once(child, "close");
    // Once it has begun to work: at any moment of a step, an evaluation or the writing of a file.
    await Promise.race([once(child.stderr, "data"), closed]);
    const timer = setTimeout(() => child.kill("SIGKILL"), kills === 0 ? 0 : (random() * took) / 2);
    const [code] = await closed;
    clearTimeout(timer);
    if (code === 0) break;
  }
  assert.ok(kills > 0, "it was killed at least once");
  if (existsSync(join(folder, "killed", ".tune"))) {
    const rest = await spanfill([...short, "--out", "killed"]);
    assert.equal(rest.code, 0, rest.stderr);
  }
  assert.deepEqual(readdirSync(join(folder, "killed")).sort(), readdirSync(join(folder, "whole")).sort());
  for (const name of ["model.safetensors", "training.json"]) {
    assert.ok(readFileSync(join(folder, "whole", name)).equals(readFileSync(join(folder, "killed", name))), name);
  }
});

test("Ctrl+C saves the run and says how to go on", { skip: process.platform === "win32" }, async () => {
  const child = start([...short, "--out", "interrupted"]);
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    stdout += part;
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    if (part.includes("Step 2:")) child.kill("SIGINT");
  });
  await once(child, "close");
  assert.match(
    JSON.parse(stdout).error.message,
    /^Stopped after step \d+, which is saved\. Give the same command again/,
  );
  assert.equal(child.exitCode, 130);
  const rest = await spanfill([...short, "--out", "interrupted"]);
  assert.match(rest.stderr, /Going on after step \d+/);
  assert.equal(rest.code, 0);
});

test("a folder of texts teaches filling gaps", async () => {
  mkdirSync(join(folder, "docs", "deeper"), { recursive: true });
  for (let i = 0; i < 6; i += 1)
    file(`docs/${i % 2 === 0 ? "" : "deeper/"}${i}.md`, `# ${text(i)}\n\n${text(i + 7)}\n`);
  const { code, stderr, stdout } = await spanfill([
    "--task",
    "infill",
    "--data",
    "docs",
    "--model",
    model.directory,
    "--out",
    "filled",
    "--epochs",
    "2",
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /5 examples to learn from, 1 kept out/);
  assert.match(stdout, /Validation loss .* before|No step did better/);
});

const wrong: [what: string, args: string[], code: number, message: RegExp][] = [
  ["no data", ["--task", "summarize", "--out", "x", "--data", "none.jsonl"], 1, /none\.jsonl: does not exist/],
  [
    "an empty file",
    ["--task", "summarize", "--out", "x", "--data", file("empty.jsonl", "")],
    1,
    /empty\.jsonl has no rows/,
  ],
  [
    "bad JSON",
    ["--task", "text", "--out", "x", "--data", file("bad.jsonl", '{"text":"a","summary":"b"}\n{')],
    1,
    /bad\.jsonl: row 2 is no JSON/,
  ],
  [
    "no column",
    ["--task", "text", "--out", "x", "--data", file("c.jsonl", '{"text":"a","b":"b"}\n')],
    1,
    /no column for the summary/,
  ],
  ["a folder without texts", ["--task", "infill", "--out", "x", "--data", model.directory], 1, /holds no text files/],
  ["no task", ["--data", data, "--out", "x"], 2, /--task/],
  ["a wrong rate", ["--task", "text", "--data", data, "--out", "x", "--learning-rate", "2"], 2, /at most 1/],
  [
    "too few memory tokens",
    ["--task", "text", "--data", data, "--out", "x", "--max-batch-tokens", "1"],
    2,
    /at least 64/,
  ],
];
for (const [what, args, expected, message] of wrong) {
  test(`says what is wrong: ${what}`, async () => {
    const { code, stdout } = await spanfill([...args, "--model", model.directory, "--json"]);
    assert.match(JSON.parse(stdout).error.message, message);
    assert.equal(code, expected);
  });
}
