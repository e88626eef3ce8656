/**
 * `bench decoding`: the effect of shortlists, copy bias and re-ranked beams on summaries and fills, each separately,
 * on the same documents.
 */
import { readFileSync } from "node:fs";
import { defined } from "../../base/defined.ts";
import { seededRandom, seededSample } from "../../models/random.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import type { Engine, LoadedModel, Precision } from "../../server/engine/engine.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import type { CopyBias } from "../../server/engine/search/copying.ts";
import type { Decoding } from "../../server/features/decoding.ts";
import { summarize } from "../../server/features/read/summarize.ts";
import { infill } from "../../server/features/write/infill.ts";
import { estimateSystems, ratio, type System } from "../../server/metrics/estimate.ts";
import { bareFill } from "../../server/metrics/evaluate.ts";
import { faithfulness, type Share } from "../../server/metrics/faithfulness.ts";
import { type Interval, rouge } from "../../server/metrics/metrics.ts";
import { parseRows, type Row } from "../../server/training/data/tables/rows.ts";
import { calledFrom } from "../support/called-from.ts";
import { readDocuments, wordGaps } from "../support/kept-out.ts";
import { printTable } from "../support/table.ts";

/** Options of the measurement. */
export interface DecodingOptions {
  /** A built-in model's id or a folder; the default model when absent. */
  readonly model?: string;
  readonly precision: Precision;
  /** By default the engine's own choice. */
  readonly threads?: number;
  readonly style: "sentence" | "title";
  /** Sizes of shortlists. */
  readonly shortlist: readonly number[];
  /** Copy biases as `anywhere,afterOne,afterTwo`. */
  readonly bias: readonly CopyBias[];
  readonly beams: number;
  /** Number of documents, drawn with a seed; all if absent. */
  readonly limit?: number;
  /** JSON lines of documents (validation data, to choose by); the kept-out ones when absent. */
  readonly data?: string;
  /** Whether the shortlists' fills are measured too. */
  readonly fills: boolean;
}

/** A way to decode, and its output for each document. */
interface Variant {
  /** In an engine that no other variant uses: one engine would remember what the variant before it encoded. */
  readonly model: LoadedModel;
  readonly name: string;
  readonly decoding: Decoding;
  readonly summaries: string[];
  encodeMs: number;
  decodeMs: number;
}

/**
 * Measures and prints one table, or two with the fills; the variants take turns on each document, so that none has a
 * quieter time.
 */
export async function benchDecoding(options: DecodingOptions): Promise<void> {
  const everything = options.data === undefined ? readDocuments() : read(options.data);
  const { limit = everything.length } = options;
  const documents = seededSample(everything, Math.min(limit, everything.length), seededRandom(documentSeed));
  const engines: Engine[] = [];
  const load: Load = () => {
    const engine = createLocalEngine();
    engines.push(engine);
    const { precision, threads } = options;
    const directory = resolveModel(options.model, { workingFolder: calledFrom() });
    return engine.load({ directory, precision, ...defined({ threads }) });
  };
  try {
    const variants = await variantsOf(options, load);
    for (const [i, document] of documents.entries()) {
      for (const variant of variants) await summarizeWith(document, variant, options.style);
      if (i % 50 === 49) process.stderr.write(`${i + 1} of ${documents.length} documents\n`);
    }
    const id = variants[0]?.model.info.id;
    console.log(`${id}, ${options.precision}: ${options.style}s of ${documents.length} documents\n`);
    printTable(summaryRows(documents, variants, options.style));
    if (options.fills) printTable(await fillRows(load, documents, options.shortlist));
  } finally {
    for (const engine of engines) await engine.dispose();
  }
}

/** `anywhere,afterOne,afterTwo` as a bias; undefined when it is not three numbers. */
export function parseBias(text: string): CopyBias | undefined {
  const [anywhere = Number.NaN, afterOne = Number.NaN, afterTwo = Number.NaN, ...more] = text.split(",").map(Number);
  const valid = [anywhere, afterOne, afterTwo].every((bonus) => bonus >= 0) && more.length === 0;
  return valid ? { anywhere, afterOne, afterTwo } : undefined;
}

const documentSeed = 20;

function read(path: string): readonly Row<"summarize">[] {
  return parseRows("summarize", readFileSync(path, "utf8"), path).rows;
}

/** Loads the model in a separate engine. */
type Load = () => Promise<LoadedModel>;

function variantsOf({ shortlist: sizes, bias: biases, beams }: DecodingOptions, load: Load): Promise<Variant[]> {
  const variant = async (name: string, decoding: Decoding): Promise<Variant> => ({
    model: await load(),
    name,
    decoding: { shortlist: "off", copyBias: {}, beams: 1, ...decoding },
    summaries: [],
    encodeMs: 0,
    decodeMs: 0,
  });
  const named = ({ anywhere, afterOne, afterTwo }: CopyBias) => `copy bias ${anywhere}, ${afterOne}, ${afterTwo}`;
  const [shortlist = "off", copyBias = {}] = [sizes.at(-1), biases.at(-1)];
  return Promise.all([
    variant("plain", {}),
    ...sizes.map((size) => variant(`shortlist ${size}`, { shortlist: size })),
    ...biases.map((bias) => variant(named(bias), { copyBias: bias })),
    variant("both (the last of each)", { shortlist, copyBias }),
    variant(`${beams} beams`, { shortlist, beams, faithful: false }),
    variant(`${beams} beams, re-ranked`, { shortlist, beams }),
    variant("all of these", { shortlist, copyBias, beams }),
  ]);
}

