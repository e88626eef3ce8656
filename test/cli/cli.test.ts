import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as z from "zod";
import { built } from "../support/built.ts";
import { commandLine, ended, type Run } from "../support/command-line.ts";
import { LONG_WORD, randomModelFolder } from "../support/models/random-model.ts";

const model = randomModelFolder();
const slow = randomModelFolder({ layers: 6, width: 256 });
const folder = mkdtempSync(join(tmpdir(), "spanfill-cli-"));
after(() => {
  model.dispose();
  slow.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const { run: spanfill, start } = commandLine(folder, { SPANFILL_CACHE: join(folder, ".cache") });

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return name;
}

/** One thread: two that wait for each other on a busy machine take several times as long. */
const withModel = ["--model", model.directory, "--precision", "float32", "--threads", "1"];
const count = z.int().nonnegative();
const tokens = z.strictObject({ in: count, out: count });
const ms = z.record(z.string(), z.number().nonnegative());
const failure = z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string().min(10) }) });

/** The one line of JSON that was printed. */
function parsed<T extends z.ZodType>(schema: T, { stdout }: Run): z.output<T> {
  assert.equal(stdout.indexOf("\n"), stdout.length - 1, "one line");
  return schema.parse(JSON.parse(stdout));
}

// Help and usage

test("without arguments it prints help and is done", async () => {
  const run = await ended(start([]));
  assert.deepEqual([run.code, run.stderr], [0, ""]);
  for (const word of ["summarize", "infill", "generate", "score", "info", "Examples:", "Exit codes:"]) {
    assert.ok(run.stdout.includes(word), word);
  }
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.equal((await ended(start(["--version"]))).stdout, `${version}\n`);
});

for (const command of ["summarize", "infill", "generate", "score", "info"]) {
  test(`${command} --help shows examples and --json`, async () => {
    const { code, stdout } = await spanfill([command, "--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /Examples:\n {2}\$ /);
    assert.match(stdout, /--json/);
  });
}

const wrong: [string, string[], RegExp][] = [
  ["an unknown command", ["frobnicate"], /unknown command 'frobnicate'/],
  ["an unknown option", ["summarize", "--color"], /unknown option '--color'/],
  ["a style there is none of", ["summarize", "--style", "haiku"], /sentence, paragraph, bullets, title/],
  ["a word limit of nothing", ["summarize", "--max-words", "0"], /whole number of at least 1/],
  ["a number that is none", ["generate", "--input", "a", "--num-beams", "two"], /--num-beams.*whole number/],
  ["a precision there is none of", ["generate", "--input", "a", "--precision", "int2"], /int8, float32/],
  ["ids that are no JSON", ["generate", "--input-ids", "1,2"], /JSON array of token ids/],
  ["neither input nor ids", ["generate"], /--input TEXT or --input-ids/],
  ["input and ids", ["generate", "--input", "a", "--input-ids", "[1]"], /either/],
  [
    "more sequences than beams",
    ["generate", "--input", "a", "--num-return-sequences", "2", ...withModel],
    /--num-beams/,
  ],
  ["no target", ["score", "--input", "a"], /--target TEXT or --target-ids/],
  ["too many arguments", ["summarize", "a.md", "b.md"], /too many arguments/],
];
for (const [what, args, message] of wrong) {
  test(`wrong usage: ${what}`, async () => {
    const json = await spanfill([...args, "--json"]);
    assert.deepEqual([json.code, json.stderr], [2, ""]);
    const { error } = parsed(failure, json);
    assert.equal(error.code, "usage");
    assert.match(error.message, message);
  });
}

test("without --json wrong usage is told on stderr, with exit code 2", async () => {
  const { code, stdout, stderr } = await ended(start(["frobnicate"]));
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /unknown command 'frobnicate'/);
});

// Commands

const text = "The one that is on the list. They have it for this.\n\nAs it was, so be it.\n";

test("summarize reads a file, standard input, and -", async () => {
  const name = file("notes.md", text);
  const fromFile = await spanfill(["summarize", name, ...withModel]);
  assert.equal(fromFile.code, 0);
  assert.match(fromFile.stderr, /\((?:.*; )?likelihood 0\.\d\d, not calibrated\)\n$/);
  assert.match(fromFile.stdout, /\n$/);
  assert.deepEqual(await ended(start(["summarize", ...withModel]), text), fromFile);
  assert.deepEqual(await ended(start(["summarize", "-", ...withModel]), text), fromFile);
  assert.deepEqual(await spanfill(["summarise", name, ...withModel]), fromFile);
  assert.equal(readFileSync(join(folder, name), "utf8"), text);
});

const summary = z.strictObject({
  summary: z.string(),
  chunks: z.int().positive(),
  coverage: z.number().min(0).max(1),
  tokens,
  ms,
  model: z.string(),
  confidence: z.number().min(0).max(1),
  calibrated: z.literal(false),
  origin: z.enum(["model", "text", "quotes"]),
});
for (const style of ["sentence", "paragraph", "bullets", "title"]) {
  test(`summarize --style ${style} --json`, async () => {
    const run = await spanfill(
      ["summarize", "--style", style, "--max-words", "5", "--json", ...withModel],
      text.repeat(20),
    );
    assert.equal(run.code, 0);
    const made = parsed(summary, run);
    assert.ok(made.coverage > 0);
    const words = made.summary.replace(/^- /gm, "").split(/\s+/).filter(Boolean);
    assert.ok(words.length <= 5, made.summary);
    if (style !== "bullets") return;
    for (const line of made.summary.split("\n")) assert.match(line, /^- /);
  });
}

const candidate = {
  text: z.string(),
  score: z.number(),
  probability: z.number(),
  confidence: z.number().min(0).max(1),
  logProbs: z.array(z.number()),
};
const filled = z.strictObject({
  text: z.string(),
  left: z.array(z.unknown()),
  passed: z.array(z.unknown()),
  fills: z.array(
    z.strictObject({ gap: count, offset: count, ...candidate, alternatives: z.array(z.strictObject(candidate)) }),
  ),
  passes: count,
  tokens,
  ms,
  model: z.string(),
  calibrated: z.literal(false),
});

test("--language tells the format of standard input; a text without prose is refused", async () => {
  const summarized = (language: string, text: string) =>
    spanfill(["summarize", "--language", language, ...withModel], text);
  const latex = await summarized("latex", "\\section{One} % of it\nThe one of it is for \\emph{that} text\\cite{x}.\n");
  assert.equal(latex.code, 0, latex.stderr);
  assert.deepEqual(latex, await summarized("markdown", "## One\n\nThe one of it is for that text.\n"));
  const none = await summarized("markdown", "---\ntitle: The one of it\n---\n\n| of | it |\n|---|---|\n| is | for |\n");
  assert.equal(none.code, 1);
  assert.match(none.stderr, /no prose to summarize/);
});

test("prose whose sentences are too long to quote is quoted by its beginning", async () => {
  const long = "the one of and to in is that it for was on ".repeat(20);
  for (const style of ["bullets", "paragraph"]) {
    const run = await spanfill(["summarize", "--style", style, ...withModel], long);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /^(- )?(the one of and to in is that it for was on ){2}the one of and to in…\n$/);
  }
});

