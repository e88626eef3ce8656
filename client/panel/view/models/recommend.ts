/** Which model to use: three answers in, a ranked list with reasons out. */
import { sizeInWords } from "../../../../base/figures.ts";
import type { ModelRow } from "../../../../protocol/panel/models.ts";
import { t } from "../ui/texts.ts";
import { measuredMs } from "./rows.ts";

/** The three answers. */
export interface Needs {
  readonly purpose: "summarize" | "infill" | "fine-tune";
  /** For 512 tokens in and 64 out. */
  readonly budgetMs: number;
  readonly memoryMb: number;
}

/** A model that fits, and why it stands where it stands. */
export interface Recommendation {
  readonly row: ModelRow;
  readonly ms: number;
  /** Whether the time is computed from another model's, or from a guess where none is measured. */
  readonly basis: "measured" | "estimated" | "guessed";
  readonly reasons: readonly string[];
}

/** The models that fit best, best first. */
export function recommend(
  rows: readonly ModelRow[],
  { purpose, budgetMs, memoryMb }: Needs,
  most = 5,
): Recommendation[] {
  const speed = flopsPerMs(rows);
  const fitting = rows.flatMap((row) => {
    const { memoryBytes, parameters } = row;
    if (row.adapterOf !== undefined) return []; // its base is recommended
    if (memoryBytes === null || parameters === null || row.variant !== null) return [];
    if (row.installed === undefined && !row.downloadable) return [];
    if (purpose !== "fine-tune" && row.needsFineTuning) return [];
    if (purpose === "infill" && row.family.startsWith("flan-")) return []; // its tuning has unlearned the sentinels
    const measured = measuredMs(row);
    const ms = measured ?? row.flops / speed.value;
    // Training holds weights, gradients and two moments of each parameter, all float32.
    const needed = purpose === "fine-tune" ? 16 * parameters : memoryBytes.int8 + RUNTIME_BYTES;
    if (ms > budgetMs || needed > 1e6 * memoryMb) return [];
    const basis: Recommendation["basis"] =
      measured !== undefined ? "measured" : speed.measured ? "estimated" : "guessed";
    return [{ row, ms, basis, needed }];
  });
  return fitting
    .toSorted((a, b) => worth(b.row, purpose) - worth(a.row, purpose))
    .slice(0, most)
    .map(({ row, ms, basis, needed }, rank) => ({
      ...{ row, ms, basis },
      reasons: [
        ...(rank === 0 ? [t("thought the most able of those that fit")] : []),
        ...(row.installed !== undefined
          ? [t("it is here already")]
          : [t("a download of {0}", sizeInWords(row.downloadBytes ?? 0))]),
        t("{0} ms for 512 tokens in and 64 out ({1})", Math.round(ms), BASIS[basis]),
        purpose === "fine-tune"
          ? t("{0} of memory to train", sizeInWords(needed))
          : t("{0} of memory", sizeInWords(needed)),
        ...(row.family === "built-in" ? [t("trained for exactly these tasks, and measured on them")] : []),
        ...(purpose === "fine-tune" && row.layers > USUAL_LAYERS
          ? [t("deeper before wider: more able than a wider one of its size")]
          : []),
        ...(row.advice ? [row.advice.text] : []),
        ...(row.seen ? [] : [t("its page on the hub was not seen: the name may be another")]),
      ],
    }));
}

const BASIS = {
  measured: t("measured here"),
  estimated: t("from another model's speed here"),
  guessed: t("a guess: measure a model first"),
} as const;
const RUNTIME_BYTES = 130e6;
/** The assumed int8 speed of one core of a usual machine. */
const GUESSED_FLOPS_PER_MS = 1e8;
const USUAL_LAYERS = 12;

/** How quick this machine is, from what was measured. */
function flopsPerMs(rows: readonly ModelRow[]): { readonly value: number; readonly measured: boolean } {
  const speeds = rows.flatMap((row) => {
    const ms = measuredMs(row);
    return ms === undefined ? [] : [row.flops / ms];
  });
  const middle = speeds.toSorted((a, b) => a - b)[speeds.length >> 1];
  return middle === undefined ? { value: GUESSED_FLOPS_PER_MS, measured: false } : { value: middle, measured: true };
}

/**
 * How able a model is thought to be, where no two were measured alike: by its size; for fine-tuning depth counts beyond
 * that, up to the 36 layers where the Scale Efficiently paper (section 4.4) sees the gain end.
 */
function worth(row: ModelRow, purpose: Needs["purpose"]): number {
  const size = Math.log2(row.parameters ?? 1);
  // A model tuned for the purpose is worth several times its size.
  if (purpose !== "fine-tune") return size + (row.family === "built-in" || row.family === "imported" ? 2 : 0);
  return size + 0.5 * Math.log2(Math.min(row.layers, 36));
}
