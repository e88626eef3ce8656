/** What was measured of models on this machine, kept beside the models. */
import { join, resolve } from "node:path";
import { z } from "zod";
import { readJson, writeAtomically } from "../files/whole-file.ts";
import { resolveModel } from "./installed.ts";
import type { Places } from "./store.ts";

/** One kept measurement: the newest of a model in a precision on a device. */
export type KeptMeasurement = z.output<typeof measurement>;

/** All that were kept and are measured as today's are; none where there is no file, or one that cannot be read. */
export async function readMeasurements(places: Places): Promise<KeptMeasurement[]> {
  const entries = z.array(z.unknown()).safeParse(await readJson(file(places), "config").catch(() => []));
  return (entries.data ?? []).flatMap((entry) => {
    const parsed = keptEntry.safeParse(entry);
    if (!parsed.success) return [];
    const { method: _, ...made } = parsed.data;
    return [made];
  });
}

/** Those of the model in a folder, whatever it was called. */
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

/** Keeps a measurement in place of an earlier one of the same kind. */
export async function keepMeasurement(places: Places, made: KeptMeasurement): Promise<void> {
  const others = (await readMeasurements(places)).filter(
    ({ id, precision, device }) => id !== made.id || precision !== made.precision || device !== made.device,
  );
  const entries = [...others, made].map((one) => ({ ...one, method: METHOD }));
  await writeAtomically(file(places), (handle) => handle.writeFile(`${JSON.stringify(entries)}\n`));
}

function file({ own }: Places): string {
  return join(own, "..", "measurements.json");
}

const positive = z.number().nonnegative();
const measurement = z.object({
  id: z.string(),
  precision: z.enum(["int8", "float32"]),
  device: z.enum(["cpu", "webgpu", "dml", "coreml", "cuda"]),
  loadMs: positive,
  firstTokenMs: positive,
  tokensPerSecond: positive,
  memoryBytes: positive.exactOptional(),
  at: z.string(),
});

/** How `measureModel` measures. Raised when its times can no longer be compared with older ones: before 2 they left out the encoder. */
const METHOD = 2;
const keptEntry = measurement.extend({ method: z.literal(METHOD) });
