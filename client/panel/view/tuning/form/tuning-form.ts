/** The form of a new run: what a person typed, and the request that it makes or what is wrong with it. */
import type { RunRequest } from "../../../../../protocol/runs.ts";
import { t } from "../../ui/texts.ts";
import { SETTINGS, type Setting } from "./tuning-settings.ts";
import { tuningTask } from "./tuning-tasks.ts";

/** What a person typed; an empty text stands for what is decided without them. */
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

/** What a form makes: a request, or what is wrong by the field's name. */
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
  const template = form.values["template"] ?? "";
  if (form.task === "text" && template !== "") request["template"] = template;
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

/** Whether a setting does anything with the method that is set; where none is, any may be taken. */
export function applies({ only }: Setting, form: Form): boolean {
  const method = form.values["method"] ?? "";
  return only === undefined || method === "" || only === method;
}

/** What is wrong with a setting, for a person. */
export function problemOf({ input }: Setting, typed: string): string | undefined {
  if (input.kind === "choice") return undefined;
  if (input.kind === "text") return typed.length > input.most ? t("At most {0} characters.", input.most) : undefined;
  const { min, max, aboveMin, belowMax, whole } = input;
  const value = Number(typed);
  if (Number.isNaN(value)) return t("This is no number.");
  if (whole && !Number.isInteger(value)) return t("Give a whole number.");
  if (aboveMin ? value <= min : value < min) {
    return aboveMin ? t("Give more than {0}.", min) : t("Give {0} or more.", min);
  }
  if (belowMax ? value >= max : value > max) {
    return belowMax ? t("Give less than {0}.", max) : t("Give {0} or less.", max);
  }
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
  const textOf = (request: RunRequest, name: string) => {
    const value = Object.entries(request).find(([key]) => key === name)?.[1];
    return value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.map((name) => [name, textOf(a, name), textOf(b, name)] as const).filter(([, x, y]) => x !== y);
}

/** A setting's name for a person. */
export function settingTitle(name: string): string {
  const others: Readonly<Record<string, string>> = {
    task: t("Task"),
    data: t("Data"),
    base: t("Base model"),
    columns: t("Columns"),
    template: t("Template"),
  };
  return others[name] ?? SETTINGS.find((setting) => setting.name === name)?.title ?? name;
}

/** The last part of a path. */
export function lastPart(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== "") ?? "";
}

function typedValue({ name, input }: Setting, typed: string): unknown {
  if (input.kind === "number") return Number(typed);
  return name === "freezeEmbedding" || name === "checkpointing" ? typed === "true" : typed;
}