test("infill changes nothing outside the gaps, and writes no file", async () => {
  const draft = "\uFEFFThe ___ is on\tthe ___.\r\n\r\n  naïve – 漢字 ___\n";
  const name = file("draft.md", draft);
  const before = readdirSync(folder);
  const run = await spanfill(["infill", name, "--json", ...withModel]);
  assert.equal(run.code, 0, run.stdout);
  const made = parsed(filled, run);
  assert.equal(made.fills.length, 3);
  assert.deepEqual(
    made.fills.map(({ offset }) => draft.slice(offset, offset + 3)),
    ["___", "___", "___"],
  );
  let at = 0;
  for (const kept of draft.split("___")) {
    const found = made.text.indexOf(kept, at);
    assert.ok(found >= at, `${JSON.stringify(kept)} is not in ${JSON.stringify(made.text)}`);
    at = found + kept.length;
  }
  assert.equal((await spanfill(["infill", name, ...withModel])).stdout, made.text);
  assert.equal(readFileSync(join(folder, name), "utf8"), draft);
  assert.deepEqual(readdirSync(folder), before);
});

test("infill takes another gap, several alternatives, and more gaps than there are sentinels", async () => {
  const run = await spanfill(
    ["infill", "--gap", "TODO", "--alternatives", "2", "--json", ...withModel],
    "The TODO is.\n",
  );
  assert.equal(run.code, 0, run.stdout);
  assert.equal(parsed(filled, run).fills[0]?.offset, 4);
  const plain = await spanfill(["infill", "--gap", "TODO", "--alternatives", "2", ...withModel], "The TODO is.\n");
  const listed = parsed(filled, run).fills[0]?.alternatives.map(({ text }) => text.trim()) ?? [];
  assert.equal(listed.length, 2);
  const gap = plain.stderr.split("\n").find((line) => line.startsWith("gap 1: "));
  assert.match(gap ?? plain.stderr, /^gap 1: .* \(\d+%\) \| .* \(\d+%\)$/);
  for (const text of listed) assert.ok(gap?.includes(text), `${text} in ${gap}`);
  const many = await spanfill(["infill", "--fill-all", "--json", ...withModel], "the ___ is on ".repeat(25));
  assert.equal(many.code, 0, many.stdout);
  assert.equal(parsed(filled, many).fills.length, 25);
  assert.deepEqual(parsed(filled, many).left, []);
});

