/** The measurement of a scaling law on a person's text, as it is stored: each text has one, in a folder of ours. */
import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as z from "zod";
import type { Fit } from "../../../protocol/runs.ts";
import { placesOf } from "../../catalog/store.ts";
import { readRegularText } from "../../files/regular-file.ts";
import { writeText } from "../run/results/trained-model.ts";

const estimate = z.object({ value: z.number(), low: z.number(), high: z.number() });
const term = z.object({ coefficient: z.number(), exponent: estimate });

const runSchema = z.object({
  shape: z.string(),
  /** Share of the text that it learns from. */
  share: z.number(),
  /** All parameters, and those that the law counts. */
  parameters: z.number(),
  size: z.number(),
  /** Tokens of its text, each counted once. */
  text: z.number(),
  /** `tokens` seen so far, both sides; `loss` on examples kept out, in nats a token, the best so far. */
  points: z.array(z.object({ step: z.number(), tokens: z.number(), loss: z.number() })),
  processorSeconds: z.number(),
  done: z.boolean(),
});

const measurementSchema = z.object({
  version: z.literal(1),
  /** The folder or file that was measured. */
  data: z.string(),
  /** A key for all that a run depends on: the text, the vocabulary and the settings. */
  key: z.string(),
  bytes: z.number(),
  runs: z.array(runSchema),
  /** Absent until all runs are done. */
  law: z
    .object({
      parameters: term,
      tokens: term,
      text: term,
      /** Root mean square of measured loss / the law's - 1. */
      error: z.number(),
    })
    .exactOptional(),
  predictions: z
    .array(
      z.object({
        shape: z.string(),
        parameters: z.number(),
        size: z.number(),
        hours: z.number(),
        /** How much more text. */
        times: z.number(),
        loss: estimate,
      }),
    )
    .exactOptional(),
  /** The smallest shape whose predicted loss is within 1% of the best one's after so many hours. */
  enough: z
    .object({ shape: z.string(), parameters: z.number(), hours: z.number(), loss: estimate, measured: z.boolean() })
    .exactOptional(),
});

/** A run of a measurement. */
export type MeasuredRun = z.output<typeof runSchema>;
/** A measurement, finished or not. */
export type Measurement = z.output<typeof measurementSchema>;

/** The folder of a text's measurement; hidden, so that it is not listed among the models beside it. */
export async function measurementFolder(data: string): Promise<string> {
  const path = await realpath(data).catch(() => resolve(data));
  return join(placesOf().own, ".scaling", createHash("sha256").update(path).digest("hex").slice(0, 16));
}

/** Where a measurement's result is in its folder. */
export const resultFile = (folder: string): string => join(folder, "scaling.json");

/** The measurement in a folder; undefined where there is none that this version can read. */
export async function readMeasurement(folder: string): Promise<Measurement | undefined> {
  try {
    return measurementSchema.parse(JSON.parse(await readRegularText(resultFile(folder))));
  } catch {
    return undefined; // none, or of another version: it is measured anew
  }
}

/** Writes a measurement, whole or not at all. */
export async function writeMeasurement(folder: string, measurement: Measurement): Promise<void> {
  await writeText(resultFile(folder), `${JSON.stringify(measurement, null, 2)}\n`);
}

/** The shape that is enough for a text, where that was measured. */
export async function scalingAdvice(data: string): Promise<Fit["enough"]> {
  const measurement = await readMeasurement(await measurementFolder(data));
  if (measurement?.enough === undefined) return undefined;
  const { shape, parameters, hours } = measurement.enough;
  return { bytes: measurement.bytes, shape, parameters, hours };
}
