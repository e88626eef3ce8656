/** Walks a folder, wherever it is, and reads its prose; what is hidden, ignored or secret is left out and listed. */
import { readdir, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { readRegularFile } from "../files/regular-file.ts";
import { isMissing } from "../files/whole-file.ts";
import { readIgnoreRules } from "./ignore-rules.ts";
import { IGNORE_FILE, MOST_IGNORE_BYTES, SECRET_NAME } from "./private-files.ts";

/** A folder to read; paths are relative to it, with "/" between names, and "" is the folder itself. */
export interface FolderSource {
  /** Links are not followed: they may lead elsewhere, or back. */
  list(path: string): Promise<readonly { readonly name: string; readonly kind: "file" | "folder" | "link" }[]>;
  /** A file's bytes; undefined when there are more than that. */
  read(path: string, mostBytes: number): Promise<Uint8Array | undefined>;
}

/** Why a file is not read. */
export type LeftOutReason =
  | "ignored"
  | "secret"
  | "not prose"
  | "binary"
  | "too large"
  | "UTF-16"
  | "not UTF-8"
  | "link"
  | "unreadable";

/** A file or, with "/" at its end, a folder that is not read. */
export interface LeftOut {
  readonly path: string;
  readonly why: LeftOutReason;
}

/** The files of a folder that are asked for. */
export interface FolderFiles {
  /** In the order of their paths, a folder's own files before those of its subfolders. */
  readonly files: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** Whether a path is to be left alone, as an ignore file's patterns say. */
export type IgnoreRule = (path: string) => boolean;

/** Names of files that hold prose. */
export const PROSE_NAME =
  /(\.(md|mdx|markdown|txt|text|rst|adoc|asciidoc|tex|typ|qmd|org|ipynb|html?)|^(README|CHANGELOG|CHANGES|CONTRIBUTING|HISTORY|NEWS|TODO|NOTES))$/i;

/** The largest file that is read; a person writes no more in a year. */
export const MOST_FILE_BYTES = 2 * 1024 * 1024;

/** A folder on this machine's disk. */
export function localFolder(directory: string): FolderSource {
  return {
    list: async (path) => {
      const entries = await readdir(join(directory, path), { withFileTypes: true });
      return entries.flatMap((entry) => {
        const [isFolder, isLink] = [entry.isDirectory(), entry.isSymbolicLink()];
        const kind = isFolder ? "folder" : isLink ? "link" : entry.isFile() ? "file" : undefined;
        return kind === undefined ? [] : [{ name: entry.name, kind } as const];
      });
    },
    read: (path, mostBytes) => readRegularFile(join(directory, path), mostBytes),
  };
}

/**
 * Finds a folder's files by .gitignore, .spanfillignore and the names of secrets. Hidden folders and node_modules are
 * passed over.
 * @param wanted the names of the files asked for; others are left out as "not prose"
 * @param above rules from outside of the folder. @see rulesAbove
 * @throws what `source.list` throws for the folder itself, and the signal's reason
 */
export async function walkFolder(
  source: FolderSource,
  wanted: RegExp,
  above: readonly IgnoreRule[],
  signal: AbortSignal,
): Promise<FolderFiles> {
  const files: string[] = [];
  const leftOut: LeftOut[] = [];
  async function visit(folder: string, rules: readonly IgnoreRule[]): Promise<void> {
    signal.throwIfAborted();
    const at = folder === "" ? "" : `${folder}/`;
    const entries = (await source.list(folder)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const own = await Promise.all(
      IGNORE_FILES.filter((name) => entries.some((entry) => entry.name === name)).map(async (name) => {
        const bytes = await source.read(at + name, MOST_IGNORE_BYTES).catch(() => undefined);
        // One that cannot be read may name anything.
        return rule(bytes === undefined ? "*" : new TextDecoder().decode(bytes), (path) => path.slice(at.length));
      }),
    );
    const all = [...rules, ...own];
    const folders: string[] = [];
    for (const { name, kind } of entries) {
      const path = at + name;
      if (kind === "folder") {
        if (name.startsWith(".") || name === "node_modules") continue;
        if (all.some((ignores) => ignores(`${path}/`))) leftOut.push({ path: `${path}/`, why: "ignored" });
        else folders.push(path);
        continue;
      }
      const ignored = all.some((ignores) => ignores(path));
      if (kind === "link") {
        if (!name.startsWith(".") && name !== "node_modules") leftOut.push({ path, why: ignored ? "ignored" : "link" });
        continue;
      }
      const why = SECRET_NAME.test(name)
        ? "secret"
        : !wanted.test(name)
          ? "not prose"
          : ignored
            ? "ignored"
            : undefined;
      if (why === undefined) files.push(path);
      else if (!IGNORE_FILES.includes(name)) leftOut.push({ path, why });
    }
    for (const path of folders) {
      await visit(path, all).catch((error: unknown) => {
        signal.throwIfAborted();
        if (!(error instanceof Error && "code" in error)) throw error;
        leftOut.push({ path: `${path}/`, why: "unreadable" });
      });
    }
  }
  await visit("", above);
  return { files, leftOut };
}

/** A file's text, or why there is none. */
export async function readProse(
  source: FolderSource,
  path: string,
): Promise<{ text: string } | { why: LeftOutReason }> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await source.read(path, MOST_FILE_BYTES);
  } catch {
    return { why: "unreadable" };
  }
  if (bytes === undefined) return { why: "too large" };
  if (isUtf16(bytes)) return { why: "UTF-16" };
  if (bytes.includes(0)) return { why: "binary" };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { why: "not UTF-8" };
  }
}

