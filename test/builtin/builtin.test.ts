/** The model that ships: that it is whole, and that it learned what it is for (on documents its training never saw). */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readBigramTable } from "../../bench/bigram.ts";
import { readDocuments, wordGaps } from "../../bench/kept-out.ts";
import { modelAccount, resolveModel } from "../../server/catalog/catalog.ts";
import type { LoadedModel } from "../../server/engine/engine.ts";
import { createLocalEngine } from "../../server/engine/local.ts";
import { infill } from "../../server/features/infill.ts";
import { encodeWindow } from "../../server/features/infill-window.ts";
import { summarize } from "../../server/features/summarize.ts";
import { createBigramModel } from "../../server/training/bigram.ts";
import { fillAdvantage, perplexity } from "../../server/training/evaluate.ts";
import type { Gap } from "../../server/training/gaps.ts";
import { seededRandom, seededSample } from "../../server/training/random.ts";

const engine = createLocalEngine();
const directory = resolveModel(undefined);
const documents = seededSample(readDocuments(), 300, seededRandom(3));
const words = wordGaps(documents);
let model: LoadedModel;
before(async () => {
  model = await engine.load({ directory, precision: "int8" });
});
after(() => engine.dispose());

test("its files are those that its manifest names, and its shape is t5-efficient-tiny-nl2's", async () => {
  const account = await modelAccount(directory);
  assert.equal(account.parameters, 11_898_112);
  assert.equal(model.info.sentinelIds.length, 100);
  assert.ok(model.info.spellsLayout && model.info.lengthMarks.length === 6);
});

test("it expects true words, and less so without the text after the gap", async () => {
  const [all, less] = [await logProbs(words), await logProbs(words.map((gap) => ({ ...gap, after: "" })))];
  const withAfter = perplexity(words, all).perToken.mean;
  const withoutAfter = perplexity(words, less).perToken.mean;
  assert.ok(withAfter < 300, `perplexity ${withAfter}; an untrained model's is above 30,000`);
  assert.ok(withAfter < 0.9 * withoutAfter, `${withAfter} with the text after the gap, ${withoutAfter} without`);
});

test("it fills words better than bigrams of the word before", async () => {
  const fills: string[][] = [];
  for (const gap of words) {
    const range = { start: gap.before.length, end: gap.before.length, length: "word" as const };
    const made = await infill({ model }, { text: gap.before + gap.after, gaps: [range] });
    fills.push([made.fills[0]?.text.trim() ?? ""]);
  }
  const bigrams = createBigramModel(readBigramTable());
  const others = words.map((gap) => bigrams.predict(gap.before, undefined, 1));
  const advantage = fillAdvantage(words, fills, others);
  assert.ok(advantage.low > 0, `advantage ${advantage.mean} (${advantage.low} to ${advantage.high})`);
});

test("its summaries are sentences made of words, not loops", async () => {
  for (const document of documents.slice(0, 10)) {
    const { summary, coverage } = await summarize({ model }, { text: document.text, style: "sentence" });
    const said = summary.toLowerCase().split(/\s+/);
    assert.ok(said.length >= 3 && coverage === 1, summary);
    assert.ok(new Set(said).size > said.length / 2, summary);
  }
});

/** Log probabilities of the true words' tokens, as `bench quality` takes them. */
async function logProbs(gaps: readonly Gap[]): Promise<number[][]> {
  const [first, second] = model.info.sentinelIds;
  assert.ok(first !== undefined && second !== undefined);
  const all: number[][] = [];
  for (const gap of gaps) {
    const document = { texts: [gap.before, gap.after], hints: ["word" as const], fills: [undefined] };
    const input = await encodeWindow(model, document, 0, 1, 512);
    const fill = await model.encode([{ kind: "text", text: gap.fill }]);
    const { logProbs } = await model.score(input, [first, ...fill, second, model.info.config.eosTokenId]);
    all.push(logProbs.slice(1, 1 + fill.length));
  }
  return all;
}
