/** `bench quality`: what a model is worth on repositories that its training never saw, beside an untrained model and bigrams. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { resolveModel } from "../server/catalog/catalog.ts";
import type { LoadedModel, Precision } from "../server/engine/engine.ts";
import { createLocalEngine } from "../server/engine/local.ts";
import { infill } from "../server/features/infill.ts";
import { encodeWindow } from "../server/features/infill-window.ts";
import { summarize } from "../server/features/summarize.ts";
import { sentencesOf } from "../server/features/text-split.ts";
import { createBigramModel } from "../server/training/bigram.ts";
import {
  type EvaluationDocument,
  fillAdvantage,
  fillReport,
  perplexity,
  summaryReport,
} from "../server/training/evaluate.ts";
import type { Gap } from "../server/training/gaps.ts";
import { seededRandom, seededSample } from "../server/training/random.ts";
import { countCorpus, readBigramTable } from "./bigram.ts";
import { gapsOf, readDocuments, wordGaps } from "./kept-out.ts";
import { exampleSection, printQuality, type QualityReport } from "./quality-report.ts";
import { writeRandomModel } from "./random-model.ts";

/** What to measure, and where it goes. */
export interface QualityOptions {
  /** A built-in model's id or a folder; the default model when absent. */
  readonly model?: string;
  readonly precision: Precision;
  /** Documents drawn by a seed; all when absent. */
  readonly limit?: number;
  /** JSON lines of documents; the committed kept-out documents when absent. */
  readonly data?: string;
  /** Corpus to count bigrams in ("-": standard input); the committed table when absent. */
  readonly corpus?: string;
  /** Where the figures are written as JSON. */
  readonly out: string;
  /** Where ten documents with the model's outputs are written as Markdown; nowhere when absent. */
  readonly examples?: string;
  /** Print the figures as JSON instead of tables. */
  readonly json: boolean;
}

/** Measures and prints; writes `out` and, if asked, `examples`. */
export async function benchQuality(options: QualityOptions): Promise<void> {
  const directory = resolveModel(options.model);
  const everything = readDocuments(options.data);
  const documents =
    options.limit === undefined ? everything : seededSample(everything, options.limit, seededRandom(documentSeed));
  const bigrams = createBigramModel(
    options.corpus === undefined ? readBigramTable() : await countCorpus(options.corpus),
  );
  const gaps = gapsOf(documents);
  const words = wordGaps(documents);
  const engine = createLocalEngine();
  try {
    const model = await engine.load({ directory, precision: options.precision });
    progress(`${documents.length} documents, ${words.length} word gaps, ${gaps.length - words.length} phrase gaps`);
    const trained = await scoreAll(model, gaps);
    const withoutAfter = await scoreAll(
      model,
      gaps.map((gap) => ({ ...gap, after: "" })),
    );
    const untrained = await withUntrained(model, directory, (other) => scoreAll(other, gaps));
    progress("perplexity done; filling words");
    const greedy = await fillAll(model, words, 1);
    const five = await fillAll(model, words, 5);
    const before = words.map((gap) => bigrams.predict(gap.before, undefined, 5));
    const both = words.map((gap) => bigrams.predict(gap.before, gap.after, 5));
    progress("fills done; summarising");
    const summaries: string[] = [];
    for (const document of documents) summaries.push(await summaryOf(model, document));
    const report: QualityReport = {
      model: model.info.id,
      precision: options.precision,
      parameters: model.info.parameters,
      documents: documents.length,
      perplexity: {
        trained: perplexity(gaps, trained),
        withoutAfter: perplexity(gaps, withoutAfter),
        untrained: perplexity(gaps, untrained),
      },
      fills: {
        // The first five are the greedy fill, then the best beams that differ from it.
        model: fillReport(
          words,
          greedy.map(([first], i) => [...new Set([...(first === undefined ? [] : [first]), ...(five[i] ?? [])])]),
        ),
        bigramBefore: fillReport(words, before),
        bigramBoth: fillReport(words, both),
        advantageOverBoth: fillAdvantage(words, greedy, both),
      },
      summaries: {
        model: summaryReport(documents, summaries),
        firstSentence: summaryReport(documents, documents.map(firstSentence)),
        title: summaryReport(
          documents,
          documents.map((document) => document.title),
        ),
      },
    };
    mkdirSync(dirname(options.out), { recursive: true });
    writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
    if (options.examples !== undefined) writeFileSync(options.examples, await examplesOf(model, everything));
    if (options.json) console.log(JSON.stringify(report));
    else printQuality(report);
  } finally {
    await engine.dispose();
  }
}

