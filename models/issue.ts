/** Describes a schema's complaint for people: the field and what is wrong with it, on one line. */
import type * as z from "zod";
import { table } from "../base/table.ts";

/** The first issue of a file or answer that a schema refused, such as `"languages.0" has an invalid value`. */
export function firstIssue({ issues }: { readonly issues: readonly z.core.$ZodIssue[] }): string {
  const [issue] = issues;
  const place = issue?.path.map(String).join(".") ?? "";
  const field = place === "" ? "its content" : JSON.stringify(place);
  if (issue?.code === "unrecognized_keys") return `${JSON.stringify(issue.keys[0])} is not a known field`;
  if (issue?.code === "invalid_type") return `${field} must be ${WORDS[issue.expected] ?? issue.expected}`;
  if (issue?.code === "too_small" && typeof issue.minimum === "number" && NUMBERS.includes(issue.origin))
    return `${field} must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`;
  if (issue?.code === "too_big" && NUMBERS.includes(issue.origin)) return `${field} must be at most ${issue.maximum}`;
  return `${field} has an invalid value`;
}

const WORDS: Readonly<Record<string, string>> = table({
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "an object",
  record: "an object",
});

const NUMBERS: readonly string[] = ["number", "int"];
