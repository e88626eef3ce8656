/** Files in which nothing is done unasked: those that keep secrets, and those that `.spanfillignore` names. */

import { stat } from "node:fs/promises";
import { dirname, join, posix, relative, sep } from "node:path";
import type { Ignore } from "ignore";
import { english, type Translate } from "../../base/translate.ts";
import { readRegularFile } from "../files/regular-file.ts";
import { isMissing } from "../files/whole-file.ts";
import { readIgnoreRules } from "./ignore-rules.ts";

/**
 * Names of files that keep secrets, or may: notes named my-credentials.md are none to learn from or to go on with
 * unasked.
 */
export const SECRET_NAME =
  /^(\.env(\..*)?|\.npmrc|\.netrc|\.pgpass|\.htpasswd|id_(rsa|dsa|ecdsa|ed25519)(\.pub)?|.*\.(pem|key|p12|pfx|kdbx|keystore|jks))$|(^|[-_.])(credentials?|secrets?|passwords?)([-_.]|$)/i;

/** Texts that hold a key or a token. @see the patterns of secretlint's recommended rules */
const SECRET_TEXTS = [
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/,
  /\b(?:AKIA[0-9A-Z]{16}|hf_[A-Za-z]{34}|npm_[A-Za-z0-9]{36})\b/,
  /\b(?:gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[A-Za-z0-9-]{10}|sk-[A-Za-z0-9_-]{32})/,
];

/** Whether a text holds what looks like a key or a token. */
export function holdsSecret(text: string): boolean {
  return SECRET_TEXTS.some((secret) => secret.test(text));
}

/** The file whose patterns, written as in .gitignore, name what is left alone in its folder and below. */
export const IGNORE_FILE = ".spanfillignore";

/** The largest ignore file that is read: thousands of patterns, where a person writes dozens. */
export const MOST_IGNORE_BYTES = 256 * 1024;

/** The reason why a file's name suggests secrets; undefined if it does not. @param path with "/" between names */
export function whySecret(path: string, t: Translate = english): string | undefined {
  const name = posix.basename(path);
  return SECRET_NAME.test(name) ? t("{0} looks like a file that keeps secrets", name) : undefined;
}

/**
 * Whether the setting `enable` leaves a file on: the last of its patterns that fits says so, and where none fits it is
 * on.
 * @param path within the workspace's folder
 */
export function isEnabled(enable: Readonly<Record<string, boolean>>, path: string): boolean {
  const fitting = Object.entries(enable).filter(([pattern]) => path !== "" && readIgnoreRules(pattern).ignores(path));
  return fitting.at(-1)?.[1] ?? true;
}

/** The private files as a server knows them: ignore files are remembered for a while, since every keystroke asks. */
export interface PrivateFiles {
  /**
   * Why nothing is to be suggested in a file, a sentence for the log; undefined where something may be.
   * @param path absolute
   */
  why(path: string): Promise<string | undefined>;
  /**
   * As `why`, for a file in a folder that is not on this machine.
   * @param folder its URI
   * @param path relative to the folder, with "/" between names; `fetch` reads such a path and may reject
   */
  whyWithin(
    folder: string,
    path: string,
    fetch: (path: string) => Promise<Uint8Array | undefined>,
  ): Promise<string | undefined>;
}

/** Returns the private files, with nothing remembered. @param t of the reasons */
export function createPrivateFiles(t: Translate = english): PrivateFiles {
  const known = new Map<string, Known>();
  return {
    async why(path) {
      const secret = whySecret(path.split(sep).join("/"), t);
      if (secret !== undefined) return secret;
      for (let folder = dirname(path); ; folder = dirname(folder)) {
        const file = join(folder, IGNORE_FILE);
        const reason = whyNamed(file, await patternsOf(known, file), relative(folder, path).split(sep).join("/"), t);
        if (reason !== undefined || dirname(folder) === folder) return reason;
      }
    },
    async whyWithin(folder, path, fetch) {
      const secret = whySecret(path, t);
      if (secret !== undefined) return secret;
      const names = path.split("/");
      for (let i = names.length - 1; i >= 0; i--) {
        const file = [...names.slice(0, i), IGNORE_FILE].join("/");
        const patterns = await fetchedPatterns(known, `${folder}/${file}`, () => fetch(file));
        const reason = whyNamed(file, patterns, names.slice(i).join("/"), t);
        if (reason !== undefined) return reason;
      }
      return undefined;
    },
  };
}

function whyNamed(file: string, patterns: Patterns, path: string, t: Translate): string | undefined {
  // An unreadable one may name this file, for all that can be known.
  if (patterns === "unreadable")
    return t("{0} is not a file of at most {1} bytes that can be read", file, MOST_IGNORE_BYTES);
  return patterns?.ignores(path) ? t("{0} names this file", file) : undefined;
}

/** The patterns of an ignore file; undefined where there is none. */
type Patterns = Ignore | "unreadable" | undefined;

/** The rules read, and when they were last used. */
interface Known {
  readonly mtimeMs: number | undefined;
  readonly patterns: Patterns;
  readonly looked: number;
}

/** A person may wait so long until a new pattern counts; every keystroke asks. */
const KEPT_MS = 2000;

async function patternsOf(known: Map<string, Known>, file: string): Promise<Patterns> {
  const before = known.get(file);
  if (before !== undefined && performance.now() - before.looked < KEPT_MS) return before.patterns;
  const mtimeMs = await stat(file).then(
    (found) => found.mtimeMs,
    (error) => (isMissing(error) ? undefined : Number.NaN), // NaN equals nothing: looked at again each time
  );
  const fresh = before !== undefined && before.mtimeMs === mtimeMs;
  const patterns = fresh ? before.patterns : mtimeMs === undefined ? undefined : await read(file);
  known.set(file, { mtimeMs, patterns, looked: performance.now() });
  return patterns;
}

async function fetchedPatterns(
  known: Map<string, Known>,
  uri: string,
  fetch: () => Promise<Uint8Array | undefined>,
): Promise<Patterns> {
  const before = known.get(uri);
  if (before !== undefined && performance.now() - before.looked < KEPT_MS) return before.patterns;
  const patterns = await fetch().then(
    (bytes) => (bytes === undefined ? "unreadable" : readIgnoreRules(new TextDecoder().decode(bytes))),
    () => undefined, // no client tells a file that is not there from others
  );
  known.set(uri, { mtimeMs: undefined, patterns, looked: performance.now() });
  return patterns;
}

async function read(file: string): Promise<Patterns> {
  try {
    const bytes = await readRegularFile(file, MOST_IGNORE_BYTES);
    return bytes === undefined ? "unreadable" : readIgnoreRules(bytes.toString("utf8"));
  } catch (error) {
    return isMissing(error) ? undefined : "unreadable";
  }
}
