/** Whether a path and a folder share files. */
import { realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";

/** Whether one is the other or lies within it, links resolved. Paths are absolute and need not exist. */
export function overlap(path: string, folder: string): boolean {
  const [one, other] = [resolved(path), resolved(folder)];
  return isBelow(one, other) || isBelow(other, one);
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(resolved(parent), relative(parent, path));
  }
}