const sequence = {
  ids: z.array(count),
  text: z.string(),
  logProbs: z.array(z.number()),
  score: z.number(),
  finished: z.boolean(),
};
const generated = z.strictObject({
  ...sequence,
  sequences: z.array(z.strictObject(sequence)),
  settings: z.record(
    z.string(),
    z.union([z.strictObject({ value: z.unknown(), from: z.string() }), z.array(z.string())]),
  ),
  tokens,
  ms,
  model: z.string(),
  precision: z.enum(["int8", "float32"]),
});

test("generate gives the same for a text and its ids, greedy, by beams, and sampled with a seed", async () => {
  const run = await spanfill(["generate", "--input", "the", "--max-new-tokens", "8", "--json", ...withModel]);
  const greedy = parsed(generated, run);
  assert.deepEqual(greedy.ids, greedy.sequences[0]?.ids);
  assert.ok(greedy.ids.length > 0 && greedy.ids.length <= 8);
  const plain = await spanfill(["generate", "--input", "the", "--max-new-tokens", "8", ...withModel]);
  assert.equal(plain.stdout, `${greedy.text}\n`);
  // "▁the" comes after the 4 special pieces and 94 characters; </s> is 1.
  const byIds = await spanfill(["generate", "--input-ids", "[98, 1]", "--max-new-tokens", "8", "--json", ...withModel]);
  assert.deepEqual(parsed(generated, byIds).ids, greedy.ids);
  const options = [
    "--num-beams",
    "3",
    "--num-return-sequences",
    "3",
    "--length-penalty",
    "0.6",
    "--no-repeat-ngram-size",
    "2",
  ];
  const beams = parsed(generated, await spanfill(["generate", "--input", "the", ...options, "--json", ...withModel]));
  assert.equal(beams.sequences.length, 3);
  const sampled = async (...changed: string[]) => {
    const args = ["--input", "the", "--max-new-tokens", "8", "--top-k", "20", ...changed, "--json", ...withModel];
    return parsed(generated, await spanfill(["generate", ...args])).ids;
  };
  const drawn = await sampled("--temperature", "20", "--seed", "3");
  assert.deepEqual(await sampled("--temperature", "20", "--seed", "3"), drawn);
  assert.notDeepEqual(await sampled("--temperature", "20", "--seed", "4"), drawn, "--seed is read");
  assert.deepEqual(await sampled("--temperature", "0.0001", "--seed", "3"), greedy.ids, "--temperature is read");
  const int8 = await spanfill(["generate", "--input", "the", "--model", model.directory, "--threads", "1", "--json"]);
  assert.equal(parsed(generated, int8).precision, "int8");
});

test("generate reads names of special tokens as those tokens", async () => {
  const named = await spanfill(["generate", "--input", "<extra_id_0>", "--json", ...withModel]);
  assert.equal(parsed(generated, named).tokens.in, 2);
});

test("score gives the log-likelihood in total and of each token, </s> included", async () => {
  const schema = z.strictObject({
    total: z.number().negative(),
    mean: z.number().negative(),
    ids: z.array(count),
    logProbs: z.array(z.number()),
    tokens,
    ms,
    model: z.string(),
    precision: z.string(),
  });
  const run = await spanfill(["score", "--input", "the", "--target", "that is", "--json", ...withModel]);
  const made = parsed(schema, run);
  assert.equal(made.ids.at(-1), 1);
  const sum = made.logProbs.reduce((total, one) => total + one, 0);
  assert.ok(Math.abs(sum - made.total) < 1e-6 && made.logProbs.length === made.ids.length);
  const plain = await spanfill(["score", "--input", "the", "--target", "that is", ...withModel]);
  assert.equal(plain.stdout.split("\n")[0], made.total.toFixed(4));
});

