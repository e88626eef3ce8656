/**
 * `spanfill train` as a process: killed at any moment it goes on to the same weights, and it says what is wrong with
 * its data.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { seededRandom } from "../../models/random.ts";
import { type Evaluation, type TrainEvent, trainEventSchema } from "../../protocol/training.ts";
import { built } from "../support/built.ts";
import { commandLine, ended } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const cli = built("cli.js");
const model = randomModelFolder({ width: 64 });
const folder = mkdtempSync(join(tmpdir(), "spanfill-cli-train-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const commands = commandLine(folder);
const start = (args: readonly string[]) => commands.start(["train", ...args]);
const spanfill = (args: readonly string[]) => commands.run(["train", ...args]);

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return name;
}

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number) => Array.from({ length: 30 }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
const rows = Array.from({ length: 40 }, (_, i) => ({ text: text(i), summary: text(i).slice(0, 20), source: `f${i}` }));
const data = file("pairs.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
const settings = ["--task", "summarize", "--data", data, "--base", model.directory, "--threads", "1", "--json"];
const short = [...settings, "--epochs", "3", "--batch-size", "4", "--evaluate-every", "2", "--patience", "0"];

/** The events of a run's output; the last line of one that did not end by itself is its error. */
function eventsOf(stdout: string): TrainEvent[] {
  const lines = stdout.trimEnd().split("\n");
  return lines.filter((line) => !line.startsWith('{"error"')).map((line) => trainEventSchema.parse(JSON.parse(line)));
}

function lastEvaluation(events: readonly TrainEvent[]): Evaluation {
  const done = events.at(-1);
  return done?.type === "done" ? done.best : assert.fail(`the last event is ${done?.type}`);
}

/** A few in every run of the tests; SPANFILL_KILLS=20 for a night. */
const KILLS = Number(process.env["SPANFILL_KILLS"] ?? 6);

test("killed again and again, it goes on to the same weights", async () => {
  const began = Date.now();
  const whole = await ended(start([...short, "--out", "whole"]));
  const took = Date.now() - began;
  assert.equal(whole.code, 0, whole.stdout);
  const events = eventsOf(whole.stdout);
  const first = events.find((event) => event.type === "evaluation");
  assert.ok(lastEvaluation(events).validation < (first?.validation ?? 0), whole.stdout);
  const random = seededRandom(4);
  let kills = 0;
  let resumed: string[] = [];
  for (; kills < KILLS; kills += 1) {
    const child = start(resumed.length > 0 ? resumed : [...short, "--out", "killed"]);
    const closed = once(child, "close");
    // Once it has begun to work: at any moment of a step, an evaluation or the writing of a file.
    await Promise.race([once(child.stdout, "data"), closed]);
    const timer = setTimeout(() => child.kill("SIGKILL"), kills === 0 ? 0 : (random() * took) / (KILLS / 2));
    const [code] = await closed;
    clearTimeout(timer);
    resumed = ["--resume", "killed", "--json"];
    if (code === 0) break;
  }
  assert.ok(kills > 0, "it was killed at least once");
  if (existsSync(join(folder, "killed", ".training"))) {
    const rest = await spanfill(resumed);
    assert.equal(rest.code, 0, rest.stdout);
  }
  assert.deepEqual(readdirSync(join(folder, "killed")).sort(), readdirSync(join(folder, "whole")).sort());
  for (const name of ["model.safetensors", "training.json"]) {
    assert.ok(readFileSync(join(folder, "whole", name)).equals(readFileSync(join(folder, "killed", name))), name);
  }
});

/** Runs until `when` is said, then does something to the child. */
async function runUntil(args: readonly string[], when: RegExp, act: (child: ReturnType<typeof start>) => void) {
  const child = start(args);
  let [stdout, acted] = ["", false];
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    stdout += part;
    if (!acted && when.test(stdout)) {
      acted = true;
      act(child);
    }
  });
  const [code] = await once(child, "close");
  return { code, stdout };
}

