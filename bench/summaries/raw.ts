/**
 * The summaries that users get of raw files, all styles, beside summaries made of the files' own sentences: the part of
 * `bench quality` on the second unseen set.
 */

import { seededRandom, seededSample } from "../../models/random.ts";
import type { Work } from "../../server/command-work.ts";
import type { ModelPool } from "../../server/evaluation/pool.ts";
import { asFile } from "../../server/evaluation/summaries.ts";
import { proseOf } from "../../server/features/read/prose.ts";
import { summarize } from "../../server/features/read/summarize.ts";
import type { SummaryStyle } from "../../server/features/read/summary-text.ts";
import { estimateSystems, ratio, type System, type SystemEstimate } from "../../server/metrics/estimate.ts";
import { faithfulness } from "../../server/metrics/faithfulness.ts";
import { rouge } from "../../server/metrics/metrics.ts";
import { sentencesOf } from "../../server/text/sentences.ts";
import { readSecondSet } from "../support/second-set.ts";
import { oracle, textRank } from "./baselines.ts";
import { isFaithful, isGrammatical, isWhole } from "./judge.ts";
import type { Judge, Verdict } from "./likelihood.ts";

/** A file, and what its authors say of it. */
export interface RawFile {
  readonly row: number;
  readonly source: string;
  /** Its format, as the ending of a file's name. */
  readonly language: string;
  readonly title: string;
  readonly text: string;
  readonly summary: string;
  /** The words that a reader sees. */
  readonly prose: string;
  readonly sentences: readonly string[];
}

/** The estimates of one style: the product first, then what it is compared with. */
export interface StyleEstimates {
  readonly style: SummaryStyle;
  readonly files: number;
  readonly systems: readonly SystemEstimate[];
}

/** Styles of summaries, and how many sentences of the text make one. */
const SENTENCES: Readonly<Record<SummaryStyle, number>> = { sentence: 1, bullets: 5, paragraph: 3, title: 1 };

/** Raw files with a summary, drawn by the seed. @param limit all when absent */
export async function rawFiles(limit: number | undefined, seed: number): Promise<RawFile[]> {
  const described = readSecondSet().filter(({ raw, summary }) => raw && summary !== undefined);
  const drawn = seededSample(described, limit ?? described.length, seededRandom(seed));
  const files = drawn.map(async ({ source, format, title = "", summary = "", text }, row): Promise<RawFile> => {
    // Markdown's titles stood in its front matter; other formats have theirs in the text.
    const whole = format === "md" || format === "mdx" ? asFile(title, text) : text;
    const prose = (await proseOf(whole, format)) ?? "";
    const paragraphs = prose.split("\n\n").filter((block) => !block.startsWith("#"));
    const sentences = paragraphs.flatMap((block) => sentencesOf(block.replace(/^- /, ""), "en"));
    return { row, source, language: format, title, text: whole, summary, prose, sentences };
  });
  return (await Promise.all(files)).filter(({ sentences }) => sentences.length > 0);
}

/** How files are summarized. */
export interface StyleOptions {
  readonly style: SummaryStyle;
  /** The setting `summary.minimumConfidence`; 1 has a sentence quoted always. */
  readonly minimumConfidence: number;
}

/** Summarizes files in a style as the command line does. */
export function summaries(
  pool: ModelPool,
  files: readonly RawFile[],
  { style, minimumConfidence }: StyleOptions,
  { signal, progress }: Work,
): Promise<string[]> {
  return pool.map(
    files,
    async (model, { text, title, language }) => {
      const params = { text: style === "title" ? withoutTitle(text, title) : text, language, style, minimumConfidence };
      return (await summarize({ model, locale: "en" }, params, { signal })).summary;
    },
    { signal, onDone: (done) => progress(`Raw files, ${style}`, done, files.length) },
  );
}

/**
 * Summarizes files in a style, and compares.
 * @param judge a language model that reads all summaries too
 */
export async function evaluateStyle(
  pool: ModelPool,
  files: readonly RawFile[],
  options: StyleOptions,
  seed: number,
  work: Work,
  judge?: Judge,
): Promise<StyleEstimates> {
  const { style } = options;
  const outputs = [{ name: "product", texts: await summaries(pool, files, options, work) }];
  if (style === "sentence") {
    outputs.push({
      name: "ranked sentence",
      texts: await summaries(pool, files, { style, minimumConfidence: 1 }, work),
    });
  }
  outputs.push(...baselinesOf(files, style));
  const reference = files.map((file) => referenceOf(file, style));
  const verdicts =
    judge && (await verdictsOf(judge, files, style, [...outputs.map(({ texts }) => texts), reference], work));
  const systems = outputs.map(
    ({ name, texts }): System => ({ name, metrics: metricsOf(files, style, texts, verdicts) }),
  );
  // What the rules say of people's own words tells how far the rules are to be trusted.
  const { rouge1, rouge2, rougeL, rougeLsum, ...judged } = metricsOf(files, style, reference, verdicts);
  systems.push({ name: "the authors' own", metrics: judged });
  const places = files.map((_, i) => i);
  return { style, files: files.length, systems: estimateSystems(places, systems, seed) };
}

