/** The models on this machine: built-in ones by name, others by their folders; and the facts about each. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join, posix, resolve, win32 } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";
import { firstIssue } from "../../models/issue.ts";
import { type ModeTexts, UL2_MODES } from "../../models/tokenizer/corruption.ts";
import { readRegularTextSync } from "../files/regular-file.ts";
import { listFolder } from "./folder/find.ts";
import { type Calibration, calibrationSchema } from "./folder/int8/calibration.ts";
import { folderNotes, isGgufFile } from "./folder/model-files.ts";
import { isAdapterFolder, saysShape } from "./folder/shape.ts";
import { sha256Of } from "./folder/sums.ts";
import { type ShapeAccount, shapeAccount } from "./shape-account.ts";
import { keptDirectory, nameOfFolder } from "./store.ts";

/** The prefixes that a model was trained with, by task. */
export interface TaskPrefixes {
  readonly summarize?: string;
  readonly title?: string;
  readonly infill?: string;
  readonly classify?: string;
  readonly qa?: string;
  readonly [task: string]: string | undefined;
}

/** The declarations in a model folder's optional file `spanfill.json`, beyond config.json. */
export interface ModelManifest {
  /** The model's name; the folder's name if the file is absent. */
  readonly id: string;
  readonly prefixes: TaskPrefixes;
  /** The labels that the model learned. */
  readonly labels?: readonly string[];
  /** The modes that the model fills gaps in: the text that stands before an input, for each. */
  readonly modes?: ModeTexts;
  /** The base of an adapter that stays apart, by id or absolute path. */
  readonly base?: string;
  /** File name -> expected SHA-256 in hexadecimal. */
  readonly sha256: Readonly<Record<string, string>>;
  /** The meaning of the model's likelihoods, as measured by `spanfill calibrate`; empty if not measured. */
  readonly calibration: Calibration;
  /** ISO 639-1 codes of the model's languages; English by default. */
  readonly languages: readonly string[];
}

/** The decoding options that work best for a model, as its makers measured, from the optional file `decoding.json`. */
export interface ModelDecoding {
  /** Number of the most frequent tokens that suffice as candidates. */
  readonly shortlist?: number;
  readonly summary?: Writing;
  readonly title?: Writing;
  readonly fill?: {
    /**
     * Weight of the n-grams' log probability relative to the model's own, if a gap holds one English word.
     * @see ngrams.ts
     */
    readonly ngrams?: number;
  };
  /** Token ids, in descending order of frequency in text like the model's output. */
  readonly frequent: readonly number[];
}

/** How a model generates one kind of text. */
export interface Writing {
  /** 1 (greedy) if absent. */
  readonly beams?: number;
  /**
   * How much it favors tokens that continue as the source does.
   * @see server/engine/search/copying.ts
   */
  readonly copyBias?: { readonly anywhere?: number; readonly afterOne?: number; readonly afterTwo?: number };
}

/** The facts that `spanfill info` reports about a model. */
export interface ModelAccount extends ShapeAccount {
  readonly id: string;
  readonly directory: string;
  /** Whether the weights are the published ones or quantized by us. */
  readonly weights: "float" | "int8";
  /** Notes on the files that are not plain, in sentences. */
  readonly notes: readonly string[];
  readonly calibration: Calibration;
  readonly languages: readonly string[];
  /** `intact`: whether the content is what spanfill.json declares; absent if it declares nothing. */
  readonly files: readonly { readonly name: string; readonly sizeBytes: number; readonly intact?: boolean }[];
}

/** The model that is used by default. */
export const DEFAULT_MODEL = "t5-efficient-tiny-nl4-spanfill";

/**
 * Whether a model's name means a folder: an absolute path, or one that begins with `./` or `../` (on Windows also
 * with a backslash or a drive letter). Anything else is an id, whatever the working folder contains.
 */
export function meansFolder(idOrPath: string, platform: NodeJS.Platform = process.platform): boolean {
  if (platform !== "win32") return posix.isAbsolute(idOrPath) || /^\.\.?(\/|$)/.test(idOrPath);
  return win32.isAbsolute(idOrPath) || /^([a-z]:|\.\.?([\\/]|$))/i.test(idOrPath);
}

/** Where to look for models. */
export interface ResolveOptions {
  /** The folder of the built-in models; tests pass their own. */
  readonly builtinFolder?: string | undefined;
  /**
   * The base of relative paths: where a command was called. Absent in a server, where somebody else chooses the
   * folder.
   */
  readonly workingFolder?: string;
}

/**
 * Finds a model's folder.
 * @param idOrPath a built-in model's id, its folder's name, or a distinguishing word of it ("nl2"); a downloaded or
 * imported model's id; the path of a folder with a config.json, see {@link meansFolder}; or undefined for the default
 * model
 * @returns an absolute path
 * @throws ModelError "config" naming the available models
 */
