import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import type { ModelInfo } from "../../../server/engine/engine.ts";
import { type SummarizeOptions, type SummarizeParams, summarize } from "../../../server/features/read/summarize.ts";
import { summaryNotes } from "../../../server/features/read/summary-notes.ts";
import { type FakeModel, fakeModel } from "../../support/fake-model.ts";

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

test("every word of a long text reaches the encoder, window by window", async () => {
  const text = `${paragraphs(20)}\n\n${"x".repeat(3000)} ${words(900, "tail")}`;
  const model = fakeModel(firstWords(4));
  const made = await run(model, { text, style: "sentence", maxContextTokens: 128 });
  assert.equal(made.coverage, 1);
  assert.ok(made.chunks > 10);
  const read = model.seen.slice(0, made.chunks).map((input) => input.replace(/^\s*summarize:/, "").trim());
  assert.equal(read.join("").replace(/\s+/g, ""), text.replace(/\s+/g, ""));
  for (const request of model.requests) assert.ok((request.inputs[0]?.length ?? 0) <= 128);
});

test("a chunk that encodes longer than counted is halved, not cut off", async () => {
  const plain = fakeModel(firstWords(4));
  // Counted alone, texts look half as long as they are.
  const model: FakeModel = {
    ...plain,
    encodeAll: async (list) => (await plain.encodeAll(list)).map((ids) => ids.slice(0, Math.ceil(ids.length / 2))),
  };
  const text = words(300);
  const made = await run(model, { text, style: "sentence", maxContextTokens: 64 });
  assert.equal(made.coverage, 1);
  for (const request of model.requests) assert.ok((request.inputs[0]?.length ?? 0) <= 64);
  const read = plain.seen.join(" ");
  for (const word of text.split(" ")) assert.ok(read.includes(word), `${word} was dropped`);
});

/** A model whose likelihood is higher the later the topic that it summarizes; calibrated so that confidence follows. */
function surerLater(bias: number, extra: Partial<ModelInfo> = {}): FakeModel {
  const calibration = { summary: { bias, weights: { mean: 1 } }, title: { bias, weights: { mean: 1 } } };
  const model = fakeModel(firstWords(3), { calibration, ...extra });
  const generate: FakeModel["generate"] = async (request, options) => {
    const made = await model.generate(request, options);
    const topic = Number(/Topic(\d+)/.exec(model.seen.at(-1) ?? "")?.[1] ?? 0);
    const sequences = made.sequences.map((row) =>
      row.map((one) => ({ ...one, logProbs: one.ids.map(() => topic / 5 - 2) })),
    );
    return { ...made, sequences };
  };
  return { ...model, generate };
}
const perTopic = { maxContextTokens: 96 } as const;

test("of a long text's parts the likeliest stand, the first one favored, in the text's order, without another pass", async () => {
  const sentence = await run(surerLater(0), { text: paragraphs(7), style: "sentence", ...perTopic });
  // Mean log probabilities are -2 for the first topic, -0.8 for the last: more than what the first is favored by.
  assert.equal(sentence.summary, "Topic6 begins here.");
  assert.equal(sentence.chunks, 7);
  assert.ok(Math.abs(sentence.confidence - 1 / (1 + Math.exp(0.8))) < 1e-12);
  assert.deepEqual(
    sentence.logProbs.map((one) => one.toFixed(2)),
    ["-0.80", "-0.80", "-0.80"],
  );
  assert.equal(
    (await run(surerLater(0), { text: paragraphs(4), style: "sentence", ...perTopic })).summary,
    "Topic0 begins here.",
  );
  const model = surerLater(0);
  const paragraph = await run(model, { text: paragraphs(7), style: "paragraph", ...perTopic });
  assert.equal(paragraph.summary, [0, 3, 4, 5, 6].map((topic) => `Topic${topic} begins here.`).join(" "));
  assert.equal(model.requests.length, 7);
});

test("where a calibrated model is not sure enough, a sentence of the text stands instead, and is marked", async () => {
  const text = paragraphs(7).replaceAll("begins here", "begins right here and it goes on");
  const at = async (minimumConfidence: number, style: SummarizeParams["style"], info?: Partial<ModelInfo>) =>
    run(surerLater(0, info), { text, style, minimumConfidence, ...perTopic });
  // Confidences: 0.12 for the first topic, 0.31 for the last.
  const own = await at(0.3, "sentence");
  assert.deepEqual([own.origin, own.summary], ["model", "Topic6 begins right."]);
  const instead = await at(0.5, "sentence");
  assert.equal(instead.origin, "text");
  assert.match(instead.summary, /^Topic0 begins right here and it goes on fill0 /);
  assert.equal(instead.confidence, own.confidence);
  const both = await at(0.3, "paragraph");
  assert.equal(both.origin, "both");
  assert.match(both.summary, /^Topic0 begins right here and .* Topic6 begins right\.$/);
  assert.equal((await at(0, "paragraph")).origin, "model");
  assert.equal((await at(0.99, "title")).origin, "model");
  assert.equal((await at(0.99, "sentence", { calibration: {} })).origin, "model");
});

test("what stutters gives way, however sure the model is of it", async () => {
  const text = "Caches caches pages, as the name of it says to all who read it here.";
  const made = await run(surerLater(9), { text, style: "sentence", minimumConfidence: 0.1 });
  assert.deepEqual([made.origin, made.summary], ["text", text]);
});

