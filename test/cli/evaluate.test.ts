/**
 * `spanfill evaluate` as it ships, on a model with random weights: what is read, written and told, not what the model
 * is worth.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as zlib from "node:zlib";
import * as z from "zod";
import { evaluationReport } from "../../server/metrics/report.ts";
import { commandLine } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-evaluate-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const withModel = ["--model", model.directory, "--precision", "float32", "--processes", "1"];
const { run, start } = commandLine(folder, { SPANFILL_CACHE: join(folder, ".cache") });

function evaluate(args: readonly string[], input: string | Buffer = "") {
  return run(["evaluate", ...args, ...withModel], input);
}

/** The report of an evaluation that went well. */
async function report(args: readonly string[], input: string | Buffer = "") {
  const { code, stdout } = await evaluate([...args, "--json"], input);
  assert.equal(code, 0, stdout);
  return evaluationReport.parse(JSON.parse(stdout));
}

function jsonl(name: string, rows: readonly object[]): string {
  writeFileSync(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return name;
}

const prose =
  "The one that is on the list was here, and they have it for this and that. As it was, so it will be again.";
const documents = Array.from({ length: 6 }, (_, i) => ({
  source: `a/b:${i}.md`,
  title: `List ${i}`,
  text: `# List ${i}\n\n${prose} This is number ${i}.\n\n## More\n\n${prose}\n`,
  summary: i === 0 ? "As it was, so it will be again." : `The list of ${i} is told.`,
}));
const data = jsonl("documents.jsonl", documents);

test("the shipped ROUGE equals rouge-score's, as a baseline whose texts are known", async () => {
  const fixture = zlib
    .gunzipSync(readFileSync(join("test", "fixtures", "metrics", "rouge-pairs.json.gz")))
    .toString("utf8");
  const { pairs } = z
    .object({
      pairs: z.array(
        z.object({ target: z.string(), prediction: z.string(), stemmed: z.record(z.string(), z.number()) }),
      ),
    })
    .parse(JSON.parse(fixture));
  const usable = pairs.filter(({ target }) => target.trim() !== "").slice(0, 40);
  const rows = usable.map(({ target, prediction }) => ({
    text: "The one is this.",
    summary: target,
    title: prediction,
  }));
  const { groups } = await report(["--task", "summarize", "--data", jsonl("pairs.jsonl", rows)]);
  const scores = groups[0]?.systems.find(({ name }) => name === "title")?.scores ?? {};
  for (const metric of ["rouge1", "rouge2", "rougeL"]) {
    const expected = usable.reduce((sum, pair) => sum + (pair.stemmed[metric] ?? Number.NaN), 0) / usable.length;
    assert.ok(
      Math.abs((scores[metric]?.mean ?? 0) - expected) < 1e-12,
      `${metric}: ${scores[metric]?.mean}, not ${expected}`,
    );
  }
});

test("summaries and titles stand beside their baselines, all and the non-extractive apart", async () => {
  const summaries = await report(["--task", "summarize", "--data", data]);
  assert.deepEqual(
    summaries.groups.map(({ name, items, systems }) => [name, items, systems.map((system) => system.name)]),
    [
      ["all", 6, ["model", "first sentence", "first three sentences", "title", "the reference"]],
      ["not extractive", 5, ["model", "first sentence", "first three sentences", "title", "the reference"]],
    ],
  );
  const [all] = summaries.groups;
  assert.equal(all?.systems[1]?.scores["copied"]?.mean, 1);
  assert.ok(all?.systems[1]?.difference?.["rougeL"]);
  assert.deepEqual(summaries.data.columns, { text: "text", summary: "summary", title: "title", source: "source" });
  const titles = await report(["--task", "title", "--data", data]);
  assert.equal(titles.groups[0]?.systems[1]?.name, "first heading");
  // The title's own heading is not shown: the first heading that is left is "More".
  assert.equal(titles.groups[0]?.systems[1]?.scores["exact"]?.mean, 0);
});

test("infill cuts every kind of gap and compares with n-grams counted on other repositories", async () => {
  const corpus = jsonl("corpus.jsonl", [{ source: "c/d:1", text: prose }, ...documents]);
  const args = [
    "--task",
    "infill",
    "--data",
    data,
    "--ngrams",
    corpus,
    "--alternatives",
    "3",
    "--predictions",
    "p.jsonl",
  ];
  const { groups, settings } = await report(args);
  assert.equal(settings.alternatives, 3);
  assert.deepEqual(
    groups.map(({ name, items }) => `${name} ${items}`),
    ["words 12", "content words 6", "function words 6", "phrases 6", "sentences 6", "all gaps 24"],
  );
  const [model_, before, left, right] = groups[0]?.systems ?? [];
  assert.deepEqual(
    [model_?.name, before?.name, left?.name, right?.name],
    ["model", "model, only the text before", "n-grams, words before", "n-grams, both sides"],
  );
  assert.ok((model_?.scores["perplexityToken"]?.mean ?? 0) > 1 && (right?.scores["exact"]?.mean ?? 0) > 0.2);
  const line = z.object({
    row: z.int(),
    source: z.string(),
    kind: z.string(),
    reference: z.string(),
    prediction: z.string(),
    logProb: z.number().nonpositive().nullable(),
    logProbs: z.array(z.number()),
    exact: z.boolean(),
    referenceLogProbs: z.array(z.number().nonpositive()).min(1),
  });
  const predictions = readFileSync(join(folder, "p.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((one) => line.parse(JSON.parse(one)));
  assert.equal(predictions.length, 24);
  // What the report says follows from the predictions.
  const mean = predictions.filter(({ exact }) => exact).length / predictions.length;
  assert.equal(groups.at(-1)?.systems[0]?.scores["exact"]?.mean, mean);
});

test("questions and labels: scores, confusion, majority", async () => {
  const questions = jsonl("qa.jsonl", [
    { question: "the?", context: "the one", answers: { text: ["one"] } },
    { question: "is?", context: "is ".repeat(600), answers: ["is", "it"] },
  ]);
  const answers = await report(["--task", "qa", "--data", questions]);
  assert.ok(answers.settings.notes.some((note) => /1 of 2 inputs are longer/.test(note)));
  assert.deepEqual(Object.keys(answers.groups[0]?.systems[0]?.scores ?? {}), ["exact", "f1"]);
  const labels = jsonl("labels.jsonl", [
    { utterance: "the one", intent: "a" },
    { utterance: "this", intent: "a" },
    { utterance: "that", intent: "b" },
  ]);
  const { groups, confusion } = await report(["--task", "classify", "--data", labels, "--prefix", "say: "]);
  const majority = groups[0]?.systems[1]?.scores ?? {};
  assert.ok(Math.abs((majority["accuracy"]?.mean ?? 0) - 2 / 3) < 1e-12);
  assert.ok(Math.abs((majority["macroF1"]?.mean ?? 0) - 0.4) < 1e-12); // F1 0.8 of a, 0 of b
  assert.deepEqual(confusion?.labels, ["a", "b", "(no label)"]);
  const printed = (await evaluate(["--task", "classify", "--data", labels])).stdout;
  assert.match(printed, /\| most frequent label +\| 66\.7/);
  assert.match(printed, /\| true label \\\\? said/);
});

test("a limit draws rows by the seed, and everything but the time repeats", async () => {
  const drawn = async (seed: string) => ({
    ...(await report(["--task", "infill", "--data", data, "--limit", "3", "--seed", seed])),
    seconds: 0,
  });
  const first = await drawn("3");
  assert.deepEqual(await drawn("3"), first);
  assert.equal(first.data.used, 3);
  assert.notDeepEqual((await drawn("4")).groups, first.groups);
});

/** Two rows as python-zstandard packs them. */
const ZSTANDARD =
  "KLUv/WDsAL0DAGIHFxiATRsgAEQRnpQp+kqzltAoDBQ5kE4qvQdIABU6xCGB22zymry1ffy1Z+NBJy/rO4957xVK9mlx+aWOsnNGb952ZX33zvtO1lf3ruxoSRu/" +
  "cCgSIfEFquI8j5EKCABhoHDekNHAIS0XIVddrmeG6DQdWRMP";

test("reads gzip, Zstandard and standard input alike", async () => {
  const plain = readFileSync(join(folder, data));
  writeFileSync(join(folder, "d.gz"), zlib.gzipSync(plain));
  const groups = async (file: string, input?: Buffer) =>
    (await report(["--task", "infill", "--data", file, "--limit", "2"], input)).groups;
  const expected = await groups(data);
  assert.deepEqual(await groups("d.gz"), expected);
  assert.deepEqual(await groups("-", plain), expected);
  writeFileSync(join(folder, "d.zst"), Buffer.from(ZSTANDARD, "base64"));
  const zstandard = ["--task", "infill", "--data", "d.zst"];
  if ("zstdDecompressSync" in zlib) assert.equal((await report(zstandard)).data.rows, 2);
  else assert.match((await evaluate(zstandard)).stderr, /d\.zst is packed with Zstandard.*zstd -dc d\.zst \|/);
});

test("what is wrong is told in one line, before the model is loaded", async () => {
  jsonl("bad.jsonl", [{ text: "a", label: "b" }, { text: "a" }]);
  writeFileSync(join(folder, "cut.gz"), zlib.gzipSync("{}").subarray(0, 12));
  const rows: [string[], number, RegExp][] = [
    [["--task", "classify", "--data", "bad.jsonl"], 1, /bad\.jsonl: row 2, column "label": there is nothing/],
    [["--task", "infill", "--data", "cut.gz"], 1, /cut\.gz cannot be unpacked/],
    [["--task", "infill", "--data", "none.jsonl"], 1, /none\.jsonl: does not exist/],
    [["--task", "infill", "--data", data, "--ngrams", "bad2.jsonl"], 1, /bad2\.jsonl: does not exist/],
    [["--task", "infill", "--data", data, "--columns", "label=x"], 2, /infill has no "label"; it has text, source/],
    [["--task", "infill", "--data", data, "--columns", "text"], 2, /ROLE=COLUMN/],
    [["--task", "qa", "--data", data, "--ngrams", "x"], 2, /--ngrams is for --task infill/],
    [["--task", "haiku", "--data", data], 2, /summarize, title, infill, qa, classify/],
    [["--data", data], 2, /--task/],
    [["--task", "qa"], 2, /--data/],
  ];
  for (const [args, code, message] of rows) {
    const { code: ended, stdout, stderr } = await evaluate(args);
    assert.deepEqual([ended, stdout], [code, ""], args.join(" "));
    assert.match(stderr, message);
  }
});

test("Ctrl+C ends it with exit code 130, no half output, and no process left", {
  timeout: 300_000,
  skip: process.platform !== "linux",
}, async () => {
  const many = jsonl(
    "many.jsonl",
    Array.from({ length: 3000 }, (_, i) => ({ ...documents[i % 6], source: String(i) })),
  );
  writeFileSync(join(folder, "kept.jsonl"), "what was there\n");
  const child = start(["evaluate", "--task", "infill", "--data", many, "--predictions", "kept.jsonl", ...withModel]);
  let said = "";
  child.stdout.on("data", (part) => {
    said += part;
  });
  // Its engine runs from the moment it has a child of its own.
  const engines = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
  while (engines() === "") await new Promise((resolve) => setImmediate(resolve));
  const engine = engines();
  child.kill("SIGINT");
  const [code] = await once(child, "close");
  assert.deepEqual([code, said], [130, ""]);
  assert.equal(readFileSync(join(folder, "kept.jsonl"), "utf8"), "what was there\n");
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".tmp")),
    [],
  );
  for (let tries = 0; isRunning(engine) && tries < 100; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(isRunning(engine), false);
});

/** Whether a process is there, and not one that has ended but that its new parent has not asked for. */
function isRunning(pid: string): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
