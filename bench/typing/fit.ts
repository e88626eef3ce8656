/**
 * `bench typing-weights`: fits how what speaks for a word is weighed (word-evidence.ts) to documents in which words are
 * typed letter by letter.
 */
import { readFileSync } from "node:fs";
import type { LoadedModel } from "../../server/engine/engine.ts";
import { openPool } from "../../server/evaluation/pool.ts";
import { createPredictor } from "../../server/features/write/typing/predictor.ts";
import { chanceOf, signsOf } from "../../server/features/write/typing/word-evidence.ts";
import { wordPlaceAt } from "../../server/features/write/typing/word-place.ts";
import { keptOutRepositories, repositoryOf } from "../support/kept-out.ts";
import { printTable } from "../support/table.ts";
import { drawParagraphs, type Paragraph, type Source } from "./paragraphs.ts";

/** One likely word at a place. */
interface Example {
  readonly typed: number;
  readonly signs: readonly number[];
  readonly right: boolean;
  /** Its share by all experts weighed, and its chance as it is judged now. */
  readonly share: number;
  readonly chance: number;
}

/** Prints the weights that fit paragraphs of a file best, and how likely they find what was meant. */
export async function fitWeights(file: string, limit: number, seed: number): Promise<void> {
  const paragraphs = drawParagraphs("markdown", limit, seed, readSources(file));
  await using pool = await openPool({ precision: "int8" });
  const lists = await pool.map(
    paragraphs.map((paragraph, row) => ({ row, paragraph })),
    (model, { row, paragraph }) => examplesOf(model, paragraph, row % 2 === 0),
    {
      signal: new AbortController().signal,
      onDone: (done) => process.stderr.write(`${done} of ${paragraphs.length} paragraphs\n`),
    },
  );
  const examples = lists.flat();
  const kinds = [0, 1, 2].map((typed) => examples.filter((example) => Math.min(2, example.typed) === typed));
  const fitted = kinds.map((ofKind) => logisticWeights(ofKind));
  console.log(JSON.stringify(fitted.map((weights) => weights.map((weight) => Number(weight.toFixed(3))))));
  printTable([
    ["letters", "words", "right %", "nats by share", "now", "fitted"],
    ...kinds.map((ofKind, typed) => [
      ...[typed === 2 ? "2 or more" : String(typed), String(ofKind.length)],
      mean(ofKind.map(({ right }) => (right ? 100 : 0))).toFixed(1),
      mean(ofKind.map(({ share, right }) => lossOf(share, right))).toFixed(4),
      mean(ofKind.map(({ chance, right }) => lossOf(chance, right))).toFixed(4),
      mean(ofKind.map(({ signs, right }) => lossOf(logistic(fitted[typed] ?? [], signs), right))).toFixed(4),
    ]),
  ]);
}

/** JSON lines of documents, `source` and `text`, without those that are kept out. */
function readSources(file: string): Source[] {
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line): Source => ({ ...JSON.parse(line), name: "document.md", languageId: "markdown" }))
    .filter(({ source }) => !keptOutRepositories.has(repositoryOf(source)));
}

async function examplesOf(model: LoadedModel, paragraph: Paragraph, within: boolean): Promise<Example[]> {
  const context = {
    ...{ model, document: paragraph.source, english: true, countsDocument: true },
    maxTokens: CONTEXT_TOKENS,
  };
  const predictor = createPredictor();
  const after = within ? paragraph.after : "";
  const examples: Example[] = [];
  for (const { 0: word, index } of paragraph.text.matchAll(WORD)) {
    const before = paragraph.before + paragraph.text.slice(0, index);
    // Also where the word is complete: what goes on from there is wrong.
    for (let typed = 0; typed <= word.length; typed++) {
      const text = before + word.slice(0, typed);
      const place = wordPlaceAt(text + after, text.length);
      if (place === undefined) break;
      const words = await predictor.words(context, place, new AbortController().signal);
      for (const evidence of words?.evidence(place.typed) ?? []) {
        examples.push({
          ...{
            typed,
            signs: signsOf(evidence),
            share: evidence.share,
            chance: chanceOf(evidence),
            right: evidence.word === word,
          },
        });
      }
    }
  }
  return examples;
}

const CONTEXT_TOKENS = 512;
/** The least chance, so that logarithms stay finite. */
const LEAST = 1e-3;
const WORD = /\p{L}[\p{L}\p{M}\p{N}_]*(?:['’-][\p{L}\p{M}\p{N}_]+)*/gu;

/** Logistic regression by Newton's method, with a small ridge. */
export function logisticWeights(examples: readonly Pick<Example, "signs" | "right">[]): number[] {
  const size = examples[0]?.signs.length ?? 0;
  let weights = new Array<number>(size).fill(0);
  for (let round = 0; round < ROUNDS; round++) {
    const slope = weights.map((weight) => -RIDGE * weight);
    const curve: number[][] = weights.map((_, i) => weights.map((_, j) => (i === j ? RIDGE : 0)));
    for (const { signs, right } of examples) {
      const chance = logistic(weights, signs);
      for (const [i, sign] of signs.entries()) {
        slope[i] = (slope[i] ?? 0) + ((right ? 1 : 0) - chance) * sign;
        const row = curve[i] ?? [];
        for (const [j, other] of signs.entries()) row[j] = (row[j] ?? 0) + chance * (1 - chance) * sign * other;
      }
    }
    const step = solved(curve, slope);
    weights = weights.map((weight, i) => weight + (step[i] ?? 0));
  }
  return weights;
}

const ROUNDS = 12;
const RIDGE = 1;

/** The solution of a positive definite system, by elimination. */
function solved(matrix: number[][], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  for (const [i, pivot] of rows.entries()) {
    for (const [j, row] of rows.entries()) {
      if (j === i) continue;
      const factor = (row[i] ?? 0) / (pivot[i] ?? 1);
      for (let k = i; k < row.length; k++) row[k] = (row[k] ?? 0) - factor * (pivot[k] ?? 0);
    }
  }
  return rows.map((row, i) => (row.at(-1) ?? 0) / (row[i] ?? 1));
}

function logistic(weights: readonly number[], signs: readonly number[]): number {
  return 1 / (1 + Math.exp(-weights.reduce((sum, weight, i) => sum + weight * (signs[i] ?? 0), 0)));
}

function lossOf(chance: number, right: boolean): number {
  return -Math.log(Math.max(LEAST, right ? chance : 1 - chance));
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
}