test("Ctrl+C pauses the run and says how to go on", { skip: process.platform === "win32" }, async () => {
  const { code, stdout } = await runUntil([...short, "--out", "interrupted"], /"type":"step","step":2/, (child) =>
    child.kill("SIGINT"),
  );
  assert.match(
    JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "").error.message,
    /^Paused after step \d+, which is saved\. Go on with: spanfill train --resume interrupted/,
  );
  assert.equal(code, 130);
  const rest = await spanfill(["--resume", "interrupted", "--json"]);
  assert.equal(rest.code, 0, rest.stdout);
  const resumed = eventsOf(rest.stdout).find((event) => event.type === "resumed");
  assert.ok((resumed?.step ?? 0) >= 2);
  const plan = eventsOf(rest.stdout).find((event) => event.type === "plan");
  assert.match(plan?.reason ?? "", /^Every weight learns, for the model is small/, "the reason of the run's beginning");
  const again = await spanfill(["--resume", "interrupted", "--json"]);
  assert.match(again.stdout, /interrupted holds no run that was stopped/);
});

test("it goes on on another machine: other threads and memory, the folders elsewhere", {
  skip: process.platform === "win32",
}, async () => {
  const pause = (child: ReturnType<typeof start>) => child.kill("SIGINT");
  const base = join(folder, "base");
  cpSync(model.directory, base, { recursive: true });
  const own = [...short, "--base", "./base"];
  const begun = await runUntil([...own, "--out", "here"], /"type":"step","step":2/, pause);
  assert.equal(begun.code, 130);
  // The same command again, but for what is the machine's.
  const machine = ["--threads", "2", "--max-batch-tokens", "2048", "--judged", "3", "--patience", "5"];
  const again = await runUntil([...own, ...machine, "--out", "here"], /"type":"step","step":5/, pause);
  const resumedAt = (stdout: string) => eventsOf(stdout).find((event) => event.type === "resumed")?.step ?? 0;
  assert.equal(again.code, 130, again.stdout);
  assert.ok(resumedAt(again.stdout) >= 2);
  const request = join(folder, "there", ".training", "request.json");
  renameSync(join(folder, "here"), join(folder, "there"));
  renameSync(base, join(folder, "elsewhere"));
  writeFileSync(request, readFileSync(request, "utf8").replace(base, join(folder, "elsewhere")));
  const rest = await spanfill([
    "--resume",
    "there",
    "--threads",
    "1",
    "--evaluate-every",
    "4",
    "--checkpointing",
    "--json",
  ]);
  assert.equal(rest.code, 0, rest.stdout);
  assert.ok(resumedAt(rest.stdout) >= 5);
  assert.deepEqual(
    [existsSync(join(folder, "there", "training.json")), existsSync(join(folder, "here"))],
    [true, false],
  );
});

test("it does not go on with another base, though it lies in the same place", {
  skip: process.platform === "win32",
}, async () => {
  const base = join(folder, "exchanged");
  cpSync(model.directory, base, { recursive: true });
  const own = [...short, "--base", base, "--out", "on-exchanged"];
  const begun = await runUntil(own, /"type":"step","step":2/, (child) => child.kill("SIGINT"));
  assert.equal(begun.code, 130);
  const other = randomModelFolder({ width: 64, seed: 9 });
  cpSync(join(other.directory, "model.safetensors"), join(base, "model.safetensors"));
  other.dispose();
  const { stdout } = await spanfill(["--resume", "on-exchanged", "--json"]);
  assert.match(stdout, /holds an unfinished run with other settings or data/);
});

