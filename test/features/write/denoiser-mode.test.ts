/** A model that was trained with UL2's modes reads the one that suits what it is asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { UL2_MODES } from "../../../models/tokenizer/corruption.ts";
import { createTokenizer } from "../../../models/tokenizer/tokenizer.ts";
import type { LoadedModel } from "../../../server/engine/engine.ts";
import { infill } from "../../../server/features/write/infill.ts";
import { createModelExpert, type PredictorContext } from "../../../server/features/write/typing/model-expert.ts";
import { t5Json } from "../../tokenizer/vocabularies.ts";
import { playedModel } from "../infill-model.ts";

const t5 = createTokenizer(t5Json());
const inputs: string[] = [];
const prefixes: (string | undefined)[] = [];
const played = playedModel(
  t5,
  (_, text) => {
    inputs.push(text);
    return [[...t5.encode("words"), t5.sentinelIds[1] ?? 1]];
  },
  "infill: ",
);
const model: LoadedModel = {
  ...played,
  info: { ...played.info, modes: UL2_MODES },
  wordChances: async ({ prefix }) => {
    prefixes.push(prefix);
    return { words: [], cancelled: false };
  },
};

/** The input that the model reads for a gap. */
async function readsOf(text: string, length: "word" | "phrase" | "sentence" | "paragraph", of = model) {
  inputs.length = 0;
  await infill({ model: of }, { text, length });
  return inputs[0];
}

test("words are filled in mode R, long gaps in X, and a text is continued in S", async () => {
  assert.equal(await readsOf("The ___ fox.", "word"), "[NLU] infill: The<extra_id_0> fox.</s>");
  assert.equal(await readsOf("The fox ___", "phrase"), "[NLU] infill: The fox<extra_id_0></s>");
  assert.equal(await readsOf("The fox. ___ It ran.", "sentence"), "[NLG] infill: The fox.<extra_id_0> It ran.</s>");
  assert.equal(await readsOf("The fox.\n\n___\n", "paragraph"), "[S2S] infill: The fox.<extra_id_0></s>");
  assert.equal(await readsOf("A ___ and ___ end", "sentence"), "[NLG] infill: A<extra_id_0> and<extra_id_1> end</s>");
});

test("a model without modes reads its prefix alone", async () => {
  assert.equal(await readsOf("The fox. ___ It ran.", "sentence", played), "infill: The fox.<extra_id_0> It ran.</s>");
});

test("a word that is typed at the end is suggested in mode S, within a text in R", async () => {
  const expert = createModelExpert();
  const context: PredictorContext = { model, document: "d", english: true, maxTokens: 64, countsDocument: true };
  const { signal } = new AbortController();
  for (const after of ["", " \n", " and more."]) {
    await expert.ask(context, { before: "The fox ", typed: "", after }, { words: [], besides: [] }, signal);
  }
  assert.deepEqual(prefixes, ["[S2S] infill: ", "[S2S] infill: ", "[NLU] infill: "]);
});
