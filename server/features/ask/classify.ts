/**
 * Says which label suits a text, by a model that was taught to: labels that are known are compared, else the model
 * writes one.
 */

import { percentDone } from "../../../base/figures.ts";
import { english, type Translate } from "../../../base/translate.ts";
import { ModelError } from "../../../models/errors.ts";
import type { LoadedModel, ModelInfo } from "../../engine/engine.ts";
import { checkText } from "../../text/input.ts";
import { findTask } from "../../training/data/tasks.ts";
import { windowTokens } from "../context-window.ts";
import type { AskOptions } from "./ask.ts";
import { inputIds, partsOf, type Reading } from "./windows.ts";

/** A text to classify and the labels to choose from. */
export interface ClassifyParams {
  readonly text: string;
  /**
   * Whether a person chose the model for this: others must have been taught to classify (their spanfill.json says so).
   */
  readonly chosen: boolean;
  /**
   * The labels to choose among; when absent those that the model was taught, or where it does not say what it writes.
   */
  readonly labels?: readonly string[];
  /** Tokens of one encoder window. Default: the model's own, 512 or a LongT5's 16,384. */
  readonly maxContextTokens?: number;
}

/** Labels, likeliest first. */
export interface Classification extends Reading {
  /** `probability`: 0 to 1, in the mean over the parts; among known labels they add up to 1. */
  readonly labels: readonly { readonly label: string; readonly probability: number }[];
  /** Where the labels are from: the person, the model's folder, or written by the model. */
  readonly origin: "given" | "known" | "written";
}

/**
 * Classifies a text.
 * @throws ModelError "input" when the text is empty, "task" when the model was not taught to classify; what the model
 *   throws
 */
export async function classify(
  { model }: { readonly model: LoadedModel },
  { text, chosen, labels: given, maxContextTokens }: ClassifyParams,
  options: AskOptions = {},
): Promise<Classification> {
  const started = performance.now();
  checkText(text, "classify");
  requireTaught(model.info, chosen);
  const task = findTask("classify");
  const prefix = model.info.prefixes.classify ?? task.prefix;
  const { labels: taught } = model.info;
  const known = given ?? (taught !== undefined && taught.length > 0 ? taught : undefined);
  const eos = model.info.config.eosTokenId;
  const targets = await Promise.all(
    (known ?? []).map(async (label) => {
      const ids = await model.encode([{ kind: "text", text: label, special: true }]);
      return ids.at(-1) === eos ? ids : [...ids, eos];
    }),
  );
  const sums = new Map<string, number>();
  const reading = await partsOf(
    model,
    { text, frame: prefix, window: windowTokens(model, maxContextTokens) },
    options,
    async (part) => {
      const input = await inputIds(model, prefix, part.text.trim());
      const add = (label: string, probability: number) =>
        sums.set(label, (sums.get(label) ?? 0) + (probability * part.text.length) / text.length);
      if (known === undefined) {
        const request = { numBeams: BEAMS, numReturnSequences: BEAMS, maxNewTokens: task.maxTargetTokens };
        const { sequences, cancelled } = await model.generate({ inputs: [input], ...request }, options);
        const made = cancelled ? [] : (sequences[0] ?? []);
        for (const one of made) {
          if (one.text.trim() !== "") add(one.text.trim(), Math.exp(one.logProbs.reduce((sum, each) => sum + each, 0)));
        }
        return { in: input.length, out: made[0]?.ids.length ?? 0, cancelled };
      }
      const scores: number[] = [];
      for (const target of targets) {
        if (options.signal?.aborted) return { in: 0, out: 0, cancelled: true };
        scores.push((await model.score(input, target, options)).total);
      }
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [i, label] of known.entries()) add(label, (weights[i] ?? 0) / total);
      return { in: input.length, out: targets.reduce((sum, target) => sum + target.length, 0), cancelled: false };
    },
  );
  const labels = [...sums].map(([label, probability]) => ({ label, probability }));
  return {
    labels: labels.sort((a, b) => b.probability - a.probability),
    origin: given !== undefined ? "given" : known !== undefined ? "known" : "written",
    ...reading,
    ms: performance.now() - started,
  };
}

/** Short phrases that tell a reader how far to trust a classification. */
export function classifyNotes(
  { origin, chunks, coverage }: Pick<Classification, "origin" | "chunks" | "coverage">,
  t: Translate = english,
): string[] {
  const whose = {
    given: t("among the labels given"),
    known: t("among the model's labels"),
    written: t("the label is the model's own words"),
  };
  const parts = chunks === 1 ? [] : [t("read in {0} parts, {1} of the text", chunks, percentDone(coverage))];
  return [whose[origin], ...parts];
}

const BEAMS = 4;

function requireTaught({ id, prefixes }: ModelInfo, chosen: boolean): void {
  if (chosen || prefixes.classify !== undefined) return;
  throw new ModelError(
    "task",
    `${id} was not taught to classify. Fine-tune a model with texts and their labels (in the panel, or "spanfill train --task classify"), then choose it for classifying: the setting spanfill.models.classify, or --model.`,
  );
}