/** A judge's verdicts on the texts of each file, by text. */
type Verdicts = readonly ReadonlyMap<string, Verdict>[];

async function verdictsOf(
  judge: Judge,
  files: readonly RawFile[],
  style: SummaryStyle,
  outputs: readonly (readonly string[])[],
  { signal, progress }: Work,
): Promise<Verdicts> {
  const verdicts: ReadonlyMap<string, Verdict>[] = [];
  for (const [i, { title, prose }] of files.entries()) {
    signal.throwIfAborted();
    const texts = [...new Set(outputs.map((of) => of[i] ?? ""))].filter((text) => text.trim() !== "");
    const passage = style === "title" ? prose : `${title}\n\n${prose}`;
    const read = await judge.read(passage, REQUESTS[style], texts);
    verdicts.push(new Map(read.map((verdict, at) => [texts[at] ?? "", verdict])));
    progress(`Judged, ${style}`, i + 1, files.length);
  }
  return verdicts;
}

const REQUESTS: Readonly<Record<SummaryStyle, string>> = {
  sentence: "Describe this passage in one complete sentence.",
  bullets: "List the five most important sentences of this passage.",
  paragraph: "Summarize this passage in three sentences.",
  title: "Give this passage a title of two to six words.",
};

function baselinesOf(files: readonly RawFile[], style: SummaryStyle): { name: string; texts: string[] }[] {
  const count = SENTENCES[style];
  const joined = (sentences: readonly string[]) => sentences.join(style === "bullets" ? "\n" : " ");
  const of = (name: string, choose: (file: RawFile) => readonly string[]) => ({
    name,
    texts: files.map((file) => joined(choose(file))),
  });
  const first = of("first sentence", ({ sentences }) => sentences.slice(0, 1));
  const best = of("best of its sentences (oracle)", (file) => oracle(file.sentences, referenceOf(file, style), count));
  if (style === "title")
    return [
      of("first heading", ({ prose, title }) => [/^#+ (.*)$/m.exec(withoutTitle(prose, title))?.[1] ?? ""]),
      first,
      best,
    ];
  return [
    first,
    of("first three (lead-3)", ({ sentences }) => sentences.slice(0, 3)),
    of(`TextRank, ${count}`, ({ sentences }) => textRank(sentences, count)),
    best,
  ];
}

/** A text without the heading that is its title, in Markdown, AsciiDoc or reStructuredText. */
export function withoutTitle(text: string, title: string): string {
  const escaped = title.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  return title === ""
    ? text
    : text.replace(new RegExp(`^(?:[#=]+[ \\t]+)?${escaped}[ \\t]*\\n(?:[=*~-]{3,}\\n)?`, "im"), "");
}

function referenceOf({ title, summary }: RawFile, style: SummaryStyle): string {
  return style === "title" ? title : summary;
}

function metricsOf(
  files: readonly RawFile[],
  style: SummaryStyle,
  texts: readonly string[],
  verdicts: Verdicts | undefined,
): System["metrics"] {
  const lines = (text: string) => sentencesOf(text, "en").join("\n");
  const perFile = files.map((file, i) => {
    const text = texts[i] ?? "";
    const source = `${file.title}\n${file.prose}`;
    const [whole, faithful] = [isWhole(text, style === "title"), isFaithful(source, text)];
    return {
      ...rouge(lines(referenceOf(file, style)), lines(text), { stem: true }),
      ...{ whole, faithful, both: whole && faithful, quoted: isQuoted(file, text) },
      copied: faithfulness(source, text).fourGrams,
      words: text.split(/\s+/).filter(Boolean).length,
    };
  });
  const percent = (name: Exclude<keyof (typeof perFile)[number], "copied" | "words">) =>
    ratio(perFile.map((one) => 100 * Number(one[name])));
  return {
    ...{
      rouge1: percent("rouge1"),
      rouge2: percent("rouge2"),
      rougeL: percent("rougeL"),
      rougeLsum: percent("rougeLsum"),
    },
    ...{ whole: percent("whole"), faithful: percent("faithful"), both: percent("both"), quoted: percent("quoted") },
    copied: ratio(
      perFile.map(({ copied }) => 100 * copied.found),
      perFile.map(({ copied }) => copied.all),
    ),
    words: ratio(perFile.map(({ words }) => words)),
    ...(verdicts && judgedMetrics(texts, verdicts)),
  };
}

/** The judge's metrics; an empty text counts as not grammatical and has no likelihood. */
function judgedMetrics(texts: readonly string[], verdicts: Verdicts): System["metrics"] {
  const read = texts.map((text, i) => verdicts[i]?.get(text));
  return {
    grammatical: ratio(read.map((verdict) => 100 * Number(verdict !== undefined && isGrammatical(verdict)))),
    nats: ratio(
      read.map((verdict) => verdict?.given ?? 0),
      read.map((verdict) => Number(verdict !== undefined)),
    ),
  };
}

/** Whether every line of a text stands in the file's prose. */
function isQuoted({ prose }: RawFile, text: string): boolean {
  const plain = (words: string) =>
    words
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim()
      .toLowerCase();
  const source = plain(prose);
  return sentencesOf(text, "en").every((sentence) => source.includes(plain(sentence.replace(/^\s*[-*•] /, ""))));
}
