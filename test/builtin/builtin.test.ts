/**
 * The models that ship: that they are whole, and that they learned what they are for (on documents their training never
 * saw).
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { readTable } from "../../bench/quality/ngrams.ts";
import { readDocuments, wordGaps } from "../../bench/support/kept-out.ts";
import { seededRandom, seededSample } from "../../models/random.ts";
import { createNgramModel } from "../../models/words/ngram.ts";
import { listBuiltin, modelAccount } from "../../server/catalog/installed.ts";
import type { LoadedModel } from "../../server/engine/engine.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { type RowGap, trueFill } from "../../server/evaluation/fills.ts";
import { summarize } from "../../server/features/read/summarize.ts";
import { infill } from "../../server/features/write/infill.ts";
import type { InfillParams } from "../../server/features/write/infill-run.ts";
import { estimateSystems, ratio } from "../../server/metrics/estimate.ts";
import { bareFill, evaluateFills } from "../../server/metrics/evaluate.ts";

const PARAMETERS: Readonly<Record<string, number>> = {
  "t5-efficient-tiny-nl2-spanfill": 11_898_112,
  "t5-efficient-tiny-nl4-spanfill": 15_570_688,
};
const documents = seededSample(readDocuments(), 200, seededRandom(3));
const words = wordGaps(documents).slice(0, 250);
/** Enough for likelihoods, which differ by half where exact words differ by a twentieth. */
const scored = words.slice(0, 60);
/** What decides about a word stands near it; three times the text takes three times as long. */
const near = words.map((gap) => ({ ...gap, before: gap.before.slice(-200), after: gap.after.slice(0, 200) }));
/** Gaps that are also filled without the n-grams: those of the first documents. */
const GAPS_WITHOUT = 150;
/** Gaps of one text. */
const GAPS_TOGETHER = 8;
const ngrams = createNgramModel(readTable());
/** Of each model: 1 where only its fill with the n-grams is the word, -1 where only that without them is. */
const gains: number[][] = [];

it("every model that ships is looked at here", () => {
  assert.deepEqual(
    listBuiltin()
      .map(({ id }) => id)
      .sort(),
    Object.keys(PARAMETERS),
  );
});

for (const { id, directory } of listBuiltin())
  describe(id, () => {
    const engine = createLocalEngine();
    let model: LoadedModel;
    before(async () => {
      model = await engine.load({ directory, precision: "int8", threads: 1 });
    });
    after(() => engine.dispose());

    it("its files are those that its manifest names, and its shape is that of its name", async () => {
      const account = await modelAccount(directory);
      assert.equal(account.parameters, PARAMETERS[id]);
      assert.ok(account.files.every(({ intact = true }) => intact));
      assert.equal(model.info.sentinelIds.length, 100);
      assert.ok(model.info.spellsLayout && model.info.lengthMarks.length === 6);
    });

    it("it expects true words, and less so without the text after the gap", async () => {
      const likelihoods = async (gaps: readonly RowGap[]): Promise<number[][]> => {
        const all: number[][] = [];
        for (const gap of gaps) all.push(await trueFill(model, gap));
        return all;
      };
      const outputs = [
        { name: "model", logProbs: await likelihoods(scored) },
        { name: "before", logProbs: await likelihoods(scored.map((gap) => ({ ...gap, after: "" }))) },
      ];
      const [group] = evaluateFills(scored, outputs, 1, 0);
      const [withAfter = 0, withoutAfter = 0] =
        group?.systems.map(({ scores }) => scores["perplexityToken"]?.mean ?? Number.NaN) ?? [];
      assert.ok(withAfter < 300, `perplexity ${withAfter}; an untrained model's is above 30,000`);
      assert.ok(withAfter < 0.9 * withoutAfter, `${withAfter} with the text after the gap, ${withoutAfter} without`);
    });

    it("it fills words better than the n-grams by themselves", async () => {
      const fills = await filledTogether(model, near);
      const without = await filledTogether(model, near.slice(0, GAPS_WITHOUT), { ngrams: 0 });
      const [group] = evaluateFills(
        near,
        [
          { name: "model", fills },
          { name: "words before", fills: near.map((gap) => ngrams.predict(gap.before, undefined, 1)) },
          { name: "both sides", fills: near.map((gap) => ngrams.predict(gap.before, gap.after, 1)) },
        ],
        1,
        0,
      );
      const [, before, both] = group?.systems.map(({ difference }) => difference?.["exact"]) ?? [];
      assert.ok((before?.low ?? 0) > 0, `advantage over the words before: ${JSON.stringify(before)}`);
      // eval.json has it beyond its interval, on ten times as many words.
      assert.ok((both?.mean ?? 0) > 0, `advantage over both sides: ${JSON.stringify(both)}`);
      const isExact = ([text = ""]: readonly string[] = [], { fill }: RowGap) =>
        Number(bareFill(text) === bareFill(fill));
      gains.push(near.slice(0, GAPS_WITHOUT).map((gap, i) => isExact(fills[i], gap) - isExact(without[i], gap)));
    });

    it("its summaries are sentences made of words, not loops", async () => {
      for (const document of documents.slice(0, 5)) {
        const { summary, coverage } = await summarize({ model }, { text: document.text, style: "sentence" });
        const said = summary.toLowerCase().split(/\s+/);
        assert.ok(said.length >= 3 && coverage > 0, summary);
        assert.ok(new Set(said).size > said.length / 2, summary);
      }
    });
  });

it("with the n-grams each model fills words better than without, and all of them beyond the interval", () => {
  assert.equal(gains.length, Object.keys(PARAMETERS).length);
  for (const own of gains) assert.ok(own.reduce((sum, gain) => sum + gain, 0) > 0, own.join(" "));
  const perGap = near
    .slice(0, GAPS_WITHOUT)
    .map((_, i) => gains.reduce((sum, own) => sum + (own[i] ?? 0), 0) / gains.length);
  const systems = [perGap, perGap.map(() => 0)].map((values) => ({ name: "", metrics: { gain: ratio(values) } }));
  const gain = estimateSystems([...perGap.keys()], systems, 0)[1]?.difference?.["gain"];
  assert.ok((gain?.low ?? 0) > 0, JSON.stringify(gain));
});

/** The fill of each gap, several gaps to a text as in a person's draft. */
async function filledTogether(
  model: LoadedModel,
  gaps: readonly RowGap[],
  decoding: InfillParams["decoding"] = {},
): Promise<string[][]> {
  const all: string[][] = [];
  for (let start = 0; start < gaps.length; start += GAPS_TOGETHER) {
    const group = gaps.slice(start, start + GAPS_TOGETHER);
    let text = "";
    const places = group.map(({ before, after }) => {
      const at = text.length + before.length;
      text += `${before}${after}\n\n`;
      return { start: at, end: at, length: "word" as const };
    });
    const { fills } = await infill({ model }, { text, gaps: places, alternatives: 1, decoding });
    const texts = new Map(fills.map((fill) => [fill.gap, fill.text]));
    all.push(...group.map((_, i) => [texts.get(i) ?? ""]));
  }
  return all;
}
