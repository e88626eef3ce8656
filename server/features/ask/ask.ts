/**
 * Answers a question from a text, by a model that was taught to: each part of a long text is asked, and the surest
 * answers stand.
 */

import { percentDone } from "../../../base/figures.ts";
import { english, type Translate } from "../../../base/translate.ts";
import { ModelError } from "../../../models/errors.ts";
import type { CallOptions, LoadedModel, ModelInfo } from "../../engine/engine.ts";
import { checkText } from "../../text/input.ts";
import { findTask } from "../../training/data/tasks.ts";
import { windowTokens } from "../context-window.ts";
import { inputIds, partsOf, type Reading } from "./windows.ts";

/** A question and the text to answer it from. */
export interface AskParams {
  readonly text: string;
  readonly question: string;
  /**
   * Whether a person chose the model for questions: others must have been taught to answer (their spanfill.json says
   * so).
   */
  readonly chosen: boolean;
  /** Tokens of one encoder window. Default: the model's own, 512 or a LongT5's 16,384. */
  readonly maxContextTokens?: number;
}

/** An answer, and where the text says so. */
export interface Answer {
  readonly text: string;
  /** The likelihood of the whole answer, 0 to 1, which nobody has calibrated. */
  readonly likelihood: number;
  /**
   * Where these words stand in the part of the text that they were read from, in UTF-16 units; empty where they do not.
   */
  readonly places: readonly { readonly start: number; readonly end: number }[];
}

/** Answers, best first: those that stand in the text before others, then by likelihood; each once. */
export interface AskResult extends Reading {
  readonly answers: readonly Answer[];
}

/** CallOptions, and progress: parts read of all. */
export interface AskOptions extends Pick<CallOptions, "signal"> {
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/**
 * Asks a question of a text.
 * @throws ModelError "input" when text or question are empty, "task" when the model was not taught to answer; what the
 *   model throws
 */
export async function ask(
  { model }: { readonly model: LoadedModel },
  { text, question, chosen, maxContextTokens }: AskParams,
  options: AskOptions = {},
): Promise<AskResult> {
  const started = performance.now();
  checkText(text, "ask about");
  if (question.trim() === "") throw new ModelError("input", "The question is empty. Ask something.");
  const task = taskOf(model.info, chosen);
  const prefix = model.info.prefixes[task.name] ?? task.prefix;
  const inputOf = (context: string) => task.pair({ question: question.trim(), context: context.trim() }).input;
  const found: Answer[] = [];
  const reading = await partsOf(
    model,
    { text, frame: prefix + inputOf(""), window: windowTokens(model, maxContextTokens) },
    options,
    async (part) => {
      const input = await inputIds(model, prefix, inputOf(part.text));
      const request = { numBeams: BEAMS, numReturnSequences: BEAMS, maxNewTokens: task.maxTargetTokens };
      const made = await model.generate({ inputs: [input], ...request }, options);
      for (const sequence of made.cancelled ? [] : (made.sequences[0] ?? [])) {
        const answer = sequence.text.trim();
        if (answer === "") continue;
        const places = placesOf(part.text, answer).map(({ start, end }) => ({
          start: part.start + start,
          end: part.start + end,
        }));
        const [first] = places;
        // The text's own spelling, where it has one.
        const own = first === undefined ? answer : text.slice(first.start, first.end).replace(/\s+/g, " ");
        found.push({ text: own, likelihood: Math.exp(sequence.logProbs.reduce((sum, one) => sum + one, 0)), places });
      }
      return { in: input.length, out: made.sequences[0]?.[0]?.ids.length ?? 0, cancelled: made.cancelled };
    },
  );
  return { answers: best(found), ...reading, ms: performance.now() - started };
}

/** Short phrases that tell a reader how the text was read and how far to trust the answer. */
export function askNotes(
  { answers: [first], chunks, coverage }: Pick<AskResult, "answers" | "chunks" | "coverage">,
  t: Translate = english,
): string[] {
  return [
    ...(first === undefined || first.places.length > 0 ? [] : [t("not in the text in these words")]),
    ...(chunks === 1 ? [] : [t("read in {0} parts, {1} of the text", chunks, percentDone(coverage))]),
    ...(first === undefined ? [] : [t("likelihood {0}, not calibrated", first.likelihood.toFixed(2))]),
  ];
}

/**
 * Where an answer's words stand in a text: as they are, else in other case, blanks and composed characters; whole
 * words.
 * @returns ranges in UTF-16 units, in order
 */
export function placesOf(text: string, answer: string): { start: number; end: number }[] {
  const patterns = [...new Set([answer, answer.normalize("NFC"), answer.normalize("NFD")])].map(patternOf);
  const pattern = `(?<![\\p{L}\\p{M}\\p{N}])(?:${patterns.join("|")})(?![\\p{L}\\p{M}\\p{N}])`;
  for (const flags of ["gu", "giu"]) {
    const found = [...text.matchAll(new RegExp(pattern, flags))];
    if (found.length > 0) return found.map(({ index, 0: whole }) => ({ start: index, end: index + whole.length }));
  }
  return [];
}

const BEAMS = 4;
const MOST_ANSWERS = 5;

/** How the model was taught to answer. */
function taskOf({ id, prefixes }: ModelInfo, chosen: boolean) {
  if (prefixes.qa !== undefined) return findTask("qa");
  if (prefixes["squad"] !== undefined) return findTask("squad");
  if (chosen) return findTask("qa");
  throw new ModelError(
    "task",
    `${id} was not taught to answer questions. Fine-tune a model with questions and answers (in the panel, or "spanfill train --task qa"), then choose it for questions: the setting spanfill.models.ask, or --model.`,
  );
}

/** A pattern of the answer's words and marks; blanks may be any, and beside marks there may be none. */
function patternOf(answer: string): string {
  const pieces = answer.match(/[\p{L}\p{M}\p{N}]+|[^\p{L}\p{M}\p{N}\s]/gu) ?? [];
  const isWord = (piece = "") => /[\p{L}\p{N}]/u.test(piece);
  return pieces
    .map((piece, i) => {
      const between = i === 0 ? "" : isWord(piece) && isWord(pieces[i - 1]) ? "\\s+" : "\\s*";
      return between + piece.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    })
    .join("");
}

function best(found: readonly Answer[]): Answer[] {
  const ranked = found.toSorted(
    (a, b) => Number(b.places.length > 0) - Number(a.places.length > 0) || b.likelihood - a.likelihood,
  );
  const keyOf = ({ text }: Answer) => text.toLowerCase();
  return ranked
    .filter((answer, i) => ranked.findIndex((other) => keyOf(other) === keyOf(answer)) === i)
    .slice(0, MOST_ANSWERS);
}
