/**
 * `bench typing`: types paragraphs of documents that no training saw through the language server, key by key, as a
 * person would who takes only right words.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createNgramModel } from "../models/words/ngram.ts";
import { readTable } from "./quality/ngrams.ts";
import { ablations, startWeighed } from "./typing/ablation.ts";
import { documentWords, englishWords, together, type WordExpert, wordSuggester } from "./typing/experts.ts";
import { type Row, type Run, rowsOf } from "./typing/figures.ts";
import { benchGaps } from "./typing/gaps.ts";
import { drawParagraphs, type Paragraph, type TextKind } from "./typing/paragraphs.ts";
import { printReliability, printRows } from "./typing/print.ts";
import { startServer } from "./typing/server.ts";
import { type Place, type Suggester, typeParagraph } from "./typing/typist.ts";

/** Options of the measurement. */
export interface TypingOptions {
  /** Typing key by key; gaps in the middle of documents. */
  readonly part: readonly ("typing" | "gaps")[];
  readonly kind: readonly TextKind[];
  readonly place: readonly Place[];
  /** Paragraphs of each kind. */
  readonly limit: number;
  readonly seed: number;
  /**
   * Milliseconds between two keys: a later answer is not seen. All are seen when absent, so that a busy machine leaves
   * the figures as they are.
   */
  readonly pace?: number;
  /** Values of `minimumConfidence`, each a system; the setting's default when absent. */
  readonly confidence?: readonly number[];
  readonly model?: string;
  /** Bundles of the command line, of other builds, to measure beside this one. */
  readonly beside?: readonly string[];
  /** Whether to measure this build. */
  readonly product: boolean;
  /** Whether to measure baselines that ask no model, and the product without the document's words. */
  readonly baselines: boolean;
  /** Whether to measure the product with each expert alone, and with each left out. */
  readonly ablation: boolean;
  /** File for all figures. */
  readonly json?: string;
}

/** Types paragraphs with each system, fills gaps, and prints the tables. */
export async function benchTyping(options: TypingOptions): Promise<void> {
  const { part, limit, seed, model, json } = options;
  const rows = part.includes("typing") ? await typeAll(options) : [];
  const gaps = part.includes("gaps") ? await benchGaps(model, GAPS * limit, seed) : [];
  if (json === undefined) return;
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, `${JSON.stringify({ seed, limit, pace: options.pace, rows, gaps }, null, 2)}\n`);
}

/** Documents of each set that gaps are cut into, for each paragraph of a kind that is typed. */
const GAPS = 20;

async function typeAll(options: TypingOptions): Promise<Row[]> {
  const { kind, place, limit, seed, pace = Number.POSITIVE_INFINITY } = options;
  const paragraphs = kind.flatMap((one) => drawParagraphs(one, limit, seed));
  const runs: Run[] = [];
  for (const { name, start } of systemsOf(options)) {
    const suggester = await start();
    try {
      for (const where of place) {
        for (const [i, paragraph] of paragraphs.entries()) {
          runs.push(await run(name, paragraph, where, suggester, pace));
          process.stderr.write(`${name}, ${where}: ${i + 1} of ${paragraphs.length} paragraphs typed\n`);
        }
      }
    } finally {
      await suggester.dispose();
    }
  }
  const rows = rowsOf(runs, seed);
  printRows(rows);
  printReliability(runs);
  return rows;
}

interface System {
  readonly name: string;
  start(): Promise<Suggester & { dispose(): Promise<void> }>;
}

const OWN_BUILD = "dist/cli.js";
/** The chance from which the baselines show a word. */
const BASELINE_CONFIDENCE = 0.4;

function systemsOf(options: TypingOptions): System[] {
  const { confidence, model = "", beside = [], product, baselines, ablation } = options;
  const server = (name: string, script: string, inlineCompletion: object = {}): System => ({
    name,
    start: () => startServer({ model, inlineCompletion }, script),
  });
  const leasts = product ? (confidence ?? [undefined]) : [];
  return [
    ...leasts.map((least) =>
      least === undefined
        ? server("product", OWN_BUILD)
        : server(`product from ${least}`, OWN_BUILD, { minimumConfidence: least }),
    ),
    ...beside.map((script) => server(script, script)),
    ...(baselines && product ? [server("without the document", OWN_BUILD, { learnFrom: "off" })] : []),
    ...(ablation ? ablations() : []).map(([name, weights]) => ({ name, start: () => startWeighed(weights, model) })),
    ...(baselines ? baselineExperts().map(([name, expert]) => withoutModel(name, expert)) : []),
  ];
}

function withoutModel(name: string, expert: WordExpert): System {
  return {
    name,
    start: async () => ({ ...wordSuggester(expert, BASELINE_CONFIDENCE), async dispose() {} }),
  };
}

/** Experts that suggest words without the model, weighed as was best for them. */
function baselineExperts(): [name: string, expert: WordExpert][] {
  const english = englishWords(createNgramModel(readTable()));
  return [
    ["n-grams", english],
    ["document's words", documentWords],
    [
      "n-grams and document",
      together([
        [english, 0.75],
        [documentWords, 0.25],
      ]),
    ],
  ];
}

async function run(
  system: string,
  paragraph: Paragraph,
  place: Place,
  suggester: Suggester,
  pace: number,
): Promise<Run> {
  const { kind, source } = paragraph;
  return { system, kind, place, source, typed: await typeParagraph(paragraph, place, suggester, pace) };
}
