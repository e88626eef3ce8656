/**
 * Rows of JSON lines in the format that a task needs: columns are found by their usual names, mistakes reported with
 * their row.
 */
import * as z from "zod";
import { ModelError } from "../../../../models/errors.ts";
import { type BadRow, parseLines, type RawRow } from "./read-rows.ts";

/** The rows of each format. */
export interface FormatRows {
  readonly summarize: {
    readonly text: string;
    readonly summary: string;
    /** Empty where there is none. */
    readonly title: string;
    /** Whether the summary stands word for word in the text; absent where the data do not say. */
    readonly extractive?: boolean;
  };
  readonly title: { readonly text: string; readonly title: string };
  readonly infill: { readonly text: string };
  readonly qa: { readonly question: string; readonly context: string; readonly answers: readonly string[] };
  readonly classify: { readonly text: string; readonly label: string };
}

/** A format of rows, named as the task that is evaluated on it. */
export type RowFormat = keyof FormatRows;

/** A row with its line in the file, from 1, and where it comes from (empty where the data do not say). */
export type Row<F extends RowFormat> = FormatRows[F] & { readonly row: number; readonly source: string };

/** The rows of a file. */
export interface ParsedRows<F extends RowFormat> {
  readonly rows: readonly Row<F>[];
  /** Rows in which a text or a target is empty: left out, since there is nothing to compare. */
  readonly empty: readonly number[];
  /** Role -> name of the column that was taken for it. */
  readonly columns: Readonly<Record<string, string>>;
}

/** The roles that a format's columns play: what `columns` may name. */
export function rolesOf(format: RowFormat): string[] {
  return [...Object.keys(needed[format]), ...Object.keys(optional[format])];
}

/**
 * The rows of a text of JSON lines.
 * @param name of the file, for messages
 * @param columns role -> column, where the usual names do not serve
 * @throws ModelError "input" naming the rows that are not JSON objects, and those that lack a column or hold something
 *   else in it
 */
export function parseRows<F extends RowFormat>(
  format: F,
  text: string,
  name: string,
  columns: Readonly<Record<string, string>> = {},
): ParsedRows<F> {
  const lines = parseLines(text.replace(/^\uFEFF/, "").split("\n"));
  if (lines.bad.length > 0) throw unusable(name, lines.bad, LINES_ADVICE);
  if (lines.rows.length === 0) throw new ModelError("input", `${name} has no rows. Give it one JSON object a line.`);
  const { rows, bad, ...rest } = pickRows(formatRoles(format), lines.rows, lines.columns, name, columns);
  if (bad.length > 0) throw unusable(name, bad, COLUMNS_ADVICE);
  // The schema of the format has made exactly its rows; the compiler cannot follow the key.
  return { rows: rows as unknown as Row<F>[], ...rest };
}

/** The columns of rows: each role's usual column names, the likeliest first, and its permitted values. */
export interface Roles {
  readonly needed: Columns;
  readonly optional: Columns;
  readonly schema: RowSchema;
}

/** The roles of a format. */
export function formatRoles(format: RowFormat): Roles {
  return { needed: needed[format], optional: optional[format], schema: schemas[format] };
}

/**
 * Rows by their roles; those that lack a column or hold something else in it are bad.
 * @param named role -> column, where the usual names do not serve
 * @throws ModelError "input" where a column is missing, or no row can be used
 */
export function pickRows(
  { needed, optional, schema }: Roles,
  raw: readonly RawRow[],
  columns: readonly string[],
  name: string,
  named: Readonly<Record<string, string>>,
) {
  const chosen = chooseColumns(needed, optional, columns, name, named);
  const rows: (Readonly<Record<string, unknown>> & { readonly row: number; readonly source: string })[] = [];
  const empty: number[] = [];
  const bad: BadRow[] = [];
  for (const { row, value } of raw) {
    const picked = Object.fromEntries(
      Object.entries(chosen).map(([role, column]) => [role, value[column] ?? undefined]),
    );
    const result = schema.safeParse(picked);
    if (!result.success) {
      const [issue] = result.error.issues;
      const column = chosen[String(issue?.path[0])];
      bad.push({ row, what: `column "${column}": ${issue?.message}`, why: `, column "${column}": ${issue?.message}` });
    } else if (Object.keys(needed).some((role) => isEmpty(result.data[role]))) empty.push(row);
    else rows.push({ ...result.data, source: String(result.data["source"] ?? ""), row });
  }
  if (rows.length > 0) return { rows, empty, bad, columns: chosen };
  if (bad.length > 0) throw unusable(name, bad, COLUMNS_ADVICE);
  throw new ModelError("input", `${name}: in every row a text or its target is empty. Give rows that hold both.`);
}

