/** A training run's request as zod schemas, made from the table of its fields. */
import * as z from "zod";
import { type FieldType, numberProblem, wantedInWords } from "./field.ts";
import { FIELDS, type FieldName, type TRAIN_FIELDS } from "./train-fields.ts";

type Fields = typeof TRAIN_FIELDS;

/** The value of a type of field. */
type ValueOf<T> = T extends { readonly kind: "choice"; readonly choices: readonly (infer Choice)[] }
  ? Choice
  : T extends { readonly kind: infer Kind extends FieldType["kind"] }
    ? {
        readonly number: number;
        readonly choice: string;
        readonly text: string;
        readonly switch: boolean;
        readonly names: readonly string[];
        readonly columns: Readonly<Record<string, string>>;
      }[Kind]
    : never;

type Values<Always extends FieldName, Sometimes extends FieldName> = {
  readonly [N in Always]: ValueOf<Fields[N]["type"]>;
} & { readonly [N in Exclude<Sometimes, Always>]?: ValueOf<Fields[N]["type"]> };

type Having<Part> = { [N in FieldName]: Fields[N] extends Part ? N : never }[FieldName];

/**
 * A training request with all defaults filled in; the task, the method or the machine decides what is still absent.
 */
export type TrainRequest = Values<Having<{ required: true }> | Having<{ default: unknown }>, FieldName>;

/** A training request as a person or a file gives it. */
export type TrainRequestInput = Values<Having<{ required: true }>, FieldName>;

/**
 * A training request as the panel makes it: defaults are left out, so that they stay apart from what a person chose.
 */
export type RunRequest = Values<Having<{ required: true }> | "base", Having<{ form: object }>>;

/** The fields that `spanfill data check` reads. */
export type CheckRequest = Pick<TrainRequest, Having<{ ofData: true }> | "validationShare" | "seed">;

const filledIn = Object.fromEntries(
  FIELDS.map(([name, { type, required, default: value }]) => {
    const schema = schemaOf(type);
    return [name, required ? schema : value === undefined ? schema.exactOptional() : schema.default(value)];
  }),
);

/** Fills the defaults in. Fields that it does not know are left out: a later version may have written them. */
export const trainRequestSchema = z.object(filledIn) as unknown as z.ZodType<TrainRequest, TrainRequestInput>;

/** The same for a request that a person wrote, in which an unknown field is a mistake. */
export const writtenRequestSchema = z.strictObject(filledIn, {
  error: ({ code, keys }) =>
    code === "unrecognized_keys"
      ? `There is no field ${quoted(keys)}. The fields are ${Object.keys(filledIn).join(", ")}.`
      : "Write an object with the fields of a request.",
}) as unknown as z.ZodType<TrainRequest, TrainRequestInput>;

/** Checks a request of the panel. */
export const runRequestSchema = z.object(
  Object.fromEntries(
    FIELDS.filter(([, { form }]) => form !== undefined).map(([name, { type, required }]) => {
      const schema = schemaOf(type);
      return [name, required || name === "base" ? schema : schema.exactOptional()];
    }),
  ),
) as unknown as z.ZodType<RunRequest>;

/** Tells which fields of a request are wrong and what to write instead. */
export function wrongFields({ issues }: z.ZodError): string {
  return issues
    .map(({ path, message }) => (path.length === 0 ? message : `Field ${quoted([path.join(".")])}: ${message}`))
    .join(" ");
}

function schemaOf(type: FieldType): z.ZodType {
  const error = wantedInWords(type);
  switch (type.kind) {
    case "number":
      return z.number({ error }).refine((value) => numberProblem(type, value) === undefined, { error });
    case "choice":
      return z.enum(type.choices, { error });
    case "text":
      return z.string({ error }).min(type.least, { error }).max(type.most, { error });
    case "switch":
      return z.boolean({ error });
    case "names":
      return z.array(z.string({ error }), { error });
    case "columns":
      return z.record(z.string(), z.string({ error }), { error });
  }
}

function quoted(names: unknown): string {
  return Array.isArray(names) ? names.map((name) => JSON.stringify(name)).join(", ") : "";
}