test("it waits while it is told to pause", async () => {
  const child = spawn(process.execPath, [cli, "train", ...short, "--out", "paused", "--control"], {
    cwd: folder,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let [stdout, sent] = ["", 0];
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    stdout += part;
    if (sent === 0 && stdout.includes('"type":"step","step":2')) {
      child.stdin.write("pause\n");
      sent = 1;
    }
    if (sent === 1 && stdout.includes('"type":"paused"')) {
      const stepsThen = stdout.split('"type":"step"').length;
      sent = 2;
      setTimeout(() => {
        assert.equal(stdout.split('"type":"step"').length, stepsThen);
        child.stdin.write("continue\nnonsense\n");
      }, 300);
    }
    if (sent === 2 && stdout.includes('"type":"continued"')) {
      child.stdin.write("stop\n");
      sent = 3;
    }
  });
  const [code] = await once(child, "close");
  assert.equal(code, 130, stdout);
  assert.match(stdout, /Paused after step \d+, which is saved/);
  const types = eventsOf(stdout).map(({ type }) => type);
  assert.deepEqual(
    types.filter((type) => type === "paused" || type === "continued"),
    ["paused", "continued"],
  );
  assert.equal(types.indexOf("continued"), types.indexOf("paused") + 1, "nothing happens meanwhile");
});

test("a full disk loses only the steps since the last checkpoint", async (context) => {
  const mount = join(folder, "small");
  mkdirSync(mount);
  // Room for the model and its first states, not for what comes while a file of ours fills the rest.
  const script = `mount -t tmpfs -o size=4m none small && exec "$0" "$@"`;
  const inside = (args: readonly string[]) => [
    "-rm",
    "sh",
    "-c",
    script,
    "sh",
    "-c",
    `"$0" "$@"; code=$?; rm -f small/filler; "$0" "$1" train --resume small/run --json; exit $((code * 10 + $?))`,
    process.execPath,
    cli,
    "train",
    ...args,
  ];
  if (spawnSync("unshare", ["-rm", "true"]).status !== 0) {
    context.skip("this system mounts nothing for its users");
    return;
  }
  const child = spawn("unshare", inside([...short, "--epochs", "4", "--out", "small/run"]), { cwd: folder });
  let [stdout, filled] = ["", false];
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    stdout += part;
    if (!filled && stdout.includes('"type":"step","step":5')) {
      filled = true;
      // The mount is seen from inside alone.
      try {
        writeFileSync(`/proc/${child.pid}/cwd/small/filler`, new Uint8Array(16 << 20));
      } catch (error) {
        assert.match(String(error), /ENOSPC/);
      }
    }
  });
  const [code] = await once(child, "close");
  assert.match(stdout, /"code":"checkpoint".*cannot be written \(ENOSPC/, stdout.slice(-2000));
  assert.equal(code, 10, "the first run fails, the second ends well");
  const resumed = Number(/"type":"resumed","step":(\d+)/.exec(stdout)?.[1]);
  const failedAfter = Number(
    [...(stdout.split('"type":"resumed"')[0]?.matchAll(/"type":"step","step":(\d+)/g) ?? [])].at(-1)?.[1],
  );
  assert.ok(resumed >= 4 && failedAfter - resumed <= 2, `${failedAfter} steps were done, it went on after ${resumed}`);
});

test("a folder of texts teaches filling gaps, for a person to read", async () => {
  mkdirSync(join(folder, "docs", "deeper"), { recursive: true });
  for (let i = 0; i < 6; i += 1)
    file(`docs/${i % 2 === 0 ? "" : "deeper/"}${i}.md`, `# ${text(i)}\n\n${text(i + 7)}\n`);
  const args = ["--task", "infill", "--data", "docs", "--base", model.directory, "--out", "filled", "--epochs", "2"];
  const { code, stderr, stdout } = await spanfill(args);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /5 examples to learn from, 1 kept out/);
  assert.match(stderr, /Every weight learns, for the model is small/);
  assert.match(stderr, /About .* an epoch, .* in all/);
  assert.match(stdout, /Validation loss .* before|No step did better/);
  assert.match(readFileSync(join(folder, "filled", "README.md"), "utf8"), /^---\nlibrary_name: transformers\n/);
});

