import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import type { ModelInfo } from "../../../server/engine/engine.ts";
import { NoProse } from "../../../server/features/read/prose.ts";
import { type SummarizeOptions, type SummarizeParams, summarize } from "../../../server/features/read/summarize.ts";
import { summaryNotes } from "../../../server/features/read/summary-notes.ts";
import { type FakeModel, fakeModel } from "../../support/models/fake-model.ts";

/** Answers with the first words of the input, the prefix left out. */
const firstWords = (count: number) => (input: string) =>
  ` ${input
    .replace(/^\s*\w+:\s*/, "")
    .split(/\s+/)
    .slice(0, count)
    .join(" ")
    .replace(/\.+$/, "")}.`;

const run = (model: FakeModel, params: SummarizeParams, options?: SummarizeOptions) =>
  summarize({ model, locale: "en" }, params, options);
const words = (count: number, word = "word") => Array.from({ length: count }, (_, i) => `${word}${i}`).join(" ");
const paragraphs = (count: number) =>
  Array.from({ length: count }, (_, i) => `Topic${i} begins here ${words(60, "fill")}.`).join("\n\n");

test("a text within the window is one chunk, encoded with the prefix and eos", async () => {
  const model = fakeModel(firstWords(3));
  const made = await run(model, { text: "Alpha beta gamma delta epsilon.\n", style: "sentence" });
  assert.equal(made.summary, "Alpha beta gamma.");
  assert.deepEqual(
    { chunks: made.chunks, coverage: made.coverage, cancelled: made.cancelled, model: made.model },
    { chunks: 1, coverage: 1, cancelled: false, model: "fake" },
  );
  assert.deepEqual(model.seen, [" summarize: Alpha beta gamma delta epsilon."]);
  assert.equal(model.requests[0]?.inputs[0]?.at(-1), 1);
  assert.deepEqual(made.tokens, { in: model.requests[0]?.inputs[0]?.length, out: 3 });
});

