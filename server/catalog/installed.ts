/** Which models there are on this machine: the built-in ones by name, any other by its folder; and what each amounts to. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join, posix, resolve, win32 } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";
import { type Calibration, calibrationSchema } from "./folder/calibration.ts";
import { listFolder } from "./folder/find.ts";
import { openModel } from "./folder/open.ts";
import { saysShape } from "./folder/shape.ts";
import { sha256Of } from "./folder/sums.ts";
import { type ShapeAccount, shapeAccount } from "./shape-account.ts";
import { keptDirectory, nameOfFolder } from "./store.ts";

/** What a model was trained to see before an input, by task. */
export interface TaskPrefixes {
  readonly summarize?: string;
  readonly title?: string;
  readonly infill?: string;
  readonly classify?: string;
  readonly qa?: string;
  readonly [task: string]: string | undefined;
}

/** What a model folder says of itself beyond config.json, in the optional file `spanfill.json`. */
export interface ModelManifest {
  /** The name the model is known by; the folder's name when the file is absent. */
  readonly id: string;
  readonly prefixes: TaskPrefixes;
  /** The labels that the model was taught to give texts. */
  readonly labels?: readonly string[];
  /** File name -> SHA-256 in hexadecimal, as the file should be. */
  readonly sha256: Readonly<Record<string, string>>;
  /** What the model's likelihoods mean, as `spanfill calibrate` found; empty where nobody measured. */
  readonly calibration: Calibration;
  /** ISO 639-1 codes of the languages that the model knows; English when the file does not say. */
  readonly languages: readonly string[];
}

/** How a model decodes best, as its makers measured, from the optional file `decoding.json`. */
export interface ModelDecoding {
  /** How many of the most frequent tokens are enough to choose from. */
  readonly shortlist?: number;
  readonly summary?: Writing;
  readonly title?: Writing;
  readonly fill?: {
    /** Weight of the word pairs' log probability beside the model's own where a gap holds one English word. @see word-pairs.ts */
    readonly wordPairs?: number;
  };
  /** Token ids, most frequent first in text such as the model writes. */
  readonly frequent: readonly number[];
}

/** How a model writes one kind of text. */
export interface Writing {
  /** 1 (greedy) when absent. */
  readonly beams?: number;
  /** How much it favours what goes on as the source does. @see server/engine/search/copying.ts */
  readonly copyBias?: { readonly anywhere?: number; readonly afterOne?: number; readonly afterTwo?: number };
}

/** What `spanfill info` tells of a model. */
export interface ModelAccount extends ShapeAccount {
  readonly id: string;
  readonly directory: string;
  /** Whether the weights are as published or quantized by us. */
  readonly weights: "float" | "int8";
  readonly calibration: Calibration;
  readonly languages: readonly string[];
  /** `intact`: whether the content is what spanfill.json says; absent where it says nothing. */
  readonly files: readonly { readonly name: string; readonly sizeBytes: number; readonly intact?: boolean }[];
}

/** The name of the model that is used when none is asked for. */
export const DEFAULT_MODEL = "t5-efficient-tiny-nl4-spanfill";

/**
 * Whether a model's name means a folder: an absolute path, or one that begins with `./` or `../` (on Windows also with a backslash or a
 * drive's letter). Anything else is an id, whatever lies in the working folder.
 */
export function meansFolder(idOrPath: string, platform: NodeJS.Platform = process.platform): boolean {
  if (platform !== "win32") return posix.isAbsolute(idOrPath) || /^\.\.?(\/|$)/.test(idOrPath);
  return win32.isAbsolute(idOrPath) || /^([a-z]:|\.\.?([\\/]|$))/i.test(idOrPath);
}

/** Where models are looked for. */
export interface ResolveOptions {
  /** Where the built-in models are; tests give their own. */
  readonly builtinFolder?: string | undefined;
  /** What relative paths are relative to: where a command was called. Absent where that would be somebody else's choice, as in a server. */
  readonly workingFolder?: string;
}

/**
 * Finds a model's folder.
 * @param idOrPath a built-in model's id, its folder's name, or a distinguishing word of it ("nl2"); a model that was downloaded or
 * imported; or the path of a folder with a config.json, see {@link meansFolder}; the default model when undefined
 * @returns an absolute path
 * @throws ModelError "config" naming the models there are
 */
export function resolveModel(idOrPath = DEFAULT_MODEL, { workingFolder, ...options }: ResolveOptions = {}): string {
  if (meansFolder(idOrPath)) return modelFolder(idOrPath, workingFolder);
  const builtin = listBuiltin("builtinFolder" in options ? options.builtinFolder : findBuiltinFolder());
  const exact = builtin.filter(({ id, directory }) => id === idOrPath || basename(directory) === idOrPath);
  const matches = exact.length > 0 ? exact : builtin.filter(({ id }) => id.split("-").includes(idOrPath));
  const [match] = matches;
  if (match !== undefined && matches.length === 1) return match.directory;
  const kept = keptDirectory(idOrPath);
  if (kept !== undefined) return kept;
  const choices =
    builtin.length > 0
      ? `Built-in models: ${builtin.map(({ id }) => id).join(", ")}`
      : "No built-in model is installed";
  const named = `"${idOrPath}"`;
  const several = `${named} could be ${matches.map(({ id }) => id).join(" or ")}`;
  const isHere = workingFolder !== undefined && isFolder(join(workingFolder, idOrPath));
  const here = isHere ? ` A folder of that name is here: write ./${idOrPath} to mean it.` : "";
  throw new ModelError(
    "config",
    `${matches.length > 1 ? several : `There is no model ${named}`}.${here} ${choices}; or give the path of a folder with config.json, weights and tokenizer, beginning with ./ or /.`,
  );
}

