/**
 * Checks the arguments of commands. A schema that lacks a field of `protocol/commands.ts`, or has it as another type,
 * does not compile.
 */
import * as z from "zod";
import type { CommandName, Commands } from "../../../protocol/commands.ts";
import { fillGapsInTextSchema, summarizeTextSchema } from "../../../protocol/tools.ts";

const position = z.object({ line: z.int().nonnegative(), character: z.int().nonnegative() });
const range = z.object({ start: position, end: position });
const document = { uri: z.string(), version: z.int(), edition: z.string().optional() };
const part = { ...document, range: range.optional() };
const show = z.boolean().default(false);
const apply = z.boolean().default(false);
const nothing = z.object({});

/** The arguments' schemas by the commands' names. */
export const ARGUMENTS = {
  summarizeRange: z.object({
    ...part,
    version: document.version.optional(),
    style: z.enum(["sentence", "paragraph", "bullets", "title"]).optional(),
    show,
  }),
  summarizeText: summarizeTextSchema,
  summarizeFolder: z.object({ uri: z.string() }),
  forgetSummaries: nothing,
  fillGaps: z.object({ ...part, apply, annotate: z.boolean().default(false) }),
  fillGapsInText: fillGapsInTextSchema,
  rephrase: z.object({ ...document, range, count: z.int().min(1).max(20).default(5), apply }),
  writeField: z.object({
    ...document,
    field: z.enum(["title", "description"]),
    value: z.string().trim().min(1).optional(),
    apply,
  }),
  continueHere: z.object({ ...document, position }),
  continueText: z.object({
    uri: z.string(),
    text: z.string(),
    offset: z.int().nonnegative(),
    explicit: z.boolean(),
  }),
  explainSuggestion: z.object({ uri: z.string(), position }),
  askRange: z.object({ ...part, question: z.string().trim().min(1).max(2000), show }),
  classifyRange: z.object({ ...part, labels: z.array(z.string().trim().min(1)).min(2).optional(), show }),
  freeModelMemory: nothing,
  restartEngine: nothing,
  status: nothing,
} satisfies { readonly [Name in CommandName]: SchemaOf<Commands[Name]["arguments"]> };

/** A command's arguments once they are checked, with what is absent filled in. */
export type CheckedArguments = { readonly [Name in CommandName]: z.output<(typeof ARGUMENTS)[Name]> };

/** A schema for each field, and nothing taken that is not declared. */
type SchemaOf<T> = z.ZodObject<{ readonly [Key in keyof T]: z.ZodType }> &
  z.ZodType<unknown, { readonly [Key in keyof T]: T[Key] | undefined }>;