export function resolveModel(idOrPath = DEFAULT_MODEL, { workingFolder, ...options }: ResolveOptions = {}): string {
  if (meansFolder(idOrPath)) return modelFolder(idOrPath, workingFolder);
  const builtin = listBuiltin("builtinFolder" in options ? options.builtinFolder : findBuiltinFolder());
  const exact = builtin.filter(({ id, directory }) => id === idOrPath || basename(directory) === idOrPath);
  const matches = exact.length > 0 ? exact : builtin.filter(({ id }) => id.split("-").includes(idOrPath));
  const [match] = matches;
  if (match !== undefined && matches.length === 1) return match.directory;
  const downloaded = keptDirectory(idOrPath);
  if (downloaded !== undefined) return downloaded;
  const choices =
    builtin.length > 0
      ? `Built-in models: ${builtin.map(({ id }) => id).join(", ")}`
      : "No built-in model is installed";
  const named = `"${idOrPath}"`;
  const several = `${named} could be ${matches.map(({ id }) => id).join(" or ")}`;
  const isHere = workingFolder !== undefined && isFolder(join(workingFolder, idOrPath));
  const here = isHere ? ` A folder here has that name: write ./${idOrPath} to use it.` : "";
  throw new ModelError(
    "config",
    `${matches.length > 1 ? several : `There is no model ${named}`}.${here} ${choices}; or give the path of a folder with config.json, weights and tokenizer, beginning with ./ or /.`,
  );
}

/** The folder that a path names. */
function modelFolder(path: string, workingFolder: string | undefined): string {
  const absolute = posix.isAbsolute(path) || win32.isAbsolute(path);
  if (!absolute && workingFolder === undefined) {
    throw new ModelError("config", `"${path}" is a relative path, which means nothing here. Give the absolute path.`);
  }
  const directory = absolute ? resolve(path) : resolve(workingFolder ?? "", path);
  if (isGgufFile(directory) || (isFolder(directory) && (saysShape(directory) || isAdapterFolder(directory))))
    return directory;
  const what = isFolder(directory) ? `The folder ${directory} has no config.json` : `There is no folder ${directory}`;
  throw new ModelError(
    "config",
    `${what}. Give a folder with config.json, weights and tokenizer, a GGUF file, or a model's id.`,
  );
}

/** The models that ship, sorted by id. */
export function listBuiltin(
  builtinFolder = findBuiltinFolder(),
): { readonly id: string; readonly directory: string }[] {
  if (builtinFolder === undefined || !isFolder(builtinFolder)) return [];
  const directories = readdirSync(builtinFolder)
    .map((name) => join(builtinFolder, name))
    .filter(saysShape);
  return directories.toSorted().map((directory) => ({ id: readManifest(directory).id, directory }));
}

/**
 * Reads a model's spanfill.json; without one, the folder's name is the id.
 * @throws ModelError "config" when the file is malformed
 */
export function readManifest(directory: string): ModelManifest {
  const path = join(directory, "spanfill.json");
  if (!existsSync(path)) {
    const id = nameOfFolder(directory);
    // Flan-UL2 was trained on until it needed no modes.
    const modes = id === "google/ul2" ? { modes: UL2_MODES } : {};
    return { id, prefixes: {}, ...modes, sha256: {}, calibration: {}, languages: ENGLISH };
  }
  try {
    const { id, prefixes, ...rest } = manifestSchema.parse(JSON.parse(readRegularTextSync(path)));
    return {
      id: id ?? nameOfFolder(directory),
      prefixes,
      ...rest,
    };
  } catch (cause) {
    const what = cause instanceof z.ZodError ? firstIssue(cause) : reason(cause);
    throw new ModelError("config", `${path} is malformed (${what}). Correct it or remove it.`, { cause });
  }
}

/**
 * Reads a model's decoding.json, if there is one.
 * @throws ModelError "config" when the file is malformed
 */
export function readDecoding(directory: string): ModelDecoding {
  const path = join(directory, "decoding.json");
  if (!existsSync(path)) return { frequent: [] };
  try {
    return decodingSchema.parse(JSON.parse(readRegularTextSync(path)));
  } catch (cause) {
    const what = cause instanceof z.ZodError ? firstIssue(cause) : reason(cause);
    throw new ModelError("config", `${path} is malformed (${what}). Correct it or remove it.`, { cause });
  }
}

/**
 * Describes a model and checks it: its configuration against the tensors, its files against their SHA-256.
 * @throws ModelError "config" or "checkpoint"
 */
export async function modelAccount(directory: string): Promise<ModelAccount> {
  const manifest = readManifest(directory);
  // A server describes few models, and the readers of weights would slow its start.
  const { openModel } = await import("./folder/open.ts");
  const { config, form, prefix } = await openModel(directory, "float");
  const files: { name: string; sizeBytes: number; intact?: boolean }[] = [];
  for (const name of (await listFolder(directory)).toSorted()) {
    const path = join(directory, name);
    const status = await stat(path).catch(() => undefined); // a broken link is not a file
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
    notes: folderNotes(
      prefix,
      files.map(({ name }) => name),
    ),
    calibration: manifest.calibration,
    languages: manifest.languages,
    files,
  };
}

const ENGLISH = ["en"];

/** Characters: a soft prompt may have 1000 tokens (`<prompt_999>`), and words of a person after them. */
const LONGEST_PREFIX = 65_536;

const manifestSchema = z.object({
  id: z.string().min(1).optional(),
  prefixes: z.record(z.string().max(200), z.string().max(LONGEST_PREFIX)).default({}),
  labels: z.array(z.string().min(1)).exactOptional(),
  modes: z.object({ R: z.string().max(200), S: z.string().max(200), X: z.string().max(200) }).exactOptional(),
  base: z.string().min(1).exactOptional(),
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
  fill: z.object({ ngrams: z.number().positive().exactOptional() }).exactOptional(),
  frequent: z.array(z.int().nonnegative()).default([]),
});

/**
 * `models/builtin` next to the nearest folder above this file that has one; works from the source, dist/ and the
 * tests' bundles.
 */
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
