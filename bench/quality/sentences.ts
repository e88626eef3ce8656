/**
 * Writes what the ranker of sentences learns from: features and targets of the sentences of described documents, by the
 * product's own code. models/recipes/sentences.py fits the trees.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { seededRandom } from "../../models/random.ts";
import { asFile } from "../../server/evaluation/summaries.ts";
import { writtenProse } from "../../server/features/read/prose.ts";
import { FEATURES, sentenceFeatures, stemsOf } from "../../server/features/read/sentences/features.ts";
import { type DocumentSentence, documentSentences } from "../../server/features/read/sentences/sentences.ts";
import { rouge } from "../../server/metrics/metrics.ts";
import { keptOutRepositories, repositoryOf } from "../support/kept-out.ts";

/** Documents taken of one repository, and in all. */
const MOST_OF_ONE = 250;
const MOST_DOCUMENTS = 18_000;
/** Share of documents whose title is hidden: many files have none. */
const UNTITLED = 0.15;
/** Share of the summaries taken that stand word for word in their text. */
const EXTRACTIVE = 0.5;
/** A word in fewer documents has the greatest rarity. */
const LEAST_DOCUMENTS = 3;

interface Pair {
  readonly source: string;
  readonly split: string;
  readonly tier: number;
  readonly extractive?: boolean;
  readonly title: string;
  readonly text: string;
  readonly summary: string;
}

interface ReadPair {
  readonly title: string;
  readonly summary: string;
  readonly sentences: readonly DocumentSentence[];
}

/**
 * Reads pairs as JSON lines from standard input.
 * @param out folder of features.f32, targets.f32 and groups.json
 */
export async function writeSentenceFeatures(out: string): Promise<void> {
  const pairs = await chosenPairs();
  const documents: ReadPair[] = [];
  const random = seededRandom(2);
  for (const { title, text, summary } of pairs) {
    const prose = await writtenProse(asFile(random() < UNTITLED ? "" : title, text), "markdown");
    const sentences = prose === undefined ? [] : documentSentences(prose.blocks, "en");
    if (prose !== undefined && sentences.length >= 3) documents.push({ title: prose.title, summary, sentences });
  }
  const idf = rarities(documents);
  const rare = Math.log(documents.length);
  const [features, targets, groups]: [Float32Array[], number[], number[]] = [[], [], []];
  for (const { title, summary, sentences } of documents) {
    const scores = sentences.map(({ text }) => score(summary, text));
    if (Math.max(...scores) < 0.1) continue;
    features.push(sentenceFeatures(sentences, { title, idf: (stem) => idf.get(stem) ?? rare }).rows);
    targets.push(...scores);
    groups.push(sentences.length);
  }
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "features.f32"), Buffer.concat(features.map((rows) => Buffer.from(rows.buffer))));
  writeFileSync(join(out, "targets.f32"), Buffer.from(Float32Array.from(targets).buffer));
  writeFileSync(
    join(out, "groups.json"),
    JSON.stringify({ features: FEATURES, groups, rare, idf: Object.fromEntries(idf) }),
  );
  console.log(`${groups.length} documents, ${targets.length} sentences, ${idf.size} words in ${out}`);
}

/** The mean of ROUGE-1, 2 and L. */
function score(reference: string, text: string): number {
  const { rouge1, rouge2, rougeL } = rouge(reference, text);
  return (rouge1 + rouge2 + rougeL) / 3;
}

/** Pairs written by people in repositories that may be trained on, mixed, and not too many of one repository. */
async function chosenPairs(): Promise<Pair[]> {
  const random = seededRandom(1);
  const pairs: (Pair & { readonly order: number })[] = [];
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    const pair = JSON.parse(line) as Pair;
    const order = random();
    const skipped = pair.extractive === true && random() >= EXTRACTIVE;
    if (skipped || keptOutRepositories.has(repositoryOf(pair.source)) || pair.split !== "train") continue;
    if (pair.tier === 1 && !isCutOff(pair)) pairs.push({ ...pair, order });
  }
  const counts = new Map<string, number>();
  return pairs
    .sort((a, b) => a.order - b.order)
    .filter(({ source }) => {
      const repository = repositoryOf(source);
      counts.set(repository, (counts.get(repository) ?? 0) + 1);
      return (counts.get(repository) ?? 0) <= MOST_OF_ONE;
    })
    .slice(0, MOST_DOCUMENTS);
}

/** Whether a summary ends in the middle of a sentence of its text. */
function isCutOff({ summary, text }: Pair): boolean {
  const end = summary.trimEnd();
  const at = text.indexOf(end);
  return at >= 0 && /[\p{L}\p{N}]$/u.test(end) && /^[ \n]?[\p{L}\p{N}_,(]/u.test(text.slice(at + end.length));
}

function rarities(documents: readonly ReadPair[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { sentences } of documents) {
    for (const stem of new Set(sentences.flatMap(({ text }) => stemsOf(text)))) {
      counts.set(stem, (counts.get(stem) ?? 0) + 1);
    }
  }
  return new Map(
    [...counts]
      .filter(([, count]) => count >= LEAST_DOCUMENTS)
      .map(([stem, count]) => [stem, Math.round(100 * Math.log(documents.length / count)) / 100]),
  );
}
