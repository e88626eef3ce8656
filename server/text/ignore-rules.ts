/** Patterns as .gitignore has them, from files that anybody may have written: they match in bounded time. */
import ignore, { type Ignore } from "ignore";

/**
 * Reads patterns, one a line. Those that could take too long, as regular expressions that backtrack do, match more than
 * they say: everything that begins like them up to the folder of their first star. A negated one of these is left out.
 * @see https://git-scm.com/docs/gitignore
 */
export function readIgnoreRules(text: string): Ignore {
  let steps = MOST_STEPS;
  const lines = text.split(/\r?\n/).flatMap((line) => {
    const stars = line.match(/\*+/g)?.length ?? 0;
    const most = LONGEST_NAME ** stars;
    if (most <= steps) {
      steps -= stars > 1 ? most : 0;
      return [line];
    }
    if (line.startsWith("!")) return [];
    return [`${line.slice(0, line.lastIndexOf("/", line.indexOf("*")) + 1)}*`];
  });
  return ignore().add(lines);
}

/** Bytes of the longest name in a folder: each star of a pattern may try as many. */
const LONGEST_NAME = 255;
/** Steps that the patterns of one file may take together; a second has some hundreds of millions. */
const MOST_STEPS = 5 * LONGEST_NAME ** 3;