test("info tells configuration, parameters and memory", async () => {
  const schema = z.looseObject({
    id: z.string(),
    config: z.looseObject({ dModel: z.literal(32), numLayers: z.literal(1) }),
    parameters: z.int().positive(),
    memoryBytes: z.looseObject({ float32: z.int(), int8: z.int(), perSourceToken: z.literal(4 * 2 * 32) }),
    flopsPerToken: z.strictObject({ encoder: z.int(), decoder: z.int(), training: z.int() }),
  });
  const made = parsed(schema, await spanfill(["info", model.directory, "--json"]));
  assert.equal(made.memoryBytes.float32, 4 * made.parameters);
  const plain = await spanfill(["info", model.directory]);
  assert.ok(plain.stdout.includes(made.parameters.toLocaleString("en-US")));
  assert.match(plain.stdout, /languages +en\ncalibrated for +nothing/);
});

test("info counts a published shape that is not here, and sets it beside what the paper does", async () => {
  const made = await spanfill(["info", "google/t5-efficient-small-nl16"]);
  assert.match(made.stdout, /parameters +133,932,544\n/);
  assert.match(
    made.stdout,
    /compared with google\/t5-efficient-base +60\.1% of its parameters, 62\.9% of its operations\. The paper: As good/,
  );
  const shape = await spanfill(["info", join(model.directory, "config.json"), "--json"]);
  assert.equal(parsed(z.looseObject({ parameters: z.int() }), shape).parameters > 0, true);
  const unknown = await spanfill(["info", "t5-efficient-tiny-sh"]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /The layers of .*-tiny-sh were not published/);
});

test("calibrate keeps its result with the model, and what else the manifest said", async () => {
  const copy = join(folder, "calibrated");
  cpSync(model.directory, copy, { recursive: true, dereference: true });
  writeFileSync(join(copy, "spanfill.json"), JSON.stringify({ id: "mine", languages: ["en", "de"] }));
  const prose =
    "The one that is on the list has it for this, and they have it too. As it was for us, so be it for all of them.";
  const rows = ["one", "two", "three"].map((title) => ({ title, text: prose, summary: prose }));
  const data = file("pairs.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"));
  const args = ["calibrate", "--model", copy, "--precision", "float32", "--processes", "1", "--data", data, "--json"];
  const schema = z.strictObject({
    model: z.literal("mine"),
    precision: z.literal("float32"),
    fittedOn: z.strictObject({ data: z.literal("pairs.jsonl"), rows: z.literal(3) }),
    kinds: z.record(z.string(), z.object({ curve: z.object({ bias: z.number() }) })),
  });
  const report = parsed(schema, await spanfill(args));
  assert.deepEqual(Object.keys(readJsonFile(join(copy, "spanfill.json"))), ["id", "languages"]);
  assert.deepEqual(parsed(schema, await spanfill([...args, "--write"])), report);
  const curves = Object.fromEntries(Object.entries(report.kinds).map(([kind, { curve }]) => [kind, curve]));
  const manifest = readJsonFile(join(copy, "spanfill.json"));
  assert.deepEqual(manifest, { id: "mine", languages: ["en", "de"], calibration: curves });
  assert.deepEqual(readJsonFile(join(copy, "calibration.json"))["fittedOn"], report.fittedOn);
});

function readJsonFile(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, "utf8"));
}

test("demo summarizes and infills the sample documents", async () => {
  const { code, stdout, stderr } = await spanfill(["demo", ...withModel]);
  assert.deepEqual([code, stderr], [0, ""]);
  for (const part of ["A DOCUMENT", "ITS SUMMARY", "A DRAFT WITH 6 GAPS", "FILLED", "TRY NEXT", " ms"]) {
    assert.ok(stdout.includes(part), part);
  }
  assert.match(stdout, /Download the archive for your \[[^\]]*\] and unpack/);
});

// What can be wrong with the input: one line that says so, exit code 1

