import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { defined } from "../../../base/defined.ts";
import { ModelError } from "../../../models/errors.ts";
import { createTokenizer, type Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import type { GenerateRequest, LoadedModel } from "../../../server/engine/engine.ts";
import { infill } from "../../../server/features/write/infill.ts";
import { choose, keep } from "../../../server/features/write/infill-candidates.ts";
import type { InfillParams } from "../../../server/features/write/infill-run.ts";
import { builtinJson, t5Json } from "../../tokenizer/vocabularies.ts";
import { type Play, playedModel } from "../infill-model.ts";

const t5 = createTokenizer(t5Json());
const builtin = createTokenizer(builtinJson());

/** Answers with the words, one after another, each followed by the next sentinel. */
function says(tokenizer: Tokenizer, ...words: string[]): Play {
  return (request) => {
    const gaps = gapsOf(tokenizer, request);
    const ids = words
      .splice(0, gaps)
      .flatMap((word, i) => [...tokenizer.encode(word), tokenizer.sentinelIds[i + 1] ?? 1]);
    return [ids];
  };
}

function gapsOf(tokenizer: Tokenizer, request: GenerateRequest): number {
  return request.inputs[0]?.filter((id) => tokenizer.sentinelIds.includes(id)).length ?? 0;
}

/** The text outside the gaps must survive, so between the fills lie exactly the texts between the gaps. */
function checkOutside(
  text: string,
  gaps: readonly { start: number; end: number }[],
  filled: string,
  fills: readonly string[],
): void {
  let at = 0;
  let from = 0;
  for (const [i, gap] of gaps.entries()) {
    const kept = text.slice(from, gap.start);
    assert.equal(filled.slice(at, at + kept.length), kept);
    at += kept.length;
    assert.equal(filled.slice(at, at + (fills[i]?.length ?? 0)), fills[i]);
    at += fills[i]?.length ?? 0;
    from = gap.end;
  }
  assert.equal(filled.slice(at), text.slice(from));
}

test("weighs all short gaps of a text in one pass", async () => {
  const requests: GenerateRequest[] = [];
  const inputs: string[] = [];
  const play = says(builtin, "quick", "the lazy");
  const model = playedModel(
    builtin,
    (request, text) => {
      requests.push(request);
      inputs.push(text);
      return play(request, text);
    },
    "infill: ",
  );
  const text = "The ___ fox\r\n\tjumps over ___.";
  const result = await infill({ model }, { text, length: "word" });
  assert.equal(result.text, "The quick fox\r\n\tjumps over the.");
  assert.deepEqual(
    result.fills.map(({ gap, offset, text }) => [gap, offset, text]),
    [
      [0, 4, "quick"],
      [1, 25, "the"],
    ],
  );
  assert.deepEqual([result.passes, result.cancelled, result.model], [1, false, "played"]);
  assert.deepEqual(inputs, [
    "infill: The<extra_id_0><length_1> fox\n\tjumps over .</s>",
    "infill: The  fox\n\tjumps over<extra_id_0><length_1>.</s>",
  ]);
  const [request] = requests;
  assert.deepEqual([request?.stopTokens, request?.decoderPrefix, request?.numBeams], [[32098], [32099], 16]);
  for (const banned of [0, 2, 32099, 32097, 32000, 32120])
    assert.ok(request?.bannedTokens?.includes(banned), `${banned}`);
  for (const free of [32098]) assert.ok(!request?.bannedTokens?.includes(free), `${free}`);
  const [fill] = result.fills;
  assert.ok(fill && Math.abs(fill.probability - Math.exp(fill.score)) < 1e-12 && fill.score < 0 && fill.score >= -1);
});

test("a model without a prefix or marks reads plain span corruption", async () => {
  const inputs: string[] = [];
  const play = says(t5, "quick");
  const model = playedModel(t5, (request, text) => {
    inputs.push(text);
    return play(request, text);
  });
  const result = await infill({ model }, { text: "The\n\n  ___, brown fox", length: "word" });
  assert.deepEqual(inputs, ["The<extra_id_0>, brown fox</s>"]);
  assert.equal(result.text, "The\n\n  quick, brown fox");
});

test("a gap that the model skipped is asked for alone, with the other fills in place", async () => {
  const inputs: string[] = [];
  const [, second, third] = t5.sentinelIds;
  const model = playedModel(t5, (request, text) => {
    inputs.push(text);
    const [word = 0] = t5.encode(text.includes("Grass is<extra_id_0> and sky is blue") ? "green" : "blue");
    if (inputs.length > 1) assert.ok(request.bannedTokens?.includes(t5.eosId));
    return inputs.length === 1 ? [[second ?? 0, word, third ?? 0]] : [[second ?? 0], [word, second ?? 0]];
  });
  const result = await infill({ model }, { text: "Grass is ___ and sky is ___.", length: "sentence" });
  assert.equal(result.text, "Grass is green and sky is blue.");
  assert.deepEqual([inputs[1], result.passes], ["Grass is<extra_id_0> and sky is blue.</s>", 2]);
});

test("a gap about which the model has nothing to say is filled with nothing", async () => {
  const result = await infill({ model: playedModel(t5, () => [[]]) }, { text: "a ___ b" });
  assert.equal(result.text, "a  b");
  assert.deepEqual(result.fills, [
    { gap: 0, offset: 2, text: "", score: -100, probability: 0, confidence: 0, logProbs: [], alternatives: [] },
  ]);
});

test("more gaps than one pass does well take several passes that read the earlier fills", async () => {
  const inputs: string[] = [];
  const model = playedModel(t5, (request, text) => {
    inputs.push(text);
    return says(t5, "word")(request, text);
  });
  const text = Array.from({ length: 70 }, (_, i) => `${i} ___`).join(" ");
  const progress: number[] = [];
  const result = await infill({ model }, { text }, { onProgress: ({ done }) => progress.push(done) });
  assert.equal(result.text, text.replaceAll("___", "word"));
  assert.deepEqual([result.fills.length, result.passes, progress], [70, 3, [32, 64, 70, 70]]);
  assert.match(inputs[32] ?? "", /^22 word 23 word .* 31 word 32<extra_id_0> 33 34 /);
});

test("more long gaps than sentinels, or than one pass does well, take several passes that read the earlier fills", async () => {
  const inputs: string[] = [];
  const model = playedModel(t5, (request, text) => {
    inputs.push(text);
    return says(t5, ...Array.from({ length: 32 }, () => "word"))(request, text);
  });
  const text = Array.from({ length: 24 }, (_, i) => `${i} ___`).join(" ");
  const progress: number[] = [];
  const result = await infill(
    { model },
    { text, length: "sentence" },
    { onProgress: ({ done }) => progress.push(done) },
  );
  assert.equal(result.text, text.replaceAll("___", "word"));
  assert.deepEqual([result.fills.length, result.passes, progress.at(-1)], [24, 3, 24]);
  assert.match(inputs[1] ?? "", /^0 word 1 word .* 9 word 10<extra_id_0> 11<extra_id_1>/);

  const few: Tokenizer = { ...t5, sentinelIds: t5.sentinelIds.slice(0, 3) };
  const inTwos = await infill(
    { model: playedModel(few, says(few, "a", "b", "c", "d")) },
    { text: "1 ___ 2 ___ 3 ___ 4 ___", length: "sentence" },
  );
  assert.deepEqual([inTwos.text, inTwos.passes], ["1 a 2 b 3 c 4 d", 2]);
});

test("a text longer than the window is seen around its gap, on both sides", async () => {
  const before = Array.from({ length: 3000 }, (_, i) => `before ${i}.`).join("\n");
  const after = Array.from({ length: 3000 }, (_, i) => `after ${i}.`).join("\n");
  for (const [left, right] of [
    [before, after],
    ["Short.", after],
    [before, "short."],
  ] as const) {
    const lengths: number[] = [];
    const model = playedModel(
      builtin,
      (request, text) => {
        lengths.push(request.inputs[0]?.length ?? 0);
        assert.ok(text.includes(`${left.slice(-60)}<extra_id_0> ${right.slice(0, 60)}`.replaceAll("\n", "\n")), text);
        return says(builtin, "here")(request, text);
      },
      "infill:",
    );
    const text = `${left} ___ ${right}`;
    const result = await infill({ model }, { text, maxContextTokens: 256 });
    assert.equal(result.text, `${left} here ${right}`);
    assert.ok((lengths[0] ?? 0) <= 256 && (lengths[0] ?? 0) > 240, `${lengths[0]} tokens`);
  }
});

test("gaps far apart are weighed in one run, each in its own window", async () => {
  const far = "some words between. ".repeat(300);
  const result = await infill({ model: playedModel(t5, says(t5, "a", "b")) }, { text: `1 ___ ${far} ___ 2` });
  assert.deepEqual([result.text, result.passes], [`1 a ${far} b 2`, 1]);
});

test("alternatives are different, the one in the text first, then by their chance", async () => {
  const requests: GenerateRequest[] = [];
  const model = playedModel(t5, (request) => {
    requests.push(request);
    return ["red", "blue", "red", "green"].map((word) => [...t5.encode(word), t5.sentinelIds[1] ?? 0]);
  });
  const { fills } = await infill({ model }, { text: "a ___ b", alternatives: 3 });
  assert.deepEqual(fills[0]?.alternatives.map(({ text }) => text).sort(), ["blue", "green", "red"]);
  assert.equal(fills[0]?.alternatives[0]?.text, fills[0]?.text);
  const chances = fills[0]?.alternatives.map(({ confidence }) => confidence) ?? [];
  assert.deepEqual(
    chances.toSorted((a, b) => b - a),
    chances,
  );
  assert.deepEqual([requests[0]?.numBeams, requests[0]?.numReturnSequences, requests.length], [16, 16, 1]);
  const one = await infill({ model }, { text: "a ___ b" });
  assert.equal(one.text, `a ${fills[0]?.text} b`, "the fill is the first alternative, however many are asked for");
});

test("a cancelled run leaves the gaps it did not reach as they were", async () => {
  const text = Array.from({ length: 36 }, (_, i) => `${i} ___`).join(" ");
  const play = says(t5, ...Array.from({ length: 32 }, () => "x"));
  const model = playedModel(t5, (request, input) => (input.includes("0 x") ? "cancelled" : play(request, input)));
  const result = await infill({ model }, { text });
  assert.deepEqual([result.cancelled, result.fills.length], [true, 32]);
  assert.ok(result.text.endsWith("31 x 32 ___ 33 ___ 34 ___ 35 ___"), result.text);
  // Windows of the gaps that are not reached are not even made.
  let [inputs, windows] = [0, 0];
  const twice = playedModel(t5, (request, input) => {
    inputs += 1;
    return inputs > 32 ? "cancelled" : play(request, input);
  });
  const counting = Object.defineProperty({ ...twice.info.prefixes }, "infill", {
    get: () => {
      windows += 1;
    },
  });
  await infill({ model: { ...twice, info: { ...twice.info, prefixes: counting } } }, { text: text.repeat(10) });
  assert.equal(windows, 2 * 32);
  // It is heard of while words are drafted for many gaps.
  const decoding = { ngrams: 0.5 };
  await infill({ model }, { text: "the ___ of ___", decoding });
  const controller = new AbortController();
  setImmediate(() => controller.abort());
  const drafted = await infill({ model }, { text: text.repeat(10), decoding }, { signal: controller.signal });
  assert.deepEqual([drafted.cancelled, drafted.passes], [true, 0]);
  const before = await infill({ model }, { text }, { signal: AbortSignal.abort() });
  assert.deepEqual([before.text, before.cancelled, before.passes], [text, true, 0]);
});

test("10 MB of text with a gap take one small pass", async () => {
  const side = "Some words of a long document.\n".repeat(170_000);
  const result = await infill({ model: playedModel(builtin, says(builtin, "x")) }, { text: `${side}___${side}` });
  assert.equal(result.text, `${side}x ${side}`);
  assert.ok(result.tokens.in <= 512);
});

test("rejects what cannot be filled", async () => {
  const model = playedModel(t5, () => [[]]);
  const rows: [InfillParams, RegExp][] = [
    [{ text: "no gap" }, /no gap to fill: "___" does not occur/],
    [{ text: "no gap", gaps: [] }, /list of gaps is empty/],
    [{ text: " \n" }, /text is empty/],
    [{ text: "a\0 ___" }, /binary/],
    [{ text: "a ___", gap: "" }, /marker is empty/],
    [{ text: "abc", gaps: [{ start: 2, end: 9 }] }, /not within the text's 3/],
    [{ text: "a ___", length: 0 }, /0 words/],
    [{ text: "a ___", alternatives: 0 }, /alternatives is 0/],
    [{ text: "a ___", maxContextTokens: 5 }, /at least 32/],
  ];
  for (const [params, message] of rows) {
    await assert.rejects(
      infill({ model }, params),
      (error) => error instanceof ModelError && error.code === "input" && message.test(error.message),
    );
  }
  const none = playedModel({ ...t5, sentinelIds: [] }, () => [[]]);
  await assert.rejects(
    infill({ model: none }, { text: "a ___" }),
    (error) => error instanceof ModelError && error.code === "tokenizer",
  );
});

test("whatever the text and whatever the model says, nothing outside the gaps changes", async () => {
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("word", "The", "foo.", "(", ")", '"', "un", "able", ",") },
    { weight: 3, arbitrary: fc.constantFrom(" ", "\n", "\r\n", "\t", "\n\n    ", "  ", " \n", "\u00a0", "\r") },
    {
      weight: 1,
      arbitrary: fc.constantFrom("<extra_id_0>", "<extra_id_1>", "</s>", "<pad>", "<unk>", "<length_4>", "▁"),
    },
    { weight: 1, arbitrary: fc.constantFrom("😀", "👩‍💻", "e\u0301", "ﬁ", "日本", "{`\\^~}", "\u200b", "\ud83d") },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }).map((text) => text.replaceAll("\0", "")) },
  );
  const texts = fc.array(
    fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")),
    { minLength: 2, maxLength: 9 },
  );
  const ids = (tokenizer: Tokenizer) =>
    fc.array(
      fc.oneof(
        fc.constantFrom(...tokenizer.sentinelIds.slice(0, 10), 0, 1, 2),
        fc.integer({ min: 3, max: tokenizer.size - 1 }),
      ),
      { maxLength: 40 },
    );
  const length = fc.constantFrom("word" as const, "phrase" as const, "sentence" as const, 3, undefined);
  for (const tokenizer of [builtin, t5]) {
    const outputs = fc.array(fc.array(ids(tokenizer), { minLength: 0, maxLength: 3 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        texts,
        outputs,
        length,
        fc.integer({ min: 1, max: 3 }),
        async (kept, played, hint, alternatives) => {
          const text = kept.join("[?]");
          fc.pre(!kept.some((part) => part.includes("[?")));
          let run = 0;
          const model = playedModel(tokenizer, () => played[run++ % played.length] ?? []);
          const params = {
            text,
            gap: "[?]",
            alternatives,
            maxContextTokens: 64,
            ...defined({ length: hint }),
          };
          const result = await infill({ model }, params);
          const gaps = kept.slice(1).map((_, i) => {
            const start = kept.slice(0, i + 1).join("[?]").length;
            return { start, end: start + 3 };
          });
          assert.equal(result.fills.length, gaps.length);
          assert.deepEqual(
            result.fills.map(({ offset }) => offset),
            gaps.map(({ start }) => start),
          );
          checkOutside(
            text,
            gaps,
            result.text,
            result.fills.map((fill) => fill.text),
          );
          for (const [i, { text: fill, alternatives: others }] of result.fills.entries()) {
            const before = kept[i] ?? "";
            const after = kept[i + 1] ?? "";
            assert.ok(
              !(/^\s/u.test(fill) && (before === "" ? i === 0 : /\s$/u.test(before))),
              "two spaces before a fill",
            );
            assert.ok(!(/\s$/u.test(fill) && !/^[\p{L}\p{N}]/u.test(after)), "a space after a fill that needs none");
            assert.equal(new Set(others.map((other) => other.text)).size, others.length);
          }
        },
      ),
      { numRuns: 150 },
    );
  }
});

