/** Restricts the working folder to the command line's own paths, because it may be an untrusted repository. */
import { isAbsolute, parse, resolve } from "node:path";

/** The root of the file system, which is no repository: the working folder of processes that serve others. */
export function neutralFolder(): string {
  return parse(process.execPath).root;
}

/**
 * Leaves the folder in which this process was started. If the system refuses, the process stays there, and nothing
 * depends on it.
 */
export function leaveFolder(): void {
  try {
    process.chdir(neutralFolder());
  } catch {
    // no path is relative anyway
  }
}

/**
 * Resolves folders that the environment names by a relative path, for this process and its children.
 * @param from base folder on the command line; undefined in a server, where such variables are ignored
 * @returns the names of the ignored variables
 */
export function settleFolders(from: string | undefined, environment: NodeJS.ProcessEnv = process.env): string[] {
  const relative = VARIABLES.filter((name) => environment[name] && !isAbsolute(environment[name]));
  for (const name of relative) {
    if (from === undefined) delete environment[name];
    else environment[name] = resolve(from, environment[name] ?? "");
  }
  return from === undefined ? relative : [];
}

const VARIABLES = [
  "SPANFILL_CACHE",
  "SPANFILL_MODELS",
  "HF_HOME",
  "HF_HUB_CACHE",
  "HUGGINGFACE_HUB_CACHE",
  "XDG_CACHE_HOME",
  "XDG_DATA_HOME",
];
