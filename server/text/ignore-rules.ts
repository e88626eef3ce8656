/** Patterns as .gitignore has them, from files that anybody may have written: they match in bounded time. */
import ignore, { type Ignore } from "ignore";

/**
 * Reads patterns, one a line. Those that could take too long, as regular expressions that backtrack do, match more than
 * they say: what begins as they do up to the folder of their first star, and ends as they do. A negated one of these is
 * left out.
 * @see https://git-scm.com/docs/gitignore
 */
export function readIgnoreRules(text: string): Ignore {
  let steps = MOST_STEPS;
  const lines = text.split(/\r?\n/).flatMap((line) => {
    if (line.startsWith("#")) return [];
    const needed = stepsOf(line);
    if (needed <= steps) {
      steps -= needed > LONGEST_NAME ? needed : 0;
      return [line];
    }
    return line.startsWith("!") ? [] : [widened(line)];
  });
  return ignore().add(lines);
}

/** Bytes of the longest name in a folder: each star of a pattern may try as many. */
const LONGEST_NAME = 255;
/** Folders above a file: each double star within a pattern may try as many. */
const DEPTH = 24;
/** Steps that the patterns of one file may take together; a second has some hundreds of millions. */
const MOST_STEPS = 5 * LONGEST_NAME ** 3;

function stepsOf(pattern: string): number {
  const stars = pattern.replace(/^!?\/?\*\*\//, "").match(/\*+/g) ?? [];
  return stars.reduce((steps, star) => steps * (star.length > 1 ? DEPTH : LONGEST_NAME), 1);
}

/** A pattern of few stars that matches all that a pattern matches. */
function widened(pattern: string): string {
  const path = pattern.trimEnd().replace(/(?<=^\/|[^/])\/+$/, "");
  const folder = path.slice(0, path.lastIndexOf("/", path.indexOf("*")) + 1);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const few = (name.match(/\*+/g) ?? []).length > 2 ? name.replace(/\*.*\*/, "*") : name;
  const isOneName = folder.length + name.length === path.length;
  return isOneName ? `${folder}${few}` : `${folder}**/${few}`;
}