test("a gap for one English word takes what stands between such neighbors when the model finds it likely", async () => {
  const words = (ngrams: number | undefined, likely: Readonly<Record<string, number>> = { much: -0.1 }) => {
    const play: Play = (request) => (gapsOf(builtin, request) === 1 ? says(builtin, "far")(request, "") : []);
    const model = playedModel(builtin, play, "infill: ", (text) => likely[text] ?? -9);
    return { ...model, info: { ...model.info, ...(ngrams && { decoding: { fill: { ngrams } } }) } };
  };
  const filled = async (model: LoadedModel, { length = "word", ...params }: Partial<InfillParams> = {}) =>
    (await infill({ model }, { text: "Thanks so ___ for this.", length, ...params })).text;
  assert.equal(await filled(words(0.5)), "Thanks so much for this.");
  // Nobody proposes a word that does not stand there, and the model's own word stays where it finds no other likely.
  assert.equal(await filled(words(0.5, { window: -0.1 })), "Thanks so far for this.");
  assert.equal(await filled(words(0.5, {})), "Thanks so far for this.");
  assert.equal(await filled(words(undefined)), "Thanks so far for this.");
  assert.equal(await filled(words(0.5), { decoding: { ngrams: 0 } }), "Thanks so far for this.");
  assert.equal(await filled(words(0.5), { length: "phrase" }), "Thanks so far for this.");
  // Where no length is asked for, one word is weighed if the model has put one there.
  const { text, passes } = await infill({ model: words(0.5) }, { text: "Thanks so ___ for this." });
  assert.deepEqual([text, passes], ["Thanks so much for this.", 1]);
  const two = playedModel(builtin, says(builtin, "far away"), "infill: ", () => -0.1);
  const phrase = { ...two, info: { ...two.info, decoding: { fill: { ngrams: 0.5 } } } };
  assert.equal((await infill({ model: phrase }, { text: "Thanks so ___ for." })).passes, 1);
  const german = words(0.5);
  assert.equal(await filled({ ...german, info: { ...german.info, languages: ["de"] } }), "Thanks so far for this.");
  // Within a word no word is proposed.
  assert.equal(await filled(words(0.5), { text: "Thanks so___ for this." }), "Thanks so far for this.");
  const result = await infill(
    { model: words(0.5) },
    { text: "Thanks so ___ for this.", length: "word", alternatives: 4 },
  );
  assert.deepEqual(
    result.fills[0]?.alternatives.slice(0, 2).map(({ text }) => text),
    ["much", "far"],
  );
  assert.ok(result.fills[0]?.alternatives.every((one) => !("rank" in one)));
  // Their chances are those among all that were weighed.
  const [{ probability: best = 0 } = {}, { probability: next = 0 } = {}] = result.fills[0]?.alternatives ?? [];
  assert.ok(best > 0.9 && next < 1 - best && next > 0, `${best}, ${next}`);
});