/** Whether bytes are text in UTF-16: marked so, or with a zero in most units, as in Latin script. */
function isUtf16(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return bytes.length % 2 === 0;
  const head = bytes.subarray(0, 1000);
  const zerosAt = (parity: number) => head.filter((byte, i) => byte === 0 && i % 2 === parity).length;
  const [even, odd] = [zerosAt(0), zerosAt(1)];
  const half = head.length / 2;
  return half >= 4 && bytes.length % 2 === 0 && Math.max(even, odd) > 0.8 * half && Math.min(even, odd) < 0.05 * half;
}

/**
 * The rules for a folder of this machine that are in the folders above it: git's up to its repository's, ours
 * everywhere.
 */
export async function rulesAbove(directory: string): Promise<IgnoreRule[]> {
  const rules: IgnoreRule[] = [];
  let inRepository = !(await isThere(join(directory, ".git")));
  for (let folder = dirname(directory), below = directory; folder !== below; below = folder, folder = dirname(folder)) {
    const at = `${relative(folder, directory).split(sep).join("/")}/`;
    for (const name of inRepository ? IGNORE_FILES : [IGNORE_FILE]) {
      const bytes = await readRegularFile(join(folder, name), MOST_IGNORE_BYTES).catch((error: unknown) =>
        isMissing(error) ? Buffer.alloc(0) : undefined,
      );
      rules.push(rule(bytes === undefined ? "*" : bytes.toString("utf8"), (path) => at + path));
    }
    if (await isThere(join(folder, ".git"))) inRepository = false;
  }
  return rules;
}

/** As {@link rulesAbove}, for a folder within another. @param path the folder's in `source`; "" has nothing above it */
export async function rulesWithin(source: FolderSource, path: string): Promise<IgnoreRule[]> {
  const names = path === "" ? [] : path.split("/");
  const files = names.flatMap((_, i) =>
    IGNORE_FILES.map((name) => ({
      file: [...names.slice(0, i), name].join("/"),
      at: `${names.slice(i).join("/")}/`,
    })),
  );
  const rules = files.map(async ({ file, at }) => {
    const bytes = await source.read(file, MOST_IGNORE_BYTES).catch(() => undefined);
    return bytes === undefined ? [] : [rule(new TextDecoder().decode(bytes), (inner) => at + inner)];
  });
  return (await Promise.all(rules)).flat();
}

const IGNORE_FILES: readonly string[] = [".gitignore", IGNORE_FILE];

function rule(patterns: string, inner: (path: string) => string): IgnoreRule {
  const known = readIgnoreRules(patterns);
  return (path) => known.ignores(inner(path));
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
