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
import { isFaithful, isWhole } from "./judge.ts";

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

/**
 * Summarizes files in a style as the command line does, and compares.
 * @param minimumConfidence the setting `summary.minimumConfidence`
 */
export async function evaluateStyle(
  pool: ModelPool,
  files: readonly RawFile[],
  style: SummaryStyle,
  minimumConfidence: number,
  seed: number,
  { signal, progress }: Work,
): Promise<{ readonly estimates: StyleEstimates; readonly texts: readonly string[] }> {
  const texts = await pool.map(
    files,
    async (model, { text, title, language }) => {
      const params = { text: style === "title" ? withoutTitle(text, title) : text, language, style, minimumConfidence };
      return (await summarize({ model, locale: "en" }, params, { signal })).summary;
    },
    { signal, onDone: (done) => progress(`Raw files, ${style}`, done, files.length) },
  );
  const outputs = [{ name: "product", texts }, ...baselinesOf(files, style)];
  const places = files.map((_, i) => i);
  const systems = outputs.map(({ name, texts }): System => ({ name, metrics: metricsOf(files, style, texts) }));
  // What the rules say of people's own words tells how far the rules are to be trusted.
  const { rouge1, rouge2, rougeL, rougeLsum, ...judged } = metricsOf(
    files,
    style,
    files.map((file) => referenceOf(file, style)),
  );
  systems.push({ name: "the authors' own", metrics: judged });
  return { estimates: { style, files: files.length, systems: estimateSystems(places, systems, seed) }, texts };
}

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

function metricsOf(files: readonly RawFile[], style: SummaryStyle, texts: readonly string[]): System["metrics"] {
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