test("short gaps read what n-grams would put into those that are weighed with them", async () => {
  const inputs: string[] = [];
  const model = playedModel(builtin, (request, text) => {
    inputs.push(text);
    return says(builtin, "here")(request, text);
  });
  const text = "Thanks so ___ for this. There is a lot ___ code.";
  const info = { ...model.info, decoding: { fill: { ngrams: 0.5 } } };
  const { passes } = await infill({ model: { ...model, info } }, { text });
  assert.equal(passes, 1);
  assert.deepEqual(inputs, [
    "Thanks so<extra_id_0> for this. There is a lot of code.</s>",
    "Thanks so much for this. There is a lot<extra_id_0> code.</s>",
  ]);
});

test("a gap stays open where the best fill is likely wrong, unless the model was never calibrated", async () => {
  const play = () => ["red", "green"].map((word) => [...t5.encode(word), t5.sentinelIds[1] ?? 0]);
  const model = playedModel(t5, play);
  const chance = (bias: number) => ({
    fill: { bias, weights: {} },
    passage: { bias, weights: {} },
    word: { bias, weights: {} },
  });
  const calibrated = (bias: number): LoadedModel => ({ ...model, info: { ...model.info, calibration: chance(bias) } });
  const text = "The sky is ___ and the sea is ___.";
  const unsure = await infill({ model: calibrated(-2) }, { text, leaveBelow: 0.2 });
  assert.equal(unsure.text, text);
  assert.deepEqual([unsure.fills, unsure.left.map(({ gap }) => gap)], [[], [0, 1]]);
  assert.ok(unsure.left.every((fill) => fill.text !== "" && fill.confidence < 0.2));
  for (const [filling, leaveBelow] of [
    [calibrated(-2), 0],
    [calibrated(2), 0.2],
    [model, 0.9],
  ] as const) {
    const { left, fills } = await infill({ model: filling }, { text, leaveBelow });
    assert.deepEqual([left, fills.length], [[], 2]);
  }
});