mkdirSync(join(folder, "folder"));
mkdirSync(join(folder, "empty-model"));
const bad: [string, string[], string | Buffer, string, RegExp][] = [
  ["an empty file", ["summarize", file("empty.md", ""), ...withModel], "", "input", /empty/],
  ["empty standard input", ["infill", ...withModel], "", "input", /empty|no gap/i],
  ["a missing file", ["summarize", "missing.md", ...withModel], "", "input", /missing\.md.*does not exist/],
  ["a folder without prose", ["summarize", "folder", ...withModel], "", "input", /folder holds no prose/],
  ["a folder", ["infill", "folder", ...withModel], "", "input", /folder is a folder/],
  [
    "a binary file",
    ["infill", file("a.bin", Buffer.from([65, 0, 66])), ...withModel],
    "",
    "input",
    /a\.bin is binary.*offset 1/,
  ],
  ["binary standard input", ["summarize", ...withModel], Buffer.from([65, 66, 0]), "input", /standard input is binary/],
  ["Latin-1", ["summarize", ...withModel], Buffer.from("na\xefve", "latin1"), "input", /not UTF-8.*offset 2/],
  ["UTF-16", ["summarize", ...withModel], Buffer.from("\uFEFFtext", "utf16le"), "input", /UTF-16/],
  ["a text without gaps", ["infill", ...withModel], "nothing to fill", "input", /gap/],
  ["a missing model", ["summarize", "--model", "no-such-model"], "text", "config", /no-such-model/],
  ["a folder without a model", ["summarize", "--model", "./empty-model"], "text", "config", /no config\.json/],
  [
    "a folder that is written as an id",
    ["infill", "--model", "empty-model"],
    "a ___",
    "config",
    /write \.\/empty-model/,
  ],
  ["a missing model's info", ["info", "no-such-model"], "", "config", /no-such-model/],
  ["ids beyond the vocabulary", ["generate", "--input-ids", "[999999]", ...withModel], "", "input", /999999/],
];
for (const [what, args, input, code, message] of bad) {
  test(`bad input: ${what}`, async () => {
    const json = await spanfill([...args, "--json"], input);
    assert.deepEqual([json.code, json.stderr], [1, ""]);
    const { error } = parsed(failure, json);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
  });
}

test("without --json bad input is told in one line on stderr, with exit code 1", async () => {
  const { code, stdout, stderr } = await ended(start(["summarize", "missing.md", ...withModel]));
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^.*missing\.md.*does not exist.*\n$/);
});

test("a reader that closes the pipe early: one line, exit code 1", async () => {
  // More than a pipe holds, so that what is left cannot be written.
  const child = start(["infill", ...withModel]);
  child.stdin.on("error", () => undefined);
  child.stdin.end(`___ is ${"the one that is. ".repeat(50_000)}`);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    stderr += part;
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const [code] = await once(child, "exit");
  const said = stderr.replace(/^\(confidence .*\)\n/, "");
  assert.deepEqual([code, said], [1, "spanfill: the reader closed the pipe before all output was written.\n"]);
});

test("Ctrl+C ends the work with exit code 130, in JSON too", { timeout: 300_000 }, async () => {
  for (const json of [[], ["--json"]]) {
    const child = start(["infill", "--model", slow.directory, "--precision", "float32", "--threads", "1", ...json]);
    // Many gaps, and more text than the system keeps for a reader.
    child.stdin.end(`The ___ is. ${text.repeat(40)}`.repeat(100));
    let said = "";
    const stream = json.length > 0 ? child.stdout : child.stderr;
    stream.setEncoding("utf8").on("data", (part: string) => {
      said += part;
    });
    // Its handler is in place before it has read its input to the end.
    await once(child.stdin, "finish");
    child.kill("SIGINT");
    const [code, signal] = await once(child, "close");
    assert.deepEqual([code, signal], [130, null]);
    if (json.length > 0) assert.equal(failure.parse(JSON.parse(said)).error.code, "interrupted");
    else assert.match(said, /Interrupted/);
  }
});

test("Ctrl+C ends the wait for input that does not end", { timeout: 300_000 }, async () => {
  const child = start(["infill", ...withModel, "--json"]);
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    said += part;
  });
  // More than the system keeps for a reader, so it has begun to read.
  await new Promise((resolve) => child.stdin.write("the one ".repeat(500_000), resolve));
  child.kill("SIGINT");
  const [code] = await once(child, "close");
  assert.deepEqual([code, failure.parse(JSON.parse(said)).error.code], [130, "interrupted"]);
});

test("a pipe that the shell opened is read like a file", { skip: process.platform === "win32" }, () => {
  const command = `"$0" "$@" <(printf "the ___ of")`;
  const args = ["-c", command, process.execPath, built("cli.js"), "infill", ...withModel];
  assert.match(execFileSync("bash", args, { encoding: "utf8" }), /^the .* of\n?$/s);
});

// 10 MB take one pass: test/features/read/summarize.test.ts.
test("a text of many pipefuls is summarized", async () => {
  const paragraph = `the ${LONG_WORD} is.\n\n`;
  const run = await ended(start(["summarize", "--json", ...withModel]), paragraph.repeat(10_000));
  assert.equal(run.code, 0, run.stderr);
  assert.ok(parsed(summary, run).coverage > 0);
});