test("a text without a sentence of its own keeps the model's", async () => {
  const params = { text: "- one item\n- two items\n- three items", style: "sentence", minimumConfidence: 0.9 } as const;
  assert.equal((await run(surerLater(0), params)).origin, "model");
});

test("notes say how sure the model is, whose words they are, and what it does not know", async () => {
  const german = "Der Zwischenspeicher wird geleert, sobald sich eine Datei ändert. Danach liest der Server neu.";
  const made = await run(surerLater(0), { text: german, style: "sentence", minimumConfidence: 0.9 });
  assert.equal(made.language, "de");
  assert.equal(made.summary, "Der Zwischenspeicher wird geleert, sobald sich eine Datei ändert.");
  assert.deepEqual(summaryNotes(made), [
    "a sentence of the text itself",
    "the text is German, which the model does not know",
  ]);
  const plain = await run(fakeModel(firstWords(3)), { text: "Alpha beta gamma delta.", style: "sentence" });
  assert.deepEqual(summaryNotes(plain), ["likelihood 0.37, not calibrated"]);
  assert.deepEqual(summaryNotes({ ...plain, origin: "both", calibrated: true }), [
    "partly sentences of the text itself, where the model was not sure of its own",
    "confidence 37%",
  ]);
});

test("a paragraph keeps a few distinct sentences in the text's order", async () => {
  const model = fakeModel(firstWords(3));
  const three = await run(model, { text: paragraphs(3), style: "paragraph", maxContextTokens: 96 });
  assert.equal(three.summary, "Topic0 begins here. Topic1 begins here. Topic2 begins here.");
  const same = await run(
    fakeModel(() => "The same."),
    { text: paragraphs(3), style: "paragraph", maxContextTokens: 96 },
  );
  assert.equal(same.summary, "The same.");
  const many = await run(model, { text: paragraphs(60), style: "paragraph", maxContextTokens: 96 });
  assert.ok((many.summary.match(/Topic/g) ?? []).length <= 5, many.summary);
});

test("bullets are lines that begin with a dash, also for a text that fits the window", async () => {
  const model = fakeModel(firstWords(3));
  const made = await run(model, { text: paragraphs(6), style: "bullets" });
  const lines = made.summary.split("\n");
  assert.ok(lines.length >= 3 && lines.every((line) => /^- Topic\d begins here\.$/.test(line)), made.summary);
});

test("a title has the title prefix, and no full stop", async () => {
  const info: Partial<ModelInfo> = { prefixes: { title: "title: ", summarize: "sum: " } };
  const model = fakeModel(firstWords(2), info);
  const made = await run(model, { text: "Alpha beta gamma.", style: "title" });
  assert.equal(made.summary, "Alpha beta");
  assert.match(model.seen[0] ?? "", /^\s*title: Alpha/);
  const long = await run(model, { text: paragraphs(9), style: "title", maxContextTokens: 96 });
  assert.equal(long.summary, "Topic0 begins");
  assert.ok(model.seen.every((input) => /^\s*title:/.test(input)));
});

test("maxWords ends at a sentence where it can, else at a word", async () => {
  const model = fakeModel(() => "One two three. Four five six. Seven eight nine.");
  const at = async (maxWords: number, style: SummarizeParams["style"]) =>
    (await run(model, { text: "Anything at all.", style, maxWords })).summary;
  assert.equal(await at(7, "paragraph"), "One two three. Four five six.");
  assert.equal(await at(2, "paragraph"), "One two…");
  assert.equal(await at(6, "bullets"), "- One two three.\n- Four five six.");
  assert.equal(await at(2, "sentence"), "One two…");
  assert.equal(await at(50, "sentence"), "One two three.");
});

test("progress counts the passes up to the total", async () => {
  const seen: string[] = [];
  await run(
    fakeModel(firstWords(3)),
    { text: paragraphs(10), style: "sentence", maxContextTokens: 128 },
    {
      onProgress: ({ done, total }) => seen.push(`${done}/${total}`),
    },
  );
  const last = seen.at(-1)?.split("/");
  assert.equal(last?.[0], last?.[1]);
  assert.equal(seen.length, Number(last?.[1]));
});

test("a cancelled summary says so, with the share it read and the parts it had", async () => {
  const controller = new AbortController();
  const model = fakeModel(firstWords(3));
  const made = await run(
    model,
    { text: paragraphs(10), style: "paragraph", maxContextTokens: 96 },
    {
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 2) controller.abort();
      },
    },
  );
  assert.equal(made.cancelled, true);
  assert.equal(model.requests.length, 2);
  assert.ok(made.coverage > 0.09 && made.coverage < 0.3, String(made.coverage));
  assert.equal(made.summary, "Topic0 begins here. Topic1 begins here.");
  const never = await run(model, { text: "Some text.", style: "sentence" }, { signal: AbortSignal.abort() });
  assert.deepEqual([never.cancelled, never.coverage, never.summary], [true, 0, ""]);
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

test("10 MB of text is summarized part by part", { timeout: 120_000 }, async () => {
  const text = "A line of an endless log, nothing more than that.\n".repeat(200_000);
  const made = await run(fakeModel(firstWords(5)), { text, style: "sentence" });
  assert.equal(made.coverage, 1);
  assert.ok(made.chunks > 3000, String(made.chunks));
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
