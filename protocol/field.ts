/** The description of a field that a person fills in: on the command line, in a form, or in a file of JSON. */

/** The values that a field takes. */
export type FieldType =
  | NumberType
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  /** `least` and `most` characters. */
  | { readonly kind: "text"; readonly least: number; readonly most: number }
  | { readonly kind: "switch" }
  | { readonly kind: "names" }
  /** Role -> column. */
  | { readonly kind: "columns" };

/** The numbers from `least` to `most`. */
export interface NumberType {
  readonly kind: "number";
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
  /** Whether the bounds themselves are left out. */
  readonly above?: boolean;
  readonly below?: boolean;
}

/** A field. Its texts are English; the panel's page translates those that it shows. */
export interface Field {
  readonly type: FieldType;
  readonly required?: true;
  readonly default?: unknown;
  /** The value to use if none is given and there is no default. */
  readonly otherwise?: string;
  /** Absent where the command line does not offer the field. */
  readonly flag?: Flag;
  /** Absent where the panel does not offer the field. */
  readonly form?: FormPlace;
  /** The choices in words. */
  readonly choices?: Readonly<Record<string, string>>;
  /** The only method of training that has the field. */
  readonly only?: "full" | "lora" | "bottleneck" | "prompt";
  /** The only task that has the field. */
  readonly onlyTask?: "infill";
  /** Whether `spanfill data check` takes it too. */
  readonly ofData?: true;
  /**
   * Whether it may change when a stopped run goes on: no learned step depends on it, and another machine has other
   * cores and memory.
   */
  readonly ofMachine?: true;
}

/** A field's flag on the command line. */
export interface Flag {
  /** The flag as commander takes it: `-t, --task <task>`. */
  readonly names: string;
  /** The line of help, without the default. */
  readonly help: string;
  /** The text that the help shows as the default of a field without one, if it differs from the panel's. */
  readonly otherwise?: string | undefined;
}

/** A field in the panel's form, with its label and the sentence below. */
export interface FormPlace {
  readonly group: FieldGroup;
  readonly label: string;
  readonly help?: string | undefined;
}

/**
 * A part of the panel's form. Fields of `steps` have a separate place in it; all but `main` are in a collapsed section.
 */
export type FieldGroup = "steps" | "main" | "data" | "method" | "learning";

/** Whole numbers. */
export const whole = (least: number, most: number) => ({ kind: "number", least, most, whole: true }) as const;

/** Numbers. */
export const number = (least: number, most: number) => ({ kind: "number", least, most }) as const;

/** Texts of at least so many characters, and of no more than any path or input of a model has. */
export const text = (least: number) => ({ kind: "text", least, most: 10_000 }) as const;

/** Shares, from 0 to below 1. */
export const share = { ...number(0, 1), below: true } as const;

/** Yes or no. */
export const yesNo = { kind: "switch" } as const;

/** One of some names. */
export const choice = <const C extends readonly string[]>(...choices: C) => ({ kind: "choice", choices }) as const;

/** Describes a flag. */
export const flag = (names: string, help: string, otherwise?: string): Flag => ({ names, help, otherwise });

/** Places a field in a part of the panel's form. */
export const formOf =
  (group: FieldGroup) =>
  (label: string, help?: string): FormPlace => ({ group, label, help });

/** Marks an English text for translation: scripts/l10n.mjs collects it, the page looks it up. */
export function t(english: string): string {
  return english;
}

/** How a number misses its range, if it does. */
export function numberProblem(
  { least, most, whole, above, below }: NumberType,
  value: number,
): "kind" | "low" | "high" | undefined {
  if (!(whole ? Number.isSafeInteger : Number.isFinite)(value)) return "kind";
  if (above ? value <= least : value < least) return "low";
  return (below ? value >= most : value > most) ? "high" : undefined;
}

/** A sentence that tells what a field takes. */
export function wantedInWords(type: FieldType): string {
  switch (type.kind) {
    case "number": {
      const { least, most, whole, above, below } = type;
      if (whole) return `Use a whole number from ${least} to ${most}.`;
      const end = below ? ` and below ${most}` : most === Number.MAX_VALUE ? "" : ` and at most ${most}`;
      return `Use a number ${above ? "above" : "of at least"} ${least}${end}.`;
    }
    case "choice":
      return `Use one of ${type.choices.join(", ")}.`;
    case "text":
      return `Use a text of ${type.least === 0 ? "at most" : `${type.least} to`} ${type.most} characters.`;
    case "switch":
      return "Use true or false.";
    case "names":
      return "Use a list of names.";
    case "columns":
      return 'Use an object of columns by their roles, such as {"text": "body"}.';
  }
}
