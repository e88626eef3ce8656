/**
 * Reads training data as pairs or as plain texts: a file of rows, a dataset folder as the hub has them, or
 * a folder of texts.
 */
import { stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import type { TrainRequest } from "../../../protocol/train-request.ts";
import { type LeftOutReason, localFolder, readProse, walkFolder } from "../../text/folder-files.ts";
import { decodeText } from "../../text/input.ts";
import { holdsSecret } from "../../text/private-files.ts";
import type { Document, Pair } from "./dataset.ts";
import { note } from "./dataset.ts";
import { LeftOutFiles, leftOut } from "./left-out.ts";
import { dataFileName, readData } from "./tables/data-file.ts";
import type { BadRow } from "./tables/read-rows.ts";
import { isTooLong, RowLimits, TEXT_TOO_LONG } from "./tables/row-limits.ts";
import { pickRows } from "./tables/rows.ts";
import { readTable, TABLE_FILE } from "./tables/tables.ts";
import type { TrainTask } from "./tasks.ts";
import { descriptionPairs, type FromText, proseOf, sectionPairs } from "./texts.ts";

/** Where the data are ("-" is JSON lines from standard input), and which columns play which roles. */
export type DataRequest = Pick<TrainRequest, "data" | "columns" | "inputColumn" | "targetColumn">;

/** The data of a task. */
export interface TrainingData {
  readonly pairs: readonly Pair[];
  /** A part of the data that is there to validate on; empty where it has none. */
  readonly apart: readonly Pair[];
  /** The documents for infilling. */
  readonly documents: readonly Document[];
  /** Role -> column. */
  readonly columns: Readonly<Record<string, string>>;
  /** All columns of the rows; empty for texts. */
  readonly available: readonly string[];
  /** Notes on what was left out, with files and rows. */
  readonly notes: readonly string[];
}

/**
 * Reads the data of a task.
 * @throws ModelError "input" naming file and row
 */
export async function readTrainingData(
  task: TrainTask,
  request: DataRequest,
  signal: AbortSignal,
): Promise<TrainingData> {
  const dataStat = request.data === "-" ? undefined : await stat(request.data).catch(() => undefined);
  if (dataStat?.isDirectory()) {
    const { files, notes } = await filesOf(request.data, TABLE_FILE, signal);
    const parts = partsOf(request.data, files);
    if (parts.train.length > 0) return withNotes(await readParts(task, request, parts, signal), notes);
    return readTexts(task, request.data, signal);
  }
  if (request.data === "-" || TABLE_FILE.test(request.data)) {
    return readParts(task, request, { train: [request.data], validation: [], test: [] }, signal);
  }
  if (task.metric === "fills") {
    // One file is cut at its blank lines, so that some of it can be kept out.
    const parts = (await proseOf(await readText(request.data, signal), request.data)).split(
      /(?<=\S[^\S\n]*)\n(?:[^\S\n]*\n)+(?=#|[^\n]{200})/,
    );
    return { ...NOTHING, documents: parts.map((text, i) => ({ source: `${request.data} ${i}`, text })) };
  }
  throw new ModelError(
    "input",
    `${request.data} is ${dataStat === undefined ? "not there, or no file that can be read" : "no file of rows"}. Give .jsonl, .json, .csv, .tsv or .parquet (.gz too, and .zst from Node.js 22.15 on), or a folder.`,
  );
}

const NOTHING: TrainingData = { pairs: [], apart: [], documents: [], columns: {}, available: [], notes: [] };

/** Files of rows by the part of the data they are. */
interface Parts {
  readonly train: readonly string[];
  readonly validation: readonly string[];
  readonly test: readonly string[];
}

const PARTS = {
  validation: /(^|[-_./\\])(validation|valid|val|dev|eval)([-_./\\]|$)/i,
  test: /(^|[-_./\\])test([-_./\\]|$)/i,
  train: /(^|[-_./\\])(train|training)([-_./\\]|$)/i,
};

/**
 * A folder's files by their parts, as the hub's datasets name them. Files of no named part are to learn from, where
 * none is named so; .json files must be named, for others are settings.
 */
function partsOf(folder: string, files: readonly string[]): Parts {
  const inside = files.map((file) => ({ file, name: relative(folder, file) }));
  const matching = (part: RegExp) => inside.filter(({ name }) => part.test(name)).map(({ file }) => file);
  const [validation, test] = [matching(PARTS.validation), matching(PARTS.test)];
  const named = matching(PARTS.train).filter((file) => !validation.includes(file) && !test.includes(file));
  const folders = new Set(named.map((file) => relative(folder, dirname(file))));
  if (folders.size > 1) {
    throw new ModelError(
      "input",
      `${folder} holds several data sets, in ${[...folders].map((path) => path || ".").join(", ")}. Name the folder of one.`,
    );
  }
  const rest = inside
    .filter(({ file, name }) => ![...validation, ...test].includes(file) && !/\.json(\.\w+)?$/i.test(name))
    .map(({ file }) => file);
  return { train: named.length > 0 ? named : rest, validation, test };
}

async function readParts(
  task: TrainTask,
  request: DataRequest,
  parts: Parts,
  signal: AbortSignal,
): Promise<TrainingData> {
  const { needed, optional } = task.roles;
  const usual = [...Object.values(needed), ...Object.values(optional)].flat();
  const limits = new RowLimits([...usual, ...Object.values(namedColumns(task, request))]);
  const apart = await readAll(task, request, parts.validation, limits, signal);
  const learn = await readAll(task, request, parts.train, limits, signal);
  const unused = parts.test.map((file) => `${file} is left out: it is to test on (spanfill evaluate).`);
  const notes = [...learn.notes, ...apart.notes, ...unused];
  const columns = { ...apart.columns, ...learn.columns };
  const { available } = learn;
  if (task.metric !== "fills") return { ...NOTHING, pairs: learn.pairs, apart: apart.pairs, columns, available, notes };
  const documents = [...learn.pairs, ...apart.pairs].map(({ source, file, row, input }) => ({
    source: source === "" ? `${file} row ${row}` : source,
    text: input,
  }));
  return { ...NOTHING, documents, columns, available, notes };
}

/** Columns that are listed for a person to choose from. */
const MOST_AVAILABLE = 1000;

async function readAll(
  task: TrainTask,
  request: DataRequest,
  files: readonly string[],
  limits: RowLimits,
  signal: AbortSignal,
) {
  const pairs: Pair[] = [];
  const notes: string[] = [];
  const available = new Set<string>();
  let columns: Readonly<Record<string, string>> = {};
  for (const file of files) {
    if (limits.rows === 0) {
      notes.push(limits.note(file, 0));
      continue;
    }
    const name = dataFileName(file);
    const table = await readTable(file, limits, signal);
    const { rows, bad, notes: fileNotes = [] } = table;
    const picked = pickRows(task.roles, rows, table.columns, name, namedColumns(task, request));
    const leftOutRows: BadRow[] = [];
    for (const column of table.columns.slice(0, MOST_AVAILABLE)) available.add(column);
    const empty = picked.empty.map((row) => ({ file: name, row }));
    columns = picked.columns;
    for (const row of picked.rows) {
      if (Object.values(row).some(isTooLong)) {
        leftOutRows.push({ row: row.row, what: TEXT_TOO_LONG, why: "" });
        continue;
      }
      const { input, accepted } = task.pair(row);
      const [target = ""] = accepted;
      if (target.trim() === "") empty.push({ file: name, row: row.row });
      else if ([input, ...accepted].some(holdsSecret)) leftOutRows.push({ row: row.row, what: SECRET, why: "" });
      else pairs.push({ source: row.source, input, target, accepted, file: name, row: row.row });
    }
    notes.push(...fileNotes, ...badNotes(name, [...bad, ...picked.bad, ...leftOutRows]));
    notes.push(...note(empty, "with an empty side, left out"));
  }
  return { pairs, notes, columns, available: [...available] };
}

/** Notes on rows that are left out, those of one kind together. */
function badNotes(file: string, bad: readonly BadRow[]): string[] {
  return [...new Set(bad.map(({ what }) => what))].flatMap((what) => {
    const rows = bad.filter((row) => row.what === what).map(({ row }) => ({ file, row }));
    return note(rows, `left out: ${what}`);
  });
}

const SECRET = "they hold what looks like a key or a token";

function namedColumns(task: TrainTask, { columns, inputColumn, targetColumn }: DataRequest): Record<string, string> {
  const roles = [...Object.keys(task.roles.needed), ...Object.keys(task.roles.optional)];
  const strange = Object.keys(columns).find((role) => !roles.includes(role));
  if (strange !== undefined) {
    throw new ModelError("input", `--columns: ${task.name} has no "${strange}"; it has ${roles.join(", ")}.`);
  }
  return {
    ...columns,
    ...(inputColumn === undefined ? {} : { [task.inputRole]: inputColumn }),
    ...(targetColumn === undefined ? {} : { [task.targetRole]: targetColumn }),
  };
}

/** The tasks that plain texts can teach. */
const fromTexts: { readonly [T in TrainTask["name"]]?: (document: Document) => Promise<FromText> } = {
  summarize: descriptionPairs,
  title: sectionPairs,
};

const TEXT_FILE = /\.(md|mdx|markdown|txt|text|rst|adoc|asciidoc|tex|typ|qmd|org)$/i;

/** A folder of texts: gaps in them, their headings, or what their front matter says of them. */
async function readTexts(task: TrainTask, folder: string, signal: AbortSignal): Promise<TrainingData> {
  const { files, notes } = await filesOf(folder, TEXT_FILE, signal);
  const documents: Document[] = [];
  const without = new LeftOutFiles(folder);
  for (const file of files) {
    const source = relative(folder, file);
    const content = await readProse(localFolder(folder), source.split(sep).join("/"));
    signal.throwIfAborted();
    if ("why" in content) without.add(source, LEFT_OUT[content.why] ?? content.why);
    else if (holdsSecret(content.text)) without.add(source, SECRET);
    else documents.push({ source, text: content.text });
  }
  if (documents.length === 0) {
    const all = [...notes, ...without.notes()];
    const left = all.length > 0 ? ` (${all.join("; ")})` : "";
    throw new ModelError(
      "input",
      `${folder} holds no text files (.md, .txt, .rst, .adoc, .tex, .typ, .qmd) and no files of rows${left}. Name another folder.`,
    );
  }
  if (task.metric === "fills") {
    const texts = await Promise.all(
      documents.map(async ({ source, text }) => ({ source, text: await proseOf(text, source) })),
    );
    for (const { source, text } of texts) if (text === "") without.add(source, "no prose");
    return { ...NOTHING, documents: texts.filter(({ text }) => text !== ""), notes: [...notes, ...without.notes()] };
  }
  const { [task.name]: pairsOf } = fromTexts;
  if (pairsOf === undefined) {
    throw new ModelError(
      "input",
      `${folder} holds texts, from which "${task.name}" cannot be learned. Give a file of rows, or --task infill, summarize (front matter with a description) or title (headings).`,
    );
  }
  const pairs: Pair[] = [];
  for (const document of documents) {
    const taught = await pairsOf(document);
    if ("why" in taught) without.add(document.source, taught.why);
    else pairs.push(...taught.pairs);
  }
  if (pairs.length > 0) return { ...NOTHING, pairs, notes: [...notes, ...without.notes()] };
  const wanted = task.name === "title" ? "a heading with a section" : "front matter with a description";
  const left = [...without.notes(), ...notes].join("; ");
  throw new ModelError(
    "input",
    `None of the ${documents.length} texts in ${folder} has ${wanted} and 20 words of prose (${left}). Name another folder.`,
  );
}

/** A folder's files that may be learned from, sorted, and notes on those that were left out. */
async function filesOf(
  folder: string,
  wanted: RegExp,
  signal: AbortSignal,
): Promise<{ files: string[]; notes: string[] }> {
  const walk = await walkFolder(localFolder(folder), wanted, [], signal);
  const notes = Object.entries(LEFT_OUT).flatMap(([reason, words]) => {
    const paths = walk.leftOut.filter(({ why }) => why === reason).map(({ path }) => path);
    return leftOut(folder, paths.toSorted(byFolder), words);
  });
  return { files: walk.files.toSorted(byFolder).map((path) => join(folder, path)), notes };
}

const LEFT_OUT: { readonly [Reason in LeftOutReason]?: string } = {
  secret: "their names tell of secrets",
  ignored: "ignored",
  unreadable: "they cannot be read",
  binary: "binary",
  "too large": "larger than 2 MB",
  "UTF-16": "UTF-16",
  "not UTF-8": "not UTF-8",
  link: "links, which are not followed",
};

/** The order of a walk: by name, a folder's files where its name stands. */
function byFolder(a: string, b: string): number {
  return a.replaceAll("/", "\0") < b.replaceAll("/", "\0") ? -1 : 1;
}

async function readText(file: string, signal: AbortSignal): Promise<string> {
  const { name, bytes } = await readData(file, signal);
  return decodeText(bytes, name);
}

function withNotes(data: TrainingData, notes: readonly string[]): TrainingData {
  return { ...data, notes: [...notes, ...data.notes] };
}

/** The name of data in a model card. */
export function dataName(data: string): string {
  return data === "-" ? "standard input" : basename(data);
}
