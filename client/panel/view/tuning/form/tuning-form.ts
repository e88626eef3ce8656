/** The form of a new run: what a person typed, and the request that it makes or what is wrong with it. */
import { numberProblem } from "../../../../../protocol/field.ts";
import type { RunRequest } from "../../../../../protocol/train-request.ts";
import { t, translated } from "../../ui/texts.ts";
import { fieldOf, SETTINGS, type Setting } from "./tuning-settings.ts";
import { tuningTask } from "./tuning-tasks.ts";

/** The typed values; an empty text leaves the decision to the advisor. */
export interface Form {
  readonly task: string;
  readonly data: string;
  /** Empty: the built-in model. */
  readonly base: string;
  /** Empty: {@link suggestedTitle}. */
  readonly title: string;
  /** Role -> column. */
  readonly columns: Readonly<Record<string, string>>;
  /** By the setting's name, and `template`. */
  readonly values: Readonly<Record<string, string>>;
}

/** A form that nobody touched. */
export const EMPTY_FORM: Form = { task: "summarize", data: "", base: "", title: "", columns: {}, values: {} };

/** A form's result: a request, or the problems by field. */
export type Filled =
  | { readonly request: RunRequest; readonly title: string; readonly problems?: undefined }
  | { readonly request?: undefined; readonly title: string; readonly problems: Readonly<Record<string, string>> };

/** The request of a form. @param builtIn id of the model that an empty base stands for */
export function filled(form: Form, builtIn: string): Filled {
  const problems: Record<string, string> = {};
  const request: Record<string, unknown> = { task: form.task, data: form.data.trim(), base: form.base || builtIn };
  if (request["data"] === "") problems["data"] = t("Pick a file or a folder, or type its path.");
  if (request["base"] === "") problems["base"] = t("Pick a model.");
  if (form.title.length > 100) problems["title"] = t("At most {0} characters.", 100);
  const roles = tuningTask(form.task)?.roles ?? [];
  const columns = Object.entries(form.columns).filter(([role, column]) => roles.includes(role) && column !== "");
  if (columns.length > 0) request["columns"] = Object.fromEntries(columns);
  const { template } = form.values;
  if (form.task === "text" && template) request["template"] = template;
  for (const setting of SETTINGS) {
    const typed = form.values[setting.name] ?? "";
    if (typed.trim() === "" || !applies(setting, form)) continue;
    const problem = problemOf(setting, typed);
    if (problem === undefined) request[setting.name] = typedValue(setting, typed);
    else problems[setting.name] = problem;
  }
  const title = form.title.trim() || suggestedTitle(form);
  if (Object.keys(problems).length > 0) return { title, problems };
  // A test holds each field to the request's own schema.
  return { title, request: request as RunRequest };
}

/** Whether a setting does anything with the task and the method that is set; where none is, any may be taken. */
export function applies({ only, onlyTask }: Setting, { task, values: { method } }: Form): boolean {
  if (onlyTask !== undefined && onlyTask !== task) return false;
  return only === undefined || !method || only === method;
}

/** The message about a setting's invalid value. */
export function problemOf({ type }: Setting, typed: string): string | undefined {
  if (type.kind === "text") return typed.length > type.most ? t("At most {0} characters.", type.most) : undefined;
  if (type.kind !== "number") return undefined;
  const { least, most, whole, above, below } = type;
  const problem = numberProblem(type, Number(typed));
  if (problem === "kind") return whole ? t("Enter a whole number.") : t("Enter a number.");
  if (problem === "low") return above ? t("Enter more than {0}.", least) : t("Enter {0} or more.", least);
  if (problem === "high") return below ? t("Enter less than {0}.", most) : t("Enter {0} or less.", most);
  return undefined;
}

/** A name for the model, of the task and the data. */
export function suggestedTitle({ task, data }: Form): string {
  const name = lastPart(data)
    .replace(/\.(jsonl?|csv|tsv|parquet|txt|md)(\.\w+)?$/i, "")
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
  return `${task}${name === "" ? "" : `-${name}`}`.slice(0, 60);
}

/** A form that makes a request again. */
export function formOf(request: RunRequest, title: string): Form {
  const { task, data, base, columns = {}, ...rest } = request;
  const values = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)]));
  return { task, data, base, title, columns, values };
}

/** The settings in which two requests differ: name, and what each has (empty: nothing). */
export function differences(a: RunRequest, b: RunRequest): readonly (readonly [name: string, a: string, b: string])[] {
  const textOf = (request: Readonly<Record<string, unknown>>, name: string) => {
    const value = request[name];
    return typeof value === "object" ? JSON.stringify(value) : String(value ?? "");
  };
  return Object.keys({ ...a, ...b })
    .map((name) => [name, textOf(a, name), textOf(b, name)] as const)
    .filter(([, x, y]) => x !== y);
}

/** A setting's name for a person. */
export function settingTitle(name: string): string {
  return translated(fieldOf(name)?.form?.label ?? name);
}

/** The last part of a path. */
export function lastPart(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== "") ?? "";
}

function typedValue({ type }: Setting, typed: string): unknown {
  if (type.kind === "number") return Number(typed);
  return type.kind === "switch" ? typed === "true" : typed;
}
