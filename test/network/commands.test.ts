/**
 * What the kernel sees of each command: no socket to anywhere, no name looked up, no file but where PRIVACY.md says.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { allCommands, createProgram } from "../../server/cli/program.ts";
import { built } from "../support/built.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { place, skip, type Traced, traced } from "../support/traced.ts";

const cli = built("cli.js");
const here = place();
const base = randomModelFolder({ width: 64 });
after(() => {
  here[Symbol.dispose]();
  base.dispose();
});

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number) => Array.from({ length: 20 }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
const rows = Array.from({ length: 24 }, (_, i) => ({
  text: text(i),
  summary: text(i + 1),
  title: text(i),
  source: `f${i}`,
}));
mkdirSync(join(here.work, "docs"));
writeFileSync(join(here.work, "docs", "a.md"), `# The harbour\n\n${text(1)}. ${text(2)}.\n`);
mkdirSync(join(here.work, "prose"));
for (let i = 0; i < 40; i += 1) writeFileSync(join(here.work, "prose", `${i}.md`), `${text(i)}. ${text(i + 1)}.\n`);
writeFileSync(join(here.work, "pairs.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
cpSync(base.directory, join(here.work, "model"), { recursive: true });

/** One thread: two that wait for each other on a busy machine take seconds. */
const MODEL = ["--model", "./model", "--threads", "1"];
const SHAPES = ["tiny-nl1-dm16-ff32-nh2-kv8", "tiny-nl2-dm16-ff32-nh2-kv8"];
/** Each command with arguments: its name, what follows, what it is asked to write and what it reads. */
const commands: {
  name: string;
  args?: string[];
  out?: string[];
  input?: string;
  env?: NodeJS.ProcessEnv;
  code?: number;
}[] = [
  { name: "" },
  { name: "help" },
  { name: "demo", args: MODEL },
  { name: "summarize", args: ["docs/a.md", "--style", "bullets", "--threads", "1"] },
  { name: "summarize", args: ["docs", ...MODEL] },
  { name: "summarize", args: ["--batch", "docs", "--out", "lines.jsonl", ...MODEL], out: ["lines.jsonl"] },
  { name: "infill", input: "A map is a ___ of keys." },
  { name: "infill", args: [...MODEL, "--precision", "float32"], input: "the ___ of", env: { SPANFILL_ENGINE: "wasm" } },
  { name: "ask", args: ["--question", "what is it", "docs/a.md", ...MODEL] },
  { name: "classify", args: ["--labels", "the,of", "docs/a.md", ...MODEL] },
  { name: "generate", args: ["--input", "the of", ...MODEL, "--num-beams", "2"] },
  { name: "score", args: ["--input", "the of", "--target", "and to", ...MODEL] },
  { name: "info", args: ["google/t5-efficient-small-nl16"] },
  { name: "embed", args: ["pairs.jsonl", "--model", "./model"] },
  { name: "devices", args: ["--measure", ...MODEL] },
  {
    name: "evaluate",
    args: ["--task", "title", "--data", "pairs.jsonl", "--predictions", "kept.jsonl", ...MODEL],
    out: ["kept.jsonl"],
  },
  { name: "calibrate", args: ["--data", "pairs.jsonl", "--limit", "8", "--write", ...MODEL], out: ["model"] },
  {
    name: "train",
    args: [
      "--task",
      "summarize",
      "--data",
      "pairs.jsonl",
      "--base",
      "./model",
      "--epochs",
      "1",
      "--judged",
      "2",
      "--threads",
      "1",
      "--out",
      "tuned",
    ],
    out: ["tuned"],
  },
  {
    name: "scale",
    args: ["--data", "prose", "--base", "./model", "--shapes", ...SHAPES, "--minutes", "0.0001", "--threads", "1"],
  },
  { name: "create", args: ["--shape", "tiny-nl1", "--out", "fresh"], out: ["fresh"] },
  { name: "grow", args: ["./model", "--layers", "2", "--threads", "1", "--out", "grown"], out: ["grown"] },
  {
    name: "compare",
    args: ["./model", "./model", "--data", "pairs.jsonl", "--task", "summarize", "--limit", "2", "--threads", "1"],
  },
  { name: "data check", args: ["pairs.jsonl", "--task", "summarize", "--base", "./model"] },
  ...["hf", "onnx", "gguf", "server"].map((to) => ({
    name: "export",
    args: ["./model", "--to", to, "--out", to],
    out: [to],
  })),
  { name: "models", args: ["--installed"] },
  { name: "models import", args: ["model", "--name", "mine"] },
  { name: "models verify", args: ["mine"] },
  { name: "models remove", args: ["mine"] },
];
/** Commands that are not run here, with the reason. */
const others: Record<string, string> = {
  "models get": "downloads, which is what it is for",
  serve: "see sessions.test.ts",
  launch: "starts a run for the language server, see sessions.test.ts",
};

test("no command opens a socket, looks up a name or writes elsewhere", {
  skip,
  timeout: 600_000,
  concurrency: 2,
}, async (t) => {
  const waiting: Promise<void>[] = [];
  for (const { name, args = [], code = 0, ...options } of commands.slice(0, -4))
    waiting.push(t.test(`spanfill ${name} ${args.join(" ")}`, async () => check(await run(name, args, options), code)));
  await Promise.all(waiting);
  for (const { name, args = [], ...options } of commands.slice(-4))
    await t.test(`spanfill ${name} ${args.join(" ")}`, async () => check(await run(name, args, options), 0));
});

function run(name: string, args: readonly string[], options: Parameters<typeof traced>[2]): Promise<Traced> {
  return traced(here, [cli, ...name.split(" ").filter(Boolean), ...args], options);
}

function check({ code, stderr, complaints }: Traced, expected: number): void {
  assert.deepEqual(complaints, []);
  assert.equal(code, expected, stderr);
}

test("every command is among them", () => {
  const named = new Set([...commands.map(({ name }) => name), ...Object.keys(others)]);
  const all = allCommands(createProgram("1.0.0", () => undefined)).flatMap(({ name, command }) =>
    name === "" || command.commands.length > 0 ? [] : [name],
  );
  assert.ok(all.length > 15 && all.includes("models get"), all.join(", "));
  assert.deepEqual(
    all.filter((name) => !named.has(name)),
    [],
  );
});
