/** Whether a path lies below a folder. */
import { isAbsolute, relative, sep } from "node:path";

/** Whether an absolute path lies below a folder, by its name only: links are not resolved. */
export function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
