/** Finds the file of a model folder that holds its weights. */
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod";
import { reason } from "../../../base/reason.ts";
import { checkpointFormats, formatOf } from "../../../models/checkpoint/formats.ts";
import { malformed } from "../../../models/checkpoint/tensor.ts";
import { ModelError } from "../../../models/errors.ts";
import { isMissing, readJson } from "../../files/whole-file.ts";
import { INT8_FILE, isGgufFile, mayHoldWeights } from "./model-files.ts";
import { openSource } from "./source.ts";

/**
 * Finds a folder's published weights, or the index of their shards. Formats are recognized by content; the order of
 * {@link checkpointFormats} and then the usual names decide.
 * @param directory a folder, or a GGUF file
 * @returns a path; if nothing is readable, that of a file with a usual name; undefined if there is none either
 * @throws ModelError "config" when the folder does not exist; "checkpoint" when several files qualify, or an index is
 * malformed
 */
export async function findWeights(directory: string): Promise<string | undefined> {
  if (isGgufFile(directory)) return directory;
  const names = (await listFolder(directory)).filter((name) => name !== INT8_FILE && mayHoldWeights(name));
  if (names.includes(SINGLE)) return join(directory, SINGLE);
  const candidates: Candidate[] = [];
  const shards = new Set<string>();
  for (const name of names.filter(isShardIndex)) {
    const path = join(directory, name);
    const files = Object.values(await readShardIndex(path));
    for (const file of files) shards.add(file);
    candidates.push({ path, rank: await rank(name, join(directory, files[0] ?? "")) });
  }
  for (const name of names) {
    const path = join(directory, name);
    if (!name.endsWith(".json") && !shards.has(name)) candidates.push({ path, rank: await rank(name, path) });
  }
  const [best, next] = candidates.filter(({ rank }) => rank < UNUSABLE).toSorted((a, b) => a.rank - b.rank);
  if (best === undefined || best.rank !== next?.rank) return best?.path;
  const [, stem, ending] = SHARD.exec(basename(best.path)) ?? [];
  if (stem !== undefined && SHARD.exec(basename(next.path))?.[1] === stem)
    throw new ModelError(
      "checkpoint",
      `${directory} contains shards of weights (${basename(best.path)}) without their index. Put ${stem}.${ending}.index.json of the model's repository beside them.`,
    );
  throw new ModelError(
    "checkpoint",
    `${directory} contains several sets of weights, among them ${basename(best.path)} and ${basename(next.path)}. Keep one.`,
  );
}

/** Whether a file's name is that of a shard index. */
export function isShardIndex(path: string): boolean {
  return path.endsWith(".index.json");
}

/**
 * Reads a shard index.
 * @returns tensor name -> name of a file in the same folder
 * @throws ModelError "checkpoint" when it is malformed, or names files elsewhere
 */
export async function readShardIndex(path: string): Promise<Readonly<Record<string, string>>> {
  const parsed = indexSchema.safeParse(await readJson(path, "checkpoint"));
  if (!parsed.success) throw malformed(path, 'has no "weight_map" of names', parsed.error);
  for (const [name, shard] of Object.entries(parsed.data.weight_map)) {
    if (shard === basename(shard) && !/^\.|\\/.test(shard)) continue;
    throw new ModelError("checkpoint", `${path} places ${name} in "${shard}", which is not a file in this folder.`);
  }
  return parsed.data.weight_map;
}

/**
 * The names in a folder; none for a GGUF file.
 * @throws ModelError "config" when it is not a folder
 */
export async function listFolder(directory: string): Promise<string[]> {
  if (isGgufFile(directory)) return [];
  try {
    return (await readdir(directory)).toSorted();
  } catch (cause) {
    const what = isMissing(cause) ? "is not a folder" : `cannot be read (${reason(cause)})`;
    throw new ModelError("config", `${directory} ${what}. Give the folder of a model.`, { cause });
  }
}

interface Candidate {
  readonly path: string;
  /** The candidate with the lowest rank wins. */
  readonly rank: number;
}

const SINGLE = "model.safetensors";
/** The names that libraries give to weights, single or sharded. */
const USUAL = /^(model|pytorch_model|flax_model|tf_model)\.(safetensors|bin|msgpack|h5)(\.index\.json)?$/;
/** A shard's name: stem and ending. */
const SHARD = /^(.+)-\d+-of-\d+\.(\w+)$/;
const UNUSABLE = Number.POSITIVE_INFINITY;

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * The rank of a candidate.
 * @param content the file that shows the format: the candidate itself, or an index's first shard
 */
async function rank(name: string, content: string): Promise<number> {
  const usual = USUAL.test(name);
  try {
    const format = await formatOf(await openSource(content));
    if (format !== undefined) return 2 * checkpointFormats.indexOf(format) + (usual ? 0 : 1);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
  }
  return usual ? 2 * checkpointFormats.length : UNUSABLE; // opening it then reports what is wrong
}
