/** Measurements of models on this machine, stored next to the models. */
import { join, resolve } from "node:path";
import * as z from "zod";
import { inTurn } from "../files/lock.ts";
import { readJson, writeAtomically } from "../files/whole-file.ts";
import { resolveModel } from "./installed.ts";
import type { Places } from "./store.ts";

/** A stored measurement: the latest of a model in one precision on one device. */
export type KeptMeasurement = z.output<typeof measurement>;

/** The stored measurements that are comparable with today's; empty if there is no readable file. */
export async function readMeasurements(places: Places): Promise<KeptMeasurement[]> {
  return (await readEntries(places)).flatMap((entry) => {
    const parsed = keptEntry.safeParse(entry);
    if (!parsed.success) return [];
    const { method: _, ...values } = parsed.data;
    return [values];
  });
}

async function readEntries(places: Places): Promise<readonly unknown[]> {
  return z.array(z.unknown()).safeParse(await readJson(file(places), "config").catch(() => [])).data ?? [];
}

/** The measurements of the model in a folder, under any of its names. */
export async function measurementsOf(places: Places, directory: string): Promise<KeptMeasurement[]> {
  const isThere = (id: string) => {
    try {
      return resolve(resolveModel(id)) === resolve(directory);
    } catch {
      return false; // it was removed since
    }
  };
  return (await readMeasurements(places)).filter(({ id }) => isThere(id));
}

/** Stores a measurement, replacing an earlier one of the same kind. Those of other versions stay. */
export async function keepMeasurement(places: Places, latest: KeptMeasurement): Promise<void> {
  await inTurn(file(places), async () => {
    const others = (await readEntries(places)).filter((entry) => {
      const { success, data } = anyEntry.safeParse(entry);
      if (!success) return false;
      const isSame = (["id", "precision", "device"] as const).every((name) => data[name] === latest[name]);
      return !isSame || data.method > METHOD;
    });
    const entries = [...others, { ...latest, method: METHOD }];
    await writeAtomically(file(places), (handle) => handle.writeFile(`${JSON.stringify(entries)}\n`));
  });
}

function file({ own }: Places): string {
  return join(own, "..", "measurements.json");
}

const positive = z.number().nonnegative();
const measurement = z.object({
  id: z.string(),
  precision: z.enum(["int8", "float32"]),
  device: z.enum(["cpu", "webgpu", "dml", "coreml", "cuda", "server"]),
  loadMs: positive,
  firstTokenMs: positive,
  tokensPerSecond: positive,
  memoryBytes: positive.exactOptional(),
  at: z.string(),
});

/**
 * Version of `measureModel`'s method; raised when new times are not comparable with older ones. Version 1 omitted the
 * encoder.
 */
const METHOD = 2;
const keptEntry = measurement.extend({ method: z.literal(METHOD) });
/** An entry of any version. */
const anyEntry = z.object({ id: z.string(), precision: z.string(), device: z.string(), method: z.number().default(1) });
