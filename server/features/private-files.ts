/** Files in which nothing is done unasked: those that keep secrets, and those that `.spanfillignore` names. */
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import ignore, { type Ignore } from "ignore";

/** Names of files that keep secrets, or may: notes named my-credentials.md are none to learn from or to go on with unasked. */
export const SECRET_NAME =
  /^(\.env(\..*)?|\.npmrc|\.netrc|\.pgpass|\.htpasswd|id_(rsa|dsa|ecdsa|ed25519)(\.pub)?|.*\.(pem|key|p12|pfx|kdbx|keystore|jks)|(.*[-_.])?(credentials?|secrets?|passwords?)([-_.].*)?)$/i;

/** The file whose patterns, written as in .gitignore, name what is left alone in its folder and below. */
export const IGNORE_FILE = ".spanfillignore";

/** Why nothing is to be suggested in a file, a sentence for the log; undefined where something may be. @param path absolute */
export async function whyPrivate(path: string): Promise<string | undefined> {
  if (SECRET_NAME.test(basename(path))) return `${basename(path)} looks like a file that keeps secrets`;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const file = join(folder, IGNORE_FILE);
    const patterns = await patternsOf(file);
    if (patterns?.ignores(relative(folder, path).split(sep).join("/"))) return `${file} names this file`;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * Whether the setting `enable` leaves a file on: the last of its patterns that fits says so, and where none fits it is on.
 * @param path within the workspace's folder
 */
export function isEnabled(enable: Readonly<Record<string, boolean>>, path: string): boolean {
  const fitting = Object.entries(enable).filter(([pattern]) => path !== "" && ignore().add(pattern).ignores(path));
  return fitting.at(-1)?.[1] ?? true;
}

/** What was read, and when it was last looked at. */
interface Known {
  readonly mtimeMs: number | undefined;
  readonly patterns: Ignore | undefined;
  readonly looked: number;
}

const known = new Map<string, Known>();
/** A person may wait so long until a new pattern counts; every keystroke asks. */
const KEPT_MS = 2000;

async function patternsOf(file: string): Promise<Ignore | undefined> {
  const before = known.get(file);
  if (before !== undefined && performance.now() - before.looked < KEPT_MS) return before.patterns;
  const mtimeMs = await stat(file).then(
    (found) => found.mtimeMs,
    () => undefined,
  );
  const fresh = before !== undefined && before.mtimeMs === mtimeMs;
  const patterns = fresh ? before.patterns : mtimeMs === undefined ? undefined : await read(file);
  known.set(file, { mtimeMs, patterns, looked: performance.now() });
  return patterns;
}

async function read(file: string): Promise<Ignore | undefined> {
  return readFile(file, "utf8").then(
    (text) => ignore().add(text),
    () => undefined,
  );
}
