/**
 * Collects a model's outputs on texts with known answers and whether they were right, and fits its confidence to
 * them.
 */
import { defined } from "../../base/defined.ts";
import { seededRandom, seededSample } from "../../models/random.ts";
import {
  CALIBRATED_KINDS,
  type CalibratedKind,
  type Calibration,
  type Curve,
  RIGHT_ROUGE,
} from "../catalog/folder/int8/calibration.ts";
import type { Work } from "../command-work.ts";
import type { LoadedModel } from "../engine/engine.ts";
import { bestSentence } from "../features/read/best-sentence.ts";
import { summarize } from "../features/read/summarize.ts";
import type { FillCandidate } from "../features/write/infill-candidates.ts";
import { crossReliability, fitCurve, type Reliability, reliability, type Trial } from "../metrics/calibration.ts";
import { bareFill } from "../metrics/evaluate.ts";
import type { Gap } from "../metrics/gaps.ts";
import { rouge } from "../metrics/metrics.ts";
import { decodeText } from "../text/input.ts";
import { readData } from "../training/data/tables/data-file.ts";
import { parseRows, type Row } from "../training/data/tables/rows.ts";
import { fillGap, gapsOf, isWord } from "./fills.ts";
import type { ModelPool } from "./pool.ts";
import { asFile, withoutTitle } from "./summaries.ts";

/** Trials by kind. */
export type Trials = Readonly<Record<CalibratedKind, readonly Trial[]>>;

/** A model's calibration, as stored with the model. */
export interface CalibrationReport {
  readonly model: string;
  readonly precision: string;
  /** The file's name, and the number of its rows that were used. */
  readonly fittedOn: { readonly data: string; readonly rows: number };
  readonly checkedOn?: { readonly data: string; readonly rows: number };
  readonly kinds: Readonly<Partial<Record<CalibratedKind, KindReport>>>;
}

/** One kind's curve, and how reliable it is. */
export interface KindReport {
  readonly curve: Curve;
  /** On the data for fitting, each fifth by a curve fitted to the others. */
  readonly fitted: Reliability;
  /** On other data. */
  readonly checked?: Reliability;
}

/**
 * Reads rows with summaries and titles, `limit` of them drawn at random with a fixed seed.
 * @throws ModelError "input"
 */
export async function readPairs(file: string, limit: number | undefined, signal: AbortSignal) {
  const { name, bytes } = await readData(file, signal);
  const { rows } = parseRows("summarize", decodeText(bytes, name), name);
  return limit === undefined ? rows : seededSample(rows, limit, seededRandom(0));
}

/** Lets a model summarize, title and fill each text, and judges its output. All fallbacks are off. */
export async function runTrials(
  rows: readonly Row<"summarize">[],
  pool: ModelPool,
  { signal, progress }: Work,
): Promise<Trials> {
  const trialsOfRows = await pool.map(rows, (model, row) => trialsOf(model, row, signal), {
    signal,
    onDone: (done) => progress("Calibrating", done, rows.length),
  });
  const of = (kind: CalibratedKind) => trialsOfRows.flatMap((trials) => trials[kind]);
  return { word: of("word"), fill: of("fill"), passage: of("passage"), summary: of("summary"), title: of("title") };
}

/** Fits a curve to each kind; kinds that are always right or always wrong get none. */
export function calibrate(fitting: Trials, checking: Trials | undefined): CalibrationReport["kinds"] {
  const kinds = CALIBRATED_KINDS.flatMap((kind): [CalibratedKind, KindReport][] => {
    const curve = fitCurve(kind, fitting[kind]);
    if (curve === undefined) return [];
    const fitted = crossReliability(kind, fitting[kind]);
    const checked = defined({ checked: checking && reliability(curve, checking[kind]) });
    return [[kind, { curve, fitted, ...checked }]];
  });
  return Object.fromEntries(kinds);
}

/** The part of a report that spanfill.json stores. */
export function calibrationOf(kinds: CalibrationReport["kinds"]): Calibration {
  return Object.fromEntries(Object.entries(kinds).map(([kind, { curve }]) => [kind, curve]));
}

type MutableTrials = { readonly [K in CalibratedKind]: Trial[] };

async function trialsOf(model: LoadedModel, row: Row<"summarize">, signal: AbortSignal): Promise<MutableTrials> {
  const trials: MutableTrials = { word: [], fill: [], passage: [], summary: [], title: [] };
  const text = asFile(row.title, row.text);
  const summary = await summarize({ model, locale: "en" }, { text, style: "sentence" }, { signal });
  const instead = await bestSentence(model, text);
  trials.summary.push({
    logProbs: summary.logProbs,
    right: alike(row.summary, summary.summary),
    ...(instead === undefined ? {} : { insteadRight: alike(row.summary, instead) }),
  });
  if (row.title !== "") {
    const params = { text: await withoutTitle(row.title, row.text), style: "title" } as const;
    if (params.text.trim() !== "") {
      const title = await summarize({ model, locale: "en" }, params, { signal });
      trials.title.push({ logProbs: title.logProbs, right: alike(row.title, title.summary) });
    }
  }
  const weighs = model.info.decoding?.fill?.ngrams !== undefined;
  for (const gap of gapsOf(row, 0)) {
    const passage = gap.kind === "sentence";
    const cut = passage ? restOf(gap, row.row) : gap;
    const judge = (kind: CalibratedKind, fill: FillCandidate | undefined) => {
      if (fill === undefined) return;
      const right = passage ? firstWord(fill.text) === firstWord(cut.fill) : bareFill(fill.text) === bareFill(cut.fill);
      trials[kind].push({ logProbs: fill.logProbs, right });
    };
    judge(passage ? "passage" : "fill", (await fillGap(model, cut, 1, signal, { ngrams: 0 }))[0]);
    if (isWord(gap) && weighs) judge("word", (await fillGap(model, cut, 1, signal))[0]);
  }
  return trials;
}

function alike(reference: string, text: string): boolean {
  return rouge(reference, text, { stem: true }).rougeL >= RIGHT_ROUGE;
}

/** The rest of a sentence from one of its words on, as if its beginning had been typed. */
function restOf(gap: Gap, seed: number): Gap {
  const words = gap.fill.split(" ");
  const typed = 1 + Math.floor(seededRandom(seed)() * (words.length - 2));
  return {
    ...gap,
    before: `${gap.before}${words.slice(0, typed).join(" ")} `,
    fill: words.slice(typed).join(" "),
  };
}

function firstWord(text: string): string {
  return bareFill(text.trim().split(/\s+/)[0] ?? "").toLowerCase();
}
