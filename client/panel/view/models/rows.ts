/** The table's rows: which are shown, in what order, and how numbers are written. */
import { percentDone, sizeInWords } from "../../../../base/figures.ts";
import type { Job, Measurement, ModelRow } from "../../../../protocol/panel/models.ts";
import { t } from "../ui/texts.ts";

/** A column that the table can be sorted by. */
export const COLUMNS = [
  { name: "id", title: t("Model") },
  { name: "parameters", title: t("Parameters") },
  { name: "layers", title: t("Layers") },
  { name: "dModel", title: t("Width") },
  { name: "heads", title: t("Heads") },
  { name: "memory", title: t("Memory") },
  { name: "download", title: t("Download") },
  { name: "speed", title: t("Tokens/s") },
  { name: "state", title: t("State") },
] as const;
export type Column = (typeof COLUMNS)[number]["name"];

/** The conditions that narrow down the table. */
export interface Filter {
  /** Words that id, family or shape have to hold; "layers>12" and the like compare numbers. */
  readonly text: string;
  readonly only: "all" | "installed" | "ready";
  /** Empty: all. */
  readonly family: string;
}

/** The order of the rows. */
export interface Sorting {
  readonly column: Column;
  readonly descending: boolean;
}

/** The rows that a filter lets through, in order; what is not known comes last. */
export function arranged(
  rows: readonly ModelRow[],
  filter: Filter,
  { column, descending }: Sorting,
): readonly ModelRow[] {
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const passing = rows.filter(
    (row) =>
      (filter.only === "all" || (filter.only === "installed" ? row.installed !== undefined : !row.needsFineTuning)) &&
      (filter.family === "" || row.family === filter.family) &&
      words.every((word) => matches(row, word)),
  );
  const sign = descending ? -1 : 1;
  const sorted = passing.toSorted((a, b) => {
    const [x, y] = [sortKey(a, column), sortKey(b, column)];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    if (typeof x === "string" && typeof y === "string") return sign * x.localeCompare(y, "en", { numeric: true });
    return sign * (Number(x) - Number(y));
  });
  return underBases(sorted);
}

/** The rows with each adapter below its base, where that is shown. */
function underBases(rows: readonly ModelRow[]): readonly ModelRow[] {
  const shown = new Set(rows.map(({ id }) => id));
  const isBelow = ({ adapterOf }: ModelRow) => adapterOf !== undefined && shown.has(adapterOf);
  return rows
    .filter((row) => !isBelow(row))
    .flatMap((row) => [row, ...rows.filter((other) => isBelow(other) && other.adapterOf === row.id)]);
}

/** The measurement of a model in a precision on the device where it is quickest. */
export function measured(row: ModelRow, precision: "int8" | "float32") {
  const [quickest] = row.measurements
    .filter((measurement) => measurement.precision === precision)
    .toSorted((a, b) => typicalMs(a) - typicalMs(b));
  return quickest;
}

/** Milliseconds that 512 tokens in and 64 out take, as measured; undefined where nobody did. */
export function measuredMs(row: ModelRow, precision: "int8" | "float32" = "int8"): number | undefined {
  const measurement = measured(row, precision);
  return measurement && typicalMs(measurement);
}

/** Milliseconds that 512 tokens in and 64 out take. */
function typicalMs({ firstTokenMs, tokensPerSecond }: Measurement): number {
  return firstTokenMs + 64_000 / tokensPerSecond;
}

/** The text of a cell. */
export function cellText(row: ModelRow, column: Column, job: Job | undefined): string {
  switch (column) {
    case "id":
      return row.adapterOf === undefined ? row.id : `↳ ${row.id}`;
    case "parameters":
      return row.parameters === null ? t("unknown") : row.parameters.toLocaleString("en-US");
    case "layers":
      return row.layers === row.decoderLayers ? `${row.layers}` : `${row.layers}+${row.decoderLayers}`;
    case "dModel":
      return `${row.dModel}`;
    case "heads":
      return `${row.heads}×${row.dKv}`;
    case "memory":
      return row.memoryBytes === null ? "" : sizeInWords(row.memoryBytes.int8);
    case "download":
      return row.downloadBytes === null ? "" : sizeInWords(row.downloadBytes);
    case "speed": {
      const measurement = measured(row, "int8") ?? measured(row, "float32");
      return measurement === undefined ? "" : measurement.tokensPerSecond.toFixed(0);
    }
    case "state":
      return stateText(row, job);
  }
}

/** How a model stands: what is under way, whether it is here, whether it can be used as it is. */
export function stateText(row: ModelRow, job: Job | undefined): string {
  if (job?.state === "running")
    return job.kind === "get" ? `${t("downloading")} ${percent(job)}` : `${WORK[job.kind]}…`;
  if (job?.state === "failed") return t("failed");
  if (row.installed !== undefined) return row.needsFineTuning ? t("installed, untuned") : t("installed");
  if (row.partialBytes !== undefined) return t("stopped at {0}", sizeInWords(row.partialBytes));
  if (!row.downloadable) return t("not on the hub");
  return row.needsFineTuning ? t("needs tuning") : "";
}

/** How far a job has come. */
export function percent({ doneBytes, totalBytes }: Job): string {
  if (doneBytes === undefined || totalBytes === undefined || totalBytes === 0) return "";
  return percentDone(doneBytes / totalBytes);
}

/** A time that is left. */
export function duration(seconds: number): string {
  if (seconds < 60) return t("{0} s", Math.ceil(seconds));
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? t("{0} min", minutes) : t("{0} h {1} min", Math.floor(minutes / 60), minutes % 60);
}

const WORK = { get: t("downloading"), verify: t("checking"), import: t("importing"), measure: t("measuring") } as const;

function sortKey(row: ModelRow, column: Column): string | number | undefined {
  switch (column) {
    case "id":
      return row.id;
    case "memory":
      return row.memoryBytes?.int8;
    case "download":
      return row.downloadBytes ?? undefined;
    case "speed":
      return (measured(row, "int8") ?? measured(row, "float32"))?.tokensPerSecond;
    case "state":
      return stateText(row, undefined);
    default:
      return row[column] ?? undefined;
  }
}

const COMPARED = {
  layers: (row: ModelRow) => row.layers,
  width: (row: ModelRow) => row.dModel,
  heads: (row: ModelRow) => row.heads,
  parameters: (row: ModelRow) => (row.parameters ?? 0) / 1e6,
  memory: (row: ModelRow) => (row.memoryBytes?.int8 ?? 0) / 1e6,
};

function matches(row: ModelRow, word: string): boolean {
  const [, name, sign, number] = /^(layers|width|heads|parameters|memory)([<>=])(\d+)$/.exec(word) ?? [];
  if (name !== undefined) {
    const value = COMPARED[name as keyof typeof COMPARED](row);
    return sign === "<" ? value < Number(number) : sign === ">" ? value > Number(number) : value === Number(number);
  }
  return `${row.id} ${row.family} ${row.variant ?? ""}`.toLowerCase().includes(word);
}
