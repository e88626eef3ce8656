/** What the working folder is for: the command line's own paths, and nothing else. A repository that is not trusted may lie there. */
import { isAbsolute, parse, resolve } from "node:path";

/** The root of the file system, where no repository lies: the working folder of processes that serve others. */
export function neutralFolder(): string {
  return parse(process.execPath).root;
}

/** Leaves the folder that this process was started in. Where the system refuses, the process stays there; nothing depends on it. */
export function leaveFolder(): void {
  try {
    process.chdir(neutralFolder());
  } catch {
    // nothing is looked up by a relative path anyway
  }
}

/**
 * Settles the folders that the environment names by a relative path, for this process and those that it starts.
 * @param from what they are relative to, on the command line; undefined in a server, where they are passed over
 * @returns the names of variables that were passed over
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
