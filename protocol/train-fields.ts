/**
 * The fields of a training request, each described once. The zod schemas (train-request.ts), the flags of the command
 * line and their help, the panel's form and the benchmark's defaults are all made from this table. It is free of zod
 * because the panel's page imports it; esbuild.mjs leaves out of the client's bundles what they do not read.
 */
import type { Field } from "./field.ts";
import { CLUSTER_FIELDS } from "./train-fields/cluster.ts";
import { LEARNING_FIELDS } from "./train-fields/learning.ts";
import { LIMIT_FIELDS } from "./train-fields/limits.ts";
import { TASK_FIELDS } from "./train-fields/task.ts";

/** All fields, in the order of the command line's help. */
export const TRAIN_FIELDS = {
  ...TASK_FIELDS,
  ...LEARNING_FIELDS,
  ...LIMIT_FIELDS,
  ...CLUSTER_FIELDS,
} as const satisfies Readonly<Record<string, Field>>;

/** A field's name. */
export type FieldName = keyof typeof TRAIN_FIELDS;

/** The fields, by name. */
export const FIELDS: readonly (readonly [name: FieldName, field: Field])[] = Object.entries(TRAIN_FIELDS) as [
  FieldName,
  Field,
][];
