/** Ctrl+C: each command ends with exit code 130 in the midst of its work, and leaves nothing half-written. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { allCommands, createProgram } from "../../server/cli/program.ts";
import { commandLine } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { eventually } from "../support/waiting.ts";

const model = randomModelFolder({ layers: 4, width: 256 });
const folder = mkdtempSync(join(tmpdir(), "spanfill-interrupted-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});
const own = join(folder, "own");
const { start } = commandLine(folder, { SPANFILL_MODELS: own, SPANFILL_CACHE: join(folder, "cache"), HF_HOME: folder });

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number) => Array.from({ length: 30 }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");
const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
mkdirSync(join(folder, "docs"));
for (let i = 0; i < 60; i += 1)
  write(join("docs", `${i}.md`), `# Part ${i}\n\n${lines(40, (k) => `${text(i + k)}.`)}\n`);
write(
  "gaps.txt",
  lines(900, (i) => `${text(i)} ___ ${text(i + 3)}.\n`),
);
write("lines.txt", lines(20_000, text));
write(
  "pairs.jsonl",
  lines(20_000, (i) =>
    JSON.stringify({ text: `${text(i)}. ${text(i + 1)}.`, summary: text(i + 2), title: text(i), source: `${i}` }),
  ),
);
mkdirSync(join(folder, "large"));
for (const name of ["config.json", "tokenizer.json"])
  writeFileSync(join(folder, "large", name), readFileSync(join(model.directory, name)));
write(join("large", "model.safetensors"), "");
truncateSync(join(folder, "large", "model.safetensors"), 1e9);

const using = ["--model", model.directory, "--threads", "1"];
const pairs = ["--data", "pairs.jsonl"];
/** Commands whose work takes long, with what shows that they are in its midst; by default the runtime's library. */
const rows: readonly (readonly [name: string, args: readonly string[], begun?: () => boolean])[] = [
  ["summarize", ["docs", ...using]],
  ["summarize", ["--batch", "docs", "--out", "batch.jsonl", ...using]],
  ["infill", ["gaps.txt", ...using]],
  ["generate", ["--input", text(1), "--max-new-tokens", "4000", "--num-beams", "8", ...using]],
  ["embed", ["lines.txt", ...using]],
  ["evaluate", ["--task", "title", ...pairs, "--predictions", "kept.jsonl", ...using]],
  ["calibrate", [...pairs, "--write", ...using]],
  ["train", ["--task", "summarize", ...pairs, "--base", model.directory, "--threads", "1", "--out", "tuned"]],
  ["compare", [model.directory, model.directory, ...pairs, "--task", "summarize", "--threads", "1"]],
  [
    "grow",
    [model.directory, "--layers", "6", "--learn", "100000", "--data", "docs", "--threads", "1", "--out", "grown"],
  ],
  ["create", ["--shape", "small", "--out", "fresh"], () => existsSync(join(folder, "fresh"))],
  ["models import", ["large"], () => existsSync(own) && readdirSync(own).some((name) => name.startsWith(".importing"))],
];
/** Commands that answer at once, wait for others, or have tests of their end elsewhere. */
const OTHERS = [
  ...[
    "",
    "help",
    "ask",
    "classify",
    "score",
    "info",
    "devices",
    "scale",
    "data",
    "data check",
    "export",
    "serve",
    "demo",
  ],
  ...["launch", "models", "models get", "models remove", "models show", "models verify"],
];

const isLoaded = (pid: number) => /onnxruntime_binding|libonnxruntime/.test(readFileSync(`/proc/${pid}/maps`, "utf8"));

test("each command that works for long ends at Ctrl+C and leaves nothing", {
  skip: process.platform !== "linux",
}, async () => {
  const before = new Set(readdirSync(folder));
  for (const [name, args, begun] of rows) {
    const child = start([...name.split(" "), ...args]);
    let printed = "";
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      printed += part;
    });
    child.stdout.resume();
    child.stdin.end();
    const { pid = 0 } = child;
    await eventually(() => child.exitCode !== null || (begun === undefined ? isLoaded(pid) : begun()));
    child.kill("SIGINT");
    const [code, signal] = child.exitCode === null ? await once(child, "close") : [child.exitCode, null];
    assert.deepEqual([name, code, signal], [name, 130, null], printed);
    assert.match(printed, /Interrupted|stopped before the end|Paused|Stopped/, name);
    const left = readdirSync(folder).filter((each) => !before.has(each) && !["cache", "own"].includes(each));
    // What was done of a batch or a run is kept, to go on from.
    assert.deepEqual(
      left.filter((each) => !["tuned", "batch.jsonl"].includes(each)),
      [],
      name,
    );
    for (const each of left) rmSync(join(folder, each), { recursive: true });
    assert.deepEqual(existsSync(own) ? readdirSync(own) : [], [], name);
  }
});

test("each command is among those that are interrupted, or known to need no test here", () => {
  const names = allCommands(createProgram("1", () => undefined)).map(({ name }) => name);
  const known = new Set([...rows.map(([name]) => name), ...OTHERS]);
  assert.deepEqual(
    names.filter((name) => !known.has(name)),
    [],
  );
});
