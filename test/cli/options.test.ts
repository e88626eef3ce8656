/** Options of the command line: that a test passes each, and that those of decoding and data do what they say. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { commandLine } from "../support/command-line.ts";
import { randomModelFolder } from "../support/random-model.ts";

const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-options-"));
const { run } = commandLine(folder);
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command with --json. @returns what it printed */
async function spanfill(...args: string[]) {
  const { code, stdout } = await run([...args, "--json"]);
  assert.equal(code, 0, stdout);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const withModel = ["--model", model.directory, "--precision", "float32", "--threads", "1"];

async function generated(...options: string[]) {
  const [result] = await spanfill("generate", "--input", "the", "--max-new-tokens", "12", ...options, ...withModel);
  return result as { ids: number[]; sequences: { ids: number[]; score: number; logProbs: number[] }[] };
}

const sources = (under: string) =>
  readdirSync(under, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(under, name), "utf8"))
    .join("\n");

const PASSED_ELSEWHERE: Readonly<Record<string, string>> = {
  "--fixtures": "runs these very tests; models-verify.test.ts calls what it calls",
  "--clientProcessId": "the editor's client passes it in the editor tests",
};

test("every option that a command defines is passed by a test", () => {
  const defined = [...sources("server/cli").matchAll(/(?:option|Option)\(\s*"(?:-\w, )?(--[a-z][\w-]*)/g)];
  const names = [...new Set(defined.map(([, name = ""]) => name))];
  assert.ok(names.length > 30 && names.includes("--model"), names.join(" "));
  const tests = sources("test");
  const never = names
    .filter((name) => !Object.hasOwn(PASSED_ELSEWHERE, name))
    .filter((name) => !new RegExp(`["'\` ]${name}["'\` =]`).test(tests));
  assert.deepEqual(never, []);
});
test("a text does not end before its least length", async () => {
  const ended = (ids: readonly number[]) => ids.indexOf(1) >= 0 && ids.indexOf(1) < 6;
  const { ids } = await generated("--min-new-tokens", "6");
  assert.ok(!ended(ids) && ids.length >= 6, ids.join());
});

test("what was produced is penalized, or not repeated", async () => {
  const repeated = (await generated()).ids;
  assert.ok(new Set(repeated).size < repeated.length, `this test needs a model that repeats itself: ${repeated}`);
  const penalized = (await generated("--repetition-penalty", "50")).ids;
  assert.ok(new Set(penalized).size > new Set(repeated).size, penalized.join(" "));
  const once = (await generated("--no-repeat-ngram-size", "1")).ids;
  assert.equal(new Set(once).size, once.length);
});

test("sampling among the likeliest tokens only is greedy, whatever the seed", async () => {
  const greedy = (await generated()).ids;
  assert.deepEqual((await generated("--temperature", "9", "--seed", "5", "--top-p", "0.000001")).ids, greedy);
  assert.deepEqual((await generated("--temperature", "9", "--seed", "5", "--top-k", "1")).ids, greedy);
});

test("a beam's score is divided by its length to the power of the penalty", async () => {
  for (const penalty of [0, 2]) {
    const { sequences } = await generated("--num-beams", "3", "--length-penalty", `${penalty}`);
    const [{ ids, score, logProbs } = assert.fail("no sequence")] = sequences;
    const sum = logProbs.reduce((total, each) => total + each, 0);
    assert.ok(Math.abs(score * ids.length ** penalty - sum) < 1e-3 * Math.abs(sum), `${score}, ${sum}, ${ids}`);
  }
});

test("early stopping looks no further than the first finished beams", async () => {
  const beams = ["--num-beams", "4", "--num-return-sequences", "4", "--length-penalty", "5"];
  const best = async (...more: string[]) =>
    Math.max(...(await generated(...beams, ...more)).sequences.map(({ score }) => score));
  assert.ok((await best()) >= (await best("--early-stopping")), "what is looked at longer is never worse");
});

test("a target's ids are scored as its text is", async () => {
  const score = async (...target: string[]) => (await spanfill("score", "--input", "the", ...target, ...withModel))[0];
  const { ids, total } = await score("--target", "that is");
  assert.equal((await score("--target-ids", JSON.stringify(ids))).total, total);
});

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const line = (i: number) => Array.from({ length: 12 }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
const rows = Array.from({ length: 20 }, (_, i) => ({ text: line(i), brief: line(i).slice(0, 9), source: `f${i}` }));
writeFileSync(join(folder, "pairs.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

test("a run reads its target from the named column, takes the named optimizer, and starts anew when told to", async () => {
  const train = (...more: string[]) =>
    spanfill(
      ...["train", "--task", "summarize", "--data", "pairs.jsonl", "--target-column", "brief"],
      ...["--base", model.directory, "--epochs", "1", "--judged", "1", "--threads", "1", "--out", "tuned", ...more],
    );
  const [first] = (await train("--optimizer", "adamw")).slice(-1);
  assert.equal(first.type, "done");
  const written = () => readFileSync(join(folder, "tuned", "training.json"), "utf8");
  assert.match(written(), /"optimizer": ?"adamw"/);
  const [second] = (await train("--optimizer", "adafactor", "--restart")).slice(-1);
  assert.equal(second.type, "done");
  assert.match(written(), /"optimizer": ?"adafactor"/);
});

test("a calibration is checked on other rows when they are given", async () => {
  const prose =
    "The one that is on the list has it for this, and they have it too. As it was for us, so be it for all.";
  writeFileSync(
    join(folder, "c.jsonl"),
    ["a", "b", "c"].map((title) => JSON.stringify({ title, text: prose, summary: prose })).join("\n"),
  );
  const [report] = await spanfill("calibrate", "--data", "c.jsonl", "--check", "c.jsonl", ...withModel);
  assert.deepEqual(report.checkedOn, { data: "c.jsonl", rows: 3 });
});