for (const method of ["lora", "prompt"]) {
  test(`${method} makes a model that ${method === "lora" ? "has an adapter beside it" : "knows its prompt"}`, async () => {
    const out = `by ${method}`;
    const args = [...short, "--method", method, "--out", out];
    const { code, stdout } = await spanfill(args);
    assert.equal(code, 0, stdout);
    const plan = eventsOf(stdout).find((event) => event.type === "plan");
    assert.equal(plan?.method, method);
    const written = readdirSync(join(folder, out));
    assert.equal(written.includes("adapter"), method === "lora");
    const base = JSON.parse(readFileSync(join(model.directory, "config.json"), "utf8")).vocab_size;
    const { vocab_size } = JSON.parse(readFileSync(join(folder, out, "config.json"), "utf8"));
    assert.equal(vocab_size - base, method === "lora" ? 0 : 20);
    const { prefixes } = JSON.parse(readFileSync(join(folder, out, "spanfill.json"), "utf8"));
    const prompt = Array.from({ length: 20 }, (_, i) => `<prompt_${i}>`).join("");
    assert.equal(prefixes.summarize, `${method === "lora" ? "" : `${prompt} `}summarize: `);
    const info = await commands.run(["info", `./${out}`, "--json"]);
    assert.equal(info.code, 0, info.stdout);
  });
}

test("data check tells what a run would make of the data", async () => {
  const distinct = rows.map((row, i) => ({ ...row, text: `${row.text} ${i}` }));
  const bad = file(
    "checked.jsonl",
    [...distinct, distinct[0], { text: "x", summary: "" }].map((row) => JSON.stringify(row)).join("\n"),
  );
  const check = (...more: string[]) =>
    commands.run(["data", "check", bad, "--task", "summarize", "--base", model.directory, ...more]);
  const report = JSON.parse((await check("--json", "--max-input-tokens", "20")).stdout);
  assert.deepEqual(report.columns, { text: "text", summary: "summary", source: "source" });
  assert.equal(report.examples + report.validationExamples, 40);
  assert.deepEqual(report.notes.slice(0, 2), [
    "checked.jsonl: 1 row with an empty side, left out (42)",
    "checked.jsonl: 1 row repeated, left out (41)",
  ]);
  assert.match(report.notes[2], /checked\.jsonl: 40 rows cut to 20 input tokens/);
  assert.match((await check()).stdout, /Columns: text = "text", summary = "summary"/);
  assert.equal((await commands.run(["data", "check", bad])).code, 2);
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
    ["--task", "text", "--out", "x", "--data", file("bad.jsonl", '{"text":"a"\n{')],
    1,
    /bad\.jsonl: row 1 is not JSON .*; row 2 is not JSON/,
  ],
  [
    "no column",
    ["--task", "text", "--out", "x", "--data", file("c.jsonl", '{"text":"a","b":"b"}\n')],
    1,
    /no column for the target/,
  ],
  ["a folder without texts", ["--task", "infill", "--out", "x", "--data", model.directory], 1, /holds no text files/],
  ["no task", ["--data", data, "--out", "x"], 2, /--task is missing/],
  ["a run that is not there", ["--resume", "nothing"], 1, /nothing holds no run that was stopped/],
  ["a run with other data", ["--resume", "nothing", "--data", data], 2, /--resume takes no --data: the run knows/],
  [
    "a run with another rate",
    ["--resume", "nothing", "--lr", "1", "--epochs", "2"],
    2,
    /takes no --epochs and no --lr: .*--threads/,
  ],
  ["a wrong rate", ["--task", "text", "--data", data, "--out", "x", "--lr", "200"], 2, /at most 100/],
  [
    "too few memory tokens",
    ["--task", "text", "--data", data, "--out", "x", "--max-batch-tokens", "1"],
    2,
    /from 64 to 65536/,
  ],
];
for (const [what, args, expected, message] of wrong) {
  test(`says what is wrong: ${what}`, async () => {
    const base = args.includes("--resume") ? [] : ["--base", model.directory];
    const { code, stdout } = await spanfill([...args, ...base, "--json"]);
    assert.match(JSON.parse(stdout).error.message, message);
    assert.equal(code, expected);
  });
}
