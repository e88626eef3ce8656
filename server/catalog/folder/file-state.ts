/** Identifies a state of a file without reading it. */
import type { Stats } from "node:fs";

/**
 * Size, times and inode, which identify a state of a file. The change time detects writes that preserve the
 * modification time, such as a copy over the file with the same size.
 */
export function fileState({ size, mtimeMs, ctimeMs, ino }: Stats): readonly number[] {
  return [size, mtimeMs, ctimeMs, ino];
}