/** Usual names of the column that holds a text. */
export const bodies = ["text", "document", "article", "content", "body", "input"];
const titles = ["title", "heading", "headline"];
/** Role -> the names its column usually has. */
export type Columns = Readonly<Record<string, readonly string[]>>;

/** Role -> the names its column usually has, the likeliest first. */
const needed: { readonly [F in RowFormat]: Columns } = {
  summarize: { text: bodies, summary: ["summary", "description", "highlights", "abstract", "target"] },
  title: { text: bodies, title: [...titles, "target"] },
  infill: { text: bodies },
  qa: {
    question: ["question", "query"],
    context: ["context", "passage", ...bodies],
    answers: ["answers", "answer", "target"],
  },
  classify: {
    text: ["text", "sentence", "utterance", "query", "input"],
    label: ["label", "category", "intent", "class", "target"],
  },
};
/** Usual names of the column that says where a row comes from. */
export const source = ["source", "id", "path", "url"];
const optional: { readonly [F in RowFormat]: Columns } = {
  summarize: { title: titles, extractive: ["extractive"], source },
  title: { source },
  infill: { source },
  qa: { source },
  classify: { source },
};

const otherwise = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => (input === undefined ? "there is nothing" : what),
});
/** A text. */
export const text = z.string(otherwise("this is not a text"));
/** A text, a number or a truth value, as a text. */
export const label = z.union(
  [text, z.number().transform(String), z.boolean().transform(String)],
  otherwise("this is not a label"),
);
const answers = z.union(
  [
    text.transform((answer) => [answer]),
    z.array(text),
    z.object({ text: z.array(text) }).transform((squad) => squad.text),
  ],
  otherwise('these are not answers: give a text, a list of texts, or {"text": [...]} as SQuAD does'),
);
const extractive = z.boolean(otherwise("this is neither true nor false")).optional();
const sourceName = label.optional();
/** Checks the roles of one row. */
export type RowSchema = z.ZodType<Record<string, unknown>>;
const schemas: { readonly [F in RowFormat]: RowSchema } = {
  summarize: z.object({ text, summary: text, title: text.default(""), extractive, source: sourceName }),
  title: z.object({ text, title: text, source: sourceName }),
  infill: z.object({ text, source: sourceName }),
  qa: z.object({ question: text, context: text, answers, source: sourceName }),
  classify: z.object({ text, label, source: sourceName }),
};

/** Role -> column: the one that was named, else the first usual name that a row has. */
function chooseColumns(
  needed: Columns,
  optional: Columns,
  columns: readonly string[],
  name: string,
  named: Readonly<Record<string, string>>,
): Record<string, string> {
  const present = new Set(columns);
  /** In the case that it is written in, else in any that one column has. */
  const columnNamed = (name: string) => {
    if (present.has(name)) return name;
    const alike = [...present].filter((column) => column.trim().toLowerCase() === name.toLowerCase());
    return alike.length === 1 ? alike[0] : undefined;
  };
  const has = `Its columns are ${columns.slice(0, MOST_LISTED).join(", ")}${columns.length > MOST_LISTED ? ", ..." : ""}.`;
  const chosen: Record<string, string> = {};
  for (const [role, usual] of Object.entries({ ...needed, ...optional })) {
    const wanted = named[role] === undefined ? usual : [named[role]];
    const column = wanted.map(columnNamed).find((name) => name !== undefined);
    if (column !== undefined) chosen[role] = column;
    else if (named[role] !== undefined) {
      throw new ModelError("input", `${name} has no column "${named[role]}" for the ${role}. ${has}`);
    } else if (needed[role] !== undefined) {
      throw new ModelError("input", `${name} has no column for the ${role}. ${has} Name it: --columns ${role}=COLUMN`);
    }
  }
  return chosen;
}

/** Columns that a message lists. */
const MOST_LISTED = 50;
const SHOWN = 5;
const COLUMNS_ADVICE = "Correct these rows, or name other columns with --columns.";
/** Advice on rows of JSON lines. */
export const LINES_ADVICE = 'Each line must be one object, such as {"text": "..."}.';

/** The error of a file whose rows cannot be used. */
export function unusable(name: string, bad: readonly BadRow[], advice: string): ModelError {
  const more = bad.length > SHOWN ? `; and ${bad.length - SHOWN} more` : "";
  const shown = bad.slice(0, SHOWN).map(({ row, why }) => `row ${row}${why}`);
  return new ModelError("input", `${name}: ${shown.join("; ")}${more}. ${advice}`);
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isEmpty) : typeof value === "string" && value.trim() === "";
}