/** The folder that a path means. */
function modelFolder(path: string, workingFolder: string | undefined): string {
  const absolute = posix.isAbsolute(path) || win32.isAbsolute(path);
  if (!absolute && workingFolder === undefined) {
    throw new ModelError("config", `"${path}" is relative to a folder that is not known here. Give the absolute path.`);
  }
  const directory = absolute ? resolve(path) : resolve(workingFolder ?? "", path);
  if (isFolder(directory) && saysShape(directory)) return directory;
  const what = isFolder(directory) ? `The folder ${directory} has no config.json` : `There is no folder ${directory}`;
  throw new ModelError("config", `${what}. Give a folder with config.json, weights and tokenizer, or a model's id.`);
}

/** The models that ship, by id. */
export function listBuiltin(
  builtinFolder = findBuiltinFolder(),
): { readonly id: string; readonly directory: string }[] {
  if (builtinFolder === undefined || !isFolder(builtinFolder)) return [];
  const directories = readdirSync(builtinFolder)
    .map((name) => join(builtinFolder, name))
    .filter((directory) => existsSync(join(directory, "config.json")));
  return directories.toSorted().map((directory) => ({ id: readManifest(directory).id, directory }));
}

/**
 * Reads a model's spanfill.json; a folder without one is known by its name.
 * @throws ModelError "config" when the file is malformed
 */
export function readManifest(directory: string): ModelManifest {
  const path = join(directory, "spanfill.json");
  if (!existsSync(path))
    return { id: nameOfFolder(directory), prefixes: {}, sha256: {}, calibration: {}, languages: ENGLISH };
  try {
    const { id, prefixes, ...rest } = manifestSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    return {
      id: id ?? nameOfFolder(directory),
      prefixes,
      ...rest,
    };
  } catch (cause) {
    const what = cause instanceof z.ZodError ? z.prettifyError(cause) : reason(cause);
    throw new ModelError("config", `${path} is malformed (${what}). Correct it or remove it.`, { cause });
  }
}

/**
 * Reads a model's decoding.json; a folder without one says nothing.
 * @throws ModelError "config" when the file is malformed
 */
export function readDecoding(directory: string): ModelDecoding {
  const path = join(directory, "decoding.json");
  if (!existsSync(path)) return { frequent: [] };
  try {
    return decodingSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const what = cause instanceof z.ZodError ? z.prettifyError(cause) : reason(cause);
    throw new ModelError("config", `${path} is malformed (${what}). Correct it or remove it.`, { cause });
  }
}

/**
 * Tells what a model is and checks it: configuration against tensors, files against their SHA-256.
 * @throws ModelError "config" or "checkpoint"
 */
export async function modelAccount(directory: string): Promise<ModelAccount> {
  const manifest = readManifest(directory);
  const { config, form } = await openModel(directory, "float");
  const files: { name: string; sizeBytes: number; intact?: boolean }[] = [];
  for (const name of (await listFolder(directory)).toSorted()) {
    const path = join(directory, name);
    const status = await stat(path).catch(() => undefined); // a link to nothing is no file of the model
    if (!status?.isFile()) continue;
    const expected = manifest.sha256[name];
    const intact = expected === undefined ? {} : { intact: (await sha256Of(path)) === expected.toLowerCase() };
    files.push({ name, sizeBytes: status.size, ...intact });
  }
  return {
    id: manifest.id,
    directory: resolve(directory),
    ...shapeAccount(config),
    weights: form,
    calibration: manifest.calibration,
    languages: manifest.languages,
    files,
  };
}

const ENGLISH = ["en"];

const manifestSchema = z.object({
  id: z.string().min(1).optional(),
  prefixes: z.record(z.string(), z.string()).default({}),
  labels: z.array(z.string().min(1)).exactOptional(),
  sha256: z.record(z.string(), z.string().regex(/^[0-9a-fA-F]{64}$/)).default({}),
  calibration: calibrationSchema.default({}),
  languages: z
    .array(z.string().regex(/^[a-z]{2}$/))
    .min(1)
    .default(ENGLISH),
});

const bonus = z.number().nonnegative().exactOptional();
const writingSchema = z.object({
  beams: z.int().min(1).max(16).exactOptional(),
  copyBias: z.object({ anywhere: bonus, afterOne: bonus, afterTwo: bonus }).exactOptional(),
});
const decodingSchema = z.object({
  shortlist: z.int().positive().exactOptional(),
  summary: writingSchema.exactOptional(),
  title: writingSchema.exactOptional(),
  fill: z.object({ wordPairs: z.number().positive().exactOptional() }).exactOptional(),
  frequent: z.array(z.int().nonnegative()).default([]),
});

/** `models/builtin` beside the first folder above this file that has one: works from source, dist/ and the tests' bundles. */
export function findBuiltinFolder(): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, "models", "builtin");
    if (isFolder(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