test("of a long text the model reads the title and the part around its best sentences", async () => {
  const text = `# Topics\n\n${paragraphs(20)}`;
  const model = fakeModel(firstWords(4));
  const first = await run(model, { text, style: "sentence", maxContextTokens: 128 });
  assert.equal(first.chunks, 1);
  assert.ok(first.coverage > 0.02 && first.coverage < 0.1, String(first.coverage));
  assert.match(model.seen[0] ?? "", /^\s*summarize: # Topics\s+Topic0 begins/);
  // The later a sentence, the better: the last paragraph, below the title.
  const reversed: FakeModel = { ...model, rank: async (rows) => (await model.rank(rows)).map((score) => -score) };
  const last = await run(reversed, { text, style: "sentence", maxContextTokens: 128 });
  assert.match(model.seen[1] ?? "", /^\s*summarize: # Topics\s+Topic19 begins/);
  assert.ok(last.coverage < 0.1, String(last.coverage));
  for (const request of model.requests) assert.ok((request.inputs[0]?.length ?? 0) <= 128);
});

test("a part that encodes longer than counted is cut to the window", async () => {
  const plain = fakeModel(firstWords(4));
  // Counted alone, texts look half as long as they are.
  const model: FakeModel = {
    ...plain,
    encodeAll: async (list) => (await plain.encodeAll(list)).map((ids) => ids.slice(0, Math.ceil(ids.length / 2))),
  };
  await run(model, { text: words(300), style: "sentence", maxContextTokens: 64 });
  assert.ok(plain.requests.every(({ inputs: [ids = []] }) => ids.length <= 64 && ids.at(-1) === 1));
});

/** A model whose confidence is 0.12 if its bias is 0, and which writes the first words. */
function unsure(bias: number, extra: Partial<ModelInfo> = {}, answer = firstWords(3)): FakeModel {
  const curve = { bias: bias - 1, weights: { mean: 1 } };
  return fakeModel(answer, { calibration: { summary: curve, title: curve }, ...extra });
}
const LONG = "Topic0 begins right here and it goes on. Nothing else is said of it in this text.";

test("where a calibrated model is not sure enough, the best sentence stands instead, and is marked", async () => {
  const at = async (minimumConfidence: number, style: SummarizeParams["style"], info?: Partial<ModelInfo>) =>
    run(unsure(0, info), { text: LONG, style, minimumConfidence });
  const own = await at(0.1, "sentence");
  assert.deepEqual([own.origin, own.summary], ["model", "Topic0 begins right."]);
  const instead = await at(0.5, "sentence");
  assert.deepEqual([instead.origin, instead.summary], ["text", "Topic0 begins right here and it goes on."]);
  assert.equal(instead.confidence, own.confidence);
  assert.equal((await at(0, "sentence")).origin, "model");
  assert.equal((await at(0.99, "sentence", { calibration: {} })).origin, "model");
});

test("a title that the model is sure of is its own; else the document's, else from the best sentence", async () => {
  const at = async (bias: number, text = LONG) => run(unsure(bias), { text, style: "title", minimumConfidence: 0.5 });
  const own = await at(9);
  assert.deepEqual([own.origin, own.summary], ["model", "Topic0 begins right"]);
  const instead = await at(0);
  assert.deepEqual([instead.origin, instead.summary], ["text", "Topic0 begins right here and it goes on"]);
  const long = "Topic0 begins right here, and then it goes on with many more words than a title should ever have.";
  assert.equal((await at(0, long)).summary, "Topic0 begins right here");
  assert.equal((await at(0, `Words.\n\n## Notes\n\n${long}`)).summary, "Topic0 begins right here");
  // A heading of a part is not the document's; the only one of the highest level is.
  assert.equal((await at(0, `Words.\n\n## The topics\n\n${long}`)).summary, "Topic0 begins right here");
  assert.equal((await at(9, `${LONG}\n\n## Topic0 begins right\n\nMore.`)).origin, "text");
  assert.equal((await at(0, `Words.\n\n# The topics\n\n${long}`)).summary, "The topics");
});

test("a name or number that the text lacks is barred, and where it comes again the text is quoted", async () => {
  const invents = (again: string) => {
    const answers = [" It has Kubernetes 99.", again];
    return fakeModel(() => answers.shift() ?? "");
  };
  const better = invents(" Topic0 has nothing else.");
  const second = await run(better, { text: LONG, style: "sentence" });
  assert.deepEqual([second.origin, second.summary], ["model", "Topic0 has nothing else."]);
  assert.equal(better.requests.length, 2);
  const barred = better.requests[1]?.bannedTokens ?? [];
  assert.match(await better.decode(barred), /Kubernet/);
  assert.ok(barred.every((id) => !better.requests[0]?.inputs[0]?.includes(id)));
  const quoted = await run(invents(" Topic0 has Kubernetes again."), { text: LONG, style: "sentence" });
  assert.deepEqual([quoted.origin, quoted.summary], ["text", "Topic0 begins right here and it goes on."]);
  const title = await run(invents(" About Kubernetes"), { text: `# Topics\n\n${LONG}`, style: "title" });
  assert.deepEqual([title.origin, title.summary], ["text", "Topics"]);
});

test("nothing written and nothing to quote is an error, not an empty answer", async () => {
  const params = { text: "These are:", style: "sentence" } as const;
  await assert.rejects(
    run(
      fakeModel(() => ""),
      params,
    ),
    NoProse,
  );
  await assert.rejects(
    run(
      fakeModel(() => " Kubernetes 99."),
      params,
    ),
    NoProse,
  );
});

test("what is cut off gives way to a whole sentence", async () => {
  const params = { text: LONG, style: "sentence", minimumConfidence: 0.1 } as const;
  const made = await run(
    unsure(9, {}, () => " Topic0 begins right here and"),
    params,
  );
  assert.deepEqual([made.origin, made.summary], ["text", "Topic0 begins right here and it goes on."]);
});

test("what would stand for the text worse than its best sentence gives way, however sure the model is of it", async () => {
  const model = unsure(9);
  let asked = 0;
  // The first request ranks the sentences, the second what was written.
  const worse = (by: number): FakeModel => ({
    ...model,
    rank: async (rows) => (asked++ % 2 === 0 ? model.rank(rows) : Float32Array.of(-by)),
  });
  const params = { text: LONG, style: "sentence", minimumConfidence: 0.1 } as const;
  assert.equal((await run(worse(0.02), params)).origin, "model");
  assert.equal((await run(worse(0.04), params)).origin, "text");
});

test("what stutters gives way, however sure the model is of it", async () => {
  const text = "Caches caches pages, as the name of it says to all who read it here.";
  const made = await run(unsure(9), { text, style: "sentence", minimumConfidence: 0.1 });
  assert.deepEqual([made.origin, made.summary], ["text", text]);
});

test("a text without a sentence of its own keeps the model's", async () => {
  const params = { text: "one of it:\n\ntwo of it:", style: "sentence", minimumConfidence: 0.9 } as const;
  assert.equal((await run(unsure(0), params)).origin, "model");
});

test("notes say how sure the model is, whose words they are, and what it does not know", async () => {
  const german = "Der Zwischenspeicher wird geleert, sobald sich eine Datei ändert. Danach liest der Server neu.";
  const made = await run(unsure(0), { text: german, style: "sentence", minimumConfidence: 0.9 });
  assert.equal(made.language, "de");
  assert.equal(made.summary, "Der Zwischenspeicher wird geleert, sobald sich eine Datei ändert.");
  assert.deepEqual(summaryNotes(made), ["the text's own words", "the text is German, which the model does not know"]);
  const plain = await run(fakeModel(firstWords(3)), { text: "Alpha beta gamma delta.", style: "sentence" });
  assert.deepEqual(summaryNotes(plain), ["likelihood 0.37, not calibrated"]);
  assert.deepEqual(summaryNotes({ ...plain, origin: "text", calibrated: true }), [
    "a sentence quoted from the text, since the model was unsure",
    "confidence 37%",
  ]);
});

test("a text that the model cannot read is quoted in every style, else refused", async () => {
  const chinese = "# 备份数据库\n\n备份命令将正在运行的数据库复制到一个文件夹，而不停止它。每个副本都会检查校验和。";
  const model = fakeModel(() => "word salad");
  const at = async (text: string, style: SummarizeParams["style"]) => (await run(model, { text, style })).summary;
  assert.equal(await at(chinese, "sentence"), "备份命令将正在运行的数据库复制到一个文件夹，而不停止它。");
  assert.equal(
    await at(chinese, "paragraph"),
    "备份命令将正在运行的数据库复制到一个文件夹，而不停止它。每个副本都会检查校验和。",
  );
  assert.match(await at(chinese, "bullets"), /^- 备份命令.*。\n- 每个副本都会检查校验和。$/);
  assert.equal(await at(chinese, "title"), "备份数据库");
  await assert.rejects(at("备份命令，复制：", "sentence"), /language that the model does not know|Chinese/);
  assert.equal(model.requests.length, 0);
});

const SECTIONED = Array.from("abcdefghi", (letter, i) => {
  return `## Part ${i}\n\nTopic${i} begins here ${words(20, letter.repeat(3))}.`;
}).join("\n\n");

test("a paragraph and bullets quote the best sentences in the text's order, without the model", async () => {
  const model = fakeModel(firstWords(3));
  const paragraph = await run(model, { text: SECTIONED, style: "paragraph" });
  assert.deepEqual([paragraph.origin, paragraph.coverage, paragraph.logProbs], ["quotes", 1, []]);
  assert.deepEqual(paragraph.summary.match(/Topic\d/g), ["Topic0", "Topic1", "Topic2"]);
  const bullets = await run(model, { text: SECTIONED, style: "bullets" });
  const lines = bullets.summary.split("\n");
  assert.deepEqual(
    lines.map((line) => /^- (Topic\d) .*\.$/.exec(line)?.[1]),
    ["Topic0", "Topic1", "Topic2", "Topic3", "Topic4"],
  );
  for (const line of lines) assert.ok(SECTIONED.includes(line.slice(2)), line);
  const same = "The same is said twice here.";
  assert.equal((await run(model, { text: `${same} ${same}`, style: "bullets" })).summary, `- ${same}`);
  assert.equal(model.requests.length, 0);
});

test("a title has the title prefix, and no full stop", async () => {
  const info: Partial<ModelInfo> = { prefixes: { title: "title: ", summarize: "sum: " } };
  const model = fakeModel(firstWords(2), info);
  const made = await run(model, { text: "Alpha beta gamma.", style: "title" });
  assert.equal(made.summary, "Alpha beta");
  assert.match(model.seen[0] ?? "", /^\s*title: Alpha/);
  const long = await run(model, { text: paragraphs(9), style: "title", maxContextTokens: 96 });
  assert.equal(long.summary, "Topic0 begins");
});

test("maxWords chooses sentences that fit, and cuts one only where none does", async () => {
  const model = fakeModel(() => "One two three. Four five six. Seven eight nine.");
  const text = "Caches keep pages of it here. Four words are these. Seven eight nine ten of it are there.";
  const at = async (maxWords: number, style: SummarizeParams["style"]) =>
    (await run(model, { text, style, maxWords })).summary;
  assert.equal(await at(11, "paragraph"), "Caches keep pages of it here. Four words are these.");
  assert.equal(await at(4, "bullets"), "- Four words are these.");
  assert.equal(await at(2, "bullets"), "- Caches keep…");
  assert.equal(await at(2, "sentence"), "One two…");
  assert.equal(await at(50, "sentence"), "One two three.");
});

test("progress is one pass", async () => {
  const seen: string[] = [];
  const onProgress: SummarizeOptions["onProgress"] = ({ done, total }) => seen.push(`${done}/${total}`);
  await run(fakeModel(firstWords(3)), { text: paragraphs(10), style: "sentence" }, { onProgress });
  assert.deepEqual(seen, ["0/1", "1/1"]);
});

test("a cancelled summary says so", async () => {
  const model = fakeModel(firstWords(3));
  for (const style of ["sentence", "bullets"] as const) {
    const never = await run(model, { text: "Some text to be cut.", style }, { signal: AbortSignal.abort() });
    assert.deepEqual([never.cancelled, never.coverage, never.summary], [true, 0, ""]);
  }
  const controller = new AbortController();
  const stopping: FakeModel = {
    ...model,
    generate: async (request, options) => {
      const made = await model.generate(request, options);
      controller.abort();
      return { ...made, cancelled: true };
    },
  };
  const params = { text: "Alpha beta gamma delta.", style: "sentence" } as const;
  const made = await run(stopping, params, { signal: controller.signal });
  assert.deepEqual([made.cancelled, made.coverage, made.summary], [true, 1, "Alpha beta gamma."]);
});

const bad: [string, SummarizeParams, RegExp][] = [
  ["an empty text", { text: "", style: "sentence" }, /empty/],
  ["white space alone", { text: " \n\t", style: "sentence" }, /empty/],
  ["binary text", { text: "ab\0cd", style: "sentence" }, /binary.*offset 2/],
  ["a word limit of zero", { text: "a", style: "sentence", maxWords: 0 }, /maxWords is 0/],
  ["a window too small", { text: "a", style: "sentence", maxContextTokens: 5 }, /at least 32/],
];
for (const [name, params, message] of bad) {
  test(`rejects ${name}`, async () => {
    await assert.rejects(run(fakeModel(firstWords(1)), params), (error) => {
      assert.ok(error instanceof ModelError && error.code === "input");
      assert.match(error.message, message);
      return true;
    });
  });
}

test("10 MB of text is summarized in one pass", { timeout: 120_000 }, async () => {
  const text = "A line of an endless log, nothing more than that.\n".repeat(200_000);
  const made = await run(fakeModel(firstWords(5)), { text, style: "sentence" });
  assert.deepEqual([made.chunks, made.summary], [1, "A line of an endless."]);
});

test("decodes as suits the model, or as the caller says", async () => {
  const plain = fakeModel(firstWords(3));
  const decoding = { shortlist: 50, summary: { beams: 3 }, title: { copyBias: { afterOne: 2 } } };
  const model: FakeModel = { ...plain, info: { ...plain.info, decoding } };
  await run(model, { text: "Alpha beta gamma.", style: "sentence" });
  await run(model, { text: "Alpha beta gamma.", style: "title" });
  await run(model, { text: "Alpha beta.", style: "sentence", decoding: { shortlist: "off", beams: 2 } });
  const asked = plain.requests.map(({ shortlist, copyBias, numBeams }) => ({ shortlist, copyBias, numBeams }));
  assert.deepEqual(asked, [
    { shortlist: 50, copyBias: {}, numBeams: 3 },
    { shortlist: 50, copyBias: { afterOne: 2 }, numBeams: 1 },
    { shortlist: "off", copyBias: {}, numBeams: 2 },
  ]);
});

test("one beam is decoded where a sentence of the text may stand instead, and once where it will", async () => {
  const model = unsure(0, { decoding: { summary: { beams: 3 } } });
  await run(model, { text: LONG, style: "sentence", minimumConfidence: 0.99 });
  await run(model, { text: LONG, style: "sentence" });
  assert.deepEqual(
    model.requests.map(({ numBeams }) => numBeams),
    [1, 3],
  );
});
