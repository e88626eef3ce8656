/** The files of a folder that may be learned from: what is hidden, ignored or looks like a secret is left out, and said. */
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import ignore, { type Ignore } from "ignore";
import { IGNORE_FILE, SECRET_NAME } from "../../text/private-files.ts";

/** A folder's files. */
export interface Walked {
  /** Paths, sorted. */
  readonly files: readonly string[];
  /** What was left out, for a person. */
  readonly notes: readonly string[];
}

/** Texts that hold one. @see the patterns of secretlint's recommended rules */
const SECRET_TEXT =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bnpm_[A-Za-z0-9]{36}\b|\bhf_[A-Za-z]{34}\b|\bsk-[A-Za-z0-9_-]{32,}/;

/** Files that say what to leave out, with git's patterns. */
const IGNORE_FILES = [".gitignore", IGNORE_FILE];

/**
 * Walks a folder.
 * @param wanted which files are asked for, by their name
 */
export async function walkFolder(folder: string, wanted: RegExp): Promise<Walked> {
  const files: string[] = [];
  const [ignored, secret]: [string[], string[]] = [[], []];
  async function visit(
    directory: string,
    rules: readonly { readonly at: string; readonly rule: Ignore }[],
  ): Promise<void> {
    const entries = await readdir(directory, { withFileTypes: true });
    const own = ignore();
    for (const name of IGNORE_FILES) {
      if (entries.some((entry) => entry.name === name)) own.add(await readFile(join(directory, name), "utf8"));
    }
    const all = [...rules, { at: directory, rule: own }];
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(directory, entry.name);
      const inner = (at: string) => relative(at, path).split(sep).join("/") + (entry.isDirectory() ? "/" : "");
      const left = all.some(({ at, rule }) => rule.ignores(inner(at)));
      if (entry.isDirectory()) {
        if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
        if (left) ignored.push(`${relative(folder, path)}/`);
        else await visit(path, all);
      } else if (entry.isFile() && SECRET_NAME.test(entry.name)) secret.push(relative(folder, path));
      else if (entry.isFile() && wanted.test(entry.name))
        (left ? ignored : files).push(left ? relative(folder, path) : path);
    }
  }
  await visit(folder, []);
  return {
    files,
    notes: [...leftOut(folder, secret, "their names tell of secrets"), ...leftOut(folder, ignored, "ignored")],
  };
}

/** Whether a text holds what looks like a key or a token. */
export function holdsSecret(text: string): boolean {
  return SECRET_TEXT.test(text);
}

/** A note of files that were left out. */
export function leftOut(folder: string, names: readonly string[], why: string): string[] {
  if (names.length === 0) return [];
  const shown = names.slice(0, 10).join(", ");
  return [`${folder}: ${names.length} left out (${why}): ${shown}${names.length > 10 ? ", ..." : ""}`];
}