async function summarizeWith(
  { title, text }: Row<"summarize">,
  variant: Variant,
  style: DecodingOptions["style"],
): Promise<void> {
  const source = style === "title" || title === "" || text.startsWith("# ") ? text : `# ${title}\n\n${text}`;
  const { summary, ms } = await summarize(
    { model: variant.model },
    { text: source, style, decoding: variant.decoding },
  );
  variant.summaries.push(summary);
  variant.encodeMs += ms.encode;
  variant.decodeMs += ms.decode;
}

function summaryRows(
  documents: readonly Row<"summarize">[],
  variants: readonly Variant[],
  style: DecodingOptions["style"],
): string[][] {
  const systems = variants.map((variant): System => {
    const kept = documents.map(({ title, text }, i) =>
      faithfulness(style === "title" ? text : `${title}\n${text}`, variant.summaries[i] ?? ""),
    );
    const share = (of: (one: (typeof kept)[number]) => Share) =>
      ratio(
        kept.map((one) => of(one).found),
        kept.map((one) => of(one).all),
      );
    const scores = documents.map((document, i) =>
      rouge(style === "title" ? document.title : document.summary, variant.summaries[i] ?? "", { stem: true }),
    );
    return {
      name: variant.name,
      metrics: {
        "ROUGE-1": ratio(scores.map(({ rouge1 }) => rouge1)),
        "ROUGE-2": ratio(scores.map(({ rouge2 }) => rouge2)),
        "ROUGE-L": ratio(scores.map(({ rougeL }) => rougeL)),
        words: share(({ contentWords }) => contentWords),
        numbers: share(({ numbers }) => numbers),
        names: share(({ names }) => names),
        "copied 4-grams": share(({ fourGrams }) => fourGrams),
      },
    };
  });
  const estimates = estimateSystems([...documents.keys()], systems, documentSeed);
  const percent = (value: number | undefined) => (100 * (value ?? Number.NaN)).toFixed(1);
  // The estimate is of plain minus the variant.
  const gain = (lead: Interval | null | undefined) =>
    lead ? `${percent(-lead.mean)} (${percent(-lead.high)} to ${percent(-lead.low)})` : "";
  return [
    ["", ...Object.keys(systems[0]?.metrics ?? {}), "ROUGE-L beside plain", "encode ms", "decode ms"],
    ...estimates.map(({ name, scores, difference }, i) => [
      name,
      ...Object.values(scores).map((score) => percent(score?.mean)),
      gain(difference?.["ROUGE-L"]),
      ((variants[i]?.encodeMs ?? 0) / documents.length).toFixed(1),
      ((variants[i]?.decodeMs ?? 0) / documents.length).toFixed(1),
    ]),
  ];
}

/** Words filled exactly, greedily and among five, over the whole vocabulary and the shortlists. */
async function fillRows(
  load: Load,
  documents: readonly Row<"summarize">[],
  sizes: readonly number[],
): Promise<string[][]> {
  const gaps = wordGaps(documents);
  const variants = await Promise.all(
    (["off", ...sizes] as const).map(async (shortlist) => ({
      ...{ model: await load(), shortlist, first: 0, among: 0, ms: 0 },
    })),
  );
  for (const gap of gaps) {
    const place = { start: gap.before.length, end: gap.before.length, length: "word" as const };
    for (const variant of variants) {
      const { model } = variant;
      const params = { text: gap.before + gap.after, gaps: [place], decoding: { shortlist: variant.shortlist } };
      const greedy = await infill({ model }, params);
      const five = await infill({ model }, { ...params, alternatives: 5 });
      const right = (text: string | undefined) => bareFill(text ?? "") === bareFill(gap.fill);
      const proposals = [...greedy.fills, ...(five.fills[0]?.alternatives ?? [])].slice(0, 6);
      variant.first += right(greedy.fills[0]?.text) ? 1 : 0;
      variant.among += proposals.some(({ text }) => right(text)) ? 1 : 0;
      variant.ms += greedy.ms.total;
    }
  }
  const share = (count: number) => `${((100 * count) / gaps.length).toFixed(1)}`;
  return [
    [`${gaps.length} word gaps`, "exact %", "among five %", "ms a fill"],
    ...variants.map(({ shortlist, first, among, ms }) => [
      shortlist === "off" ? "plain" : `shortlist ${shortlist}`,
      share(first),
      share(among),
      (ms / gaps.length).toFixed(1),
    ]),
  ];
}