const documentSeed = 20;
const exampleSeed = 10;

/** Log probabilities of the true fills' tokens, given the text on both sides. */
async function scoreAll(model: LoadedModel, gaps: readonly Gap[]): Promise<number[][]> {
  const [first, second] = model.info.sentinelIds;
  if (first === undefined || second === undefined)
    throw new Error(`${model.info.id} has no sentinels: it cannot fill gaps`);
  const logProbs: number[][] = [];
  for (const gap of gaps) {
    const document = { texts: [gap.before, gap.after], hints: [hintOf(gap)], fills: [undefined] };
    const input = await encodeWindow(model, document, 0, 1, 512);
    const fill = await model.encode([{ kind: "text", text: gap.fill }]);
    const score = await model.score(input, [first, ...fill, second, model.info.config.eosTokenId]);
    logProbs.push(score.logProbs.slice(1, 1 + fill.length));
  }
  return logProbs;
}

function hintOf(gap: Gap): "word" | "phrase" {
  return gap.kind === "phrase" ? "phrase" : "word";
}

async function fillAll(model: LoadedModel, gaps: readonly Gap[], alternatives: number): Promise<string[][]> {
  const all: string[][] = [];
  for (const gap of gaps) {
    const range = { start: gap.before.length, end: gap.before.length, length: hintOf(gap) };
    const { fills } = await infill({ model }, { text: gap.before + gap.after, gaps: [range], alternatives });
    all.push(fills[0]?.alternatives.map(({ text }) => text.trim()) ?? []);
  }
  return all;
}

/** Runs with a model of the same shape whose weights are T5's random start. */
async function withUntrained<T>(
  model: LoadedModel,
  directory: string,
  use: (untrained: LoadedModel) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-untrained-"));
  const engine = createLocalEngine();
  try {
    writeRandomModel(folder, model.info.config, 1, directory);
    return await use(await engine.load({ directory: folder, precision: "float32" }));
  } finally {
    await engine.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a reader would have in an editor: the title as a heading, then the text. */
function asFile({ title, text }: EvaluationDocument): string {
  return title === "" || text.startsWith("# ") ? text : `# ${title}\n\n${text}`;
}

async function summaryOf(model: LoadedModel, document: EvaluationDocument): Promise<string> {
  return (await summarize({ model }, { text: asFile(document), style: "sentence" })).summary;
}

/** The first sentence of running text. */
function firstSentence({ text }: EvaluationDocument): string {
  const prose =
    text.split(/\n\s*\n/).find((block) => /^[^#|`<:!-]/.test(block.trim()) && block.trim().length > 20) ?? text;
  return (sentencesOf(prose)[0] ?? "").replace(/\s+/g, " ");
}

async function examplesOf(model: LoadedModel, documents: readonly EvaluationDocument[]): Promise<string> {
  const gapped = documents.filter((document) => gapsOf([document]).length === 3);
  const picked = seededSample(gapped, 10, seededRandom(exampleSeed));
  const sections: string[] = [];
  for (const document of picked) {
    const gaps = gapsOf([document]);
    const title = (await summarize({ model }, { text: document.text, style: "title" })).summary;
    const fills = (await fillAll(model, gaps, 1)).map(([first = ""]) => first);
    sections.push(exampleSection(document, { summary: await summaryOf(model, document), title, gaps, fills }));
  }
  return `${sections.join("\n")}`;
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}
