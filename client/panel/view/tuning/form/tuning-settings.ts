/** The settings of a run in the form, made from the table of a request's fields. */
import type { Field, FormPlace } from "../../../../../protocol/field.ts";
import { FIELDS, type FieldName } from "../../../../../protocol/train-fields.ts";
import { t, translated } from "../../ui/texts.ts";

/** A field of the form's last step. */
export interface Setting extends Field, FormPlace {
  readonly name: FieldName;
}

/** All of them, in the order of the form. */
export const SETTINGS: readonly Setting[] = ["main", "data", "method", "learning"].flatMap((group) =>
  FIELDS.flatMap(([name, field]) => (field.form?.group === group ? [{ name, ...field, ...field.form }] : [])),
);

/** The field of a name. */
export function fieldOf(name: string): Field | undefined {
  return new Map<string, Field>(FIELDS).get(name);
}

/** The text that stands in an empty field: the value that is taken then. */
export function placeholder({ default: value, otherwise = "" }: Setting): string {
  return String(value ?? translated(otherwise));
}

/** The choices of a field; the empty value leaves the choice to the run. Undefined for a field that is typed into. */
export function optionsOf({ type, default: value, choices = {} }: Setting) {
  const automatic = { value: "", text: t("automatic") };
  if (type.kind === "switch") return [automatic, { value: "true", text: t("yes") }, { value: "false", text: t("no") }];
  if (type.kind !== "choice") return undefined;
  const named = type.choices.map((choice) => ({
    value: choice === value ? "" : choice,
    text: translated(choices[choice] ?? choice),
  }));
  return value === undefined ? [automatic, ...named] : named;
}
