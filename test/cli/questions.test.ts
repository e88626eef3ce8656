/**
 * `spanfill ask` and `spanfill classify` with models that `spanfill train` taught: what was learned is what is asked.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { commandLine } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const base = randomModelFolder({ width: 64 });
const folder = mkdtempSync(join(tmpdir(), "spanfill-questions-"));
after(() => {
  base.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const { run: spanfill } = commandLine(folder, { SPANFILL_CACHE: join(folder, ".cache") });

/** Teaches the model, and gives what its folder says of it. */
async function taught(task: string, rows: readonly object[], epochs = 60) {
  writeFileSync(join(folder, `${task}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const settings = [
    "--epochs",
    String(epochs),
    "--batch-size",
    "16",
    "--threads",
    "1",
    "--patience",
    "0",
    "--judged",
    "0",
  ];
  const data = ["--task", task, "--data", `${task}.jsonl`, "--base", base.directory, "--out", task];
  const run = await spanfill([
    "train",
    ...data,
    ...settings,
    "--lr",
    "0.05",
    "--schedule",
    "linear",
    "--evaluate-every",
    "1000",
  ]);
  assert.equal(run.code, 0, run.stderr);
  return JSON.parse(readFileSync(join(folder, task, "spanfill.json"), "utf8"));
}

const words = "the of and to in is that it for was on".split(" ");
const filler = (i: number) => Array.from({ length: 8 }, (_, j) => words[(i * 5 + j * j + j) % words.length]).join(" ");

test("a model that learned two labels tells them apart, and says how sure it is", async () => {
  const row = (i: number) => {
    const label = i % 2 === 0 ? "with" : "have";
    return { text: `${filler(i)} ${label === "with" ? "one one" : "they they"} ${filler(i + 3)}`, label };
  };
  const manifest = await taught(
    "classify",
    Array.from({ length: 200 }, (_, i) => row(i)),
  );
  assert.deepEqual([manifest.prefixes.classify, manifest.labels], ["classify: ", ["have", "with"]]);

  const model = ["--model", "./classify", "--precision", "float32", "--threads", "1"];
  for (const i of [301, 302]) {
    const { text, label } = row(i);
    const run = await spanfill(["classify", ...model], text);
    assert.equal(run.code, 0, run.stderr);
    const [first, second] = run.stdout.trimEnd().split("\n");
    assert.match(first ?? "", new RegExp(`^(0\\.[6-9]\\d\\d|1\\.000)  ${label}$`), run.stdout);
    assert.match(second ?? "", /^0\.[0-3]\d\d {2}\w+$/);
    assert.match(run.stderr, /among the model's labels/);
  }
  const given = await spanfill(["classify", ...model, "--labels", "with, it", "--json"], row(302).text);
  const { label, labels, origin, coverage } = JSON.parse(given.stdout);
  assert.deepEqual([label, labels.length, origin, coverage], ["with", 2, "given", 1]);
  const long = `${row(302).text}. `.repeat(8) + filler(1);
  const parts = JSON.parse(
    (await spanfill(["classify", ...model, "--max-context-tokens", "64", "--json"], long)).stdout,
  );
  assert.deepEqual([parts.label, parts.coverage, parts.chunks > 1], ["with", 1, true]);
  const one = await spanfill(["classify", ...model, "--labels", "with"], "x");
  assert.deepEqual([one.code, /at least two labels/.test(one.stderr)], [2, true]);
});

test("a model that learned to answer does, and what nobody taught is refused", async () => {
  const row = (i: number) => {
    const answer = words[i % words.length] ?? "";
    return { context: `${filler(i)} one ${answer} at ${filler(i + 2)}`, question: "one", answers: [answer] };
  };
  const { context, answers } = row(7);
  writeFileSync(join(folder, "context.txt"), context);
  const model = ["--model", "./qa", "--precision", "float32", "--threads", "1"];
  const learned = async (epochs: number) => {
    rmSync(join(folder, "qa"), { recursive: true, force: true });
    const manifest = await taught(
      "qa",
      Array.from({ length: 300 }, (_, i) => row(i)),
      epochs,
    );
    assert.equal(manifest.prefixes.qa, "");
    const run = await spanfill(["ask", "context.txt", "--question", "one", ...model, "--json"]);
    assert.equal(run.code, 0, run.stderr);
    return JSON.parse(run.stdout);
  };
  // So small a model learns by luck, which differs by processor: it has three tries.
  let made = await learned(60);
  for (const epochs of [120, 90]) if (made.answer !== answers[0]) made = await learned(epochs);
  assert.equal(made.answer, answers[0]);
  const [{ start, end }] = made.answers[0].places;
  assert.equal(context.slice(start, end), made.answer);
  const plain = await spanfill(["ask", "-q", "one", ...model], context);
  assert.deepEqual([plain.stdout, /likelihood/.test(plain.stderr)], [`${answers[0]}\n`, true]);

  const untaught = await spanfill(["ask", "context.txt", "-q", "one"]);
  assert.deepEqual([untaught.code, /train --task qa/.test(untaught.stderr)], [1, true], untaught.stderr);
  const unasked = await spanfill(["ask", "context.txt"]);
  assert.deepEqual([unasked.code, /--question/.test(unasked.stderr)], [2, true], unasked.stderr);
});