test("no fill says again what stands beside it, or in the gap before", async () => {
  const play = (request: GenerateRequest) =>
    gapsOf(t5, request) > 1
      ? says(t5, "this project", "in this project")(request, "")
      : ["this project", "your help", "in this project"].map((words) => [...t5.encode(words), t5.sentinelIds[1] ?? 0]);
  const { text } = await infill({ model: playedModel(t5, play) }, { text: "Contributing to ___ needs ___." });
  assert.doesNotMatch(text, /project.*project/);
});

test("a gap is not filled with another gap that stands in the text", async () => {
  const play: Play = (request) =>
    (request.numBeams ?? 1) > 1
      ? ["___", "quick"].map((word) => [...t5.encode(word), t5.sentinelIds[1] ?? 1])
      : says(t5, "___")(request, "");
  const text = "The ### fox and a ___ dog.";
  const result = await infill({ model: playedModel(t5, play) }, { text, gap: "###" });
  assert.equal(result.text, "The quick fox and a ___ dog.");
});

test("a model without a calibration prefers the likeliest fill, not the one with the likeliest tokens", () => {
  const model = playedModel(builtin, () => []);
  const document = { texts: ["The ", " runs."], hints: ["phrase" as const], fills: [undefined], drafts: [undefined] };
  const gaps = [{ start: 4, end: 4 }];
  const work = { model, gaps, document, candidates: [[]], alternatives: 1, newline: "\n", cancelled: false };
  for (const [text, logProbs] of [
    ["very long old server", [-0.5, -0.5, -0.5, -0.5]],
    ["old server", [-0.6, -0.6]],
  ] as const) {
    const total = logProbs.reduce((sum, logProb) => sum + logProb, 0);
    keep(work, 0, { text, logProbs, endLogProb: 0, closed: true }, total);
  }
  choose(work, 0, false);
  assert.deepEqual(document.fills, ["old server"]);
});
