/** Notes on the files of a folder that training leaves out. */

/** Files that are left out, by the reason. */
export class LeftOutFiles {
  readonly #reasons = new Map<string, string[]>();
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  add(name: string, why: string): void {
    this.#reasons.set(why, [...(this.#reasons.get(why) ?? []), name]);
  }

  notes(): string[] {
    return [...this.#reasons].flatMap(([why, names]) => leftOut(this.#folder, names, why));
  }
}

/** A note of files that were left out. */
export function leftOut(folder: string, names: readonly string[], why: string): string[] {
  if (names.length === 0) return [];
  const listed = names.slice(0, 10).join(", ");
  return [`${folder}: ${names.length} left out (${why}): ${listed}${names.length > 10 ? ", ..." : ""}`];
}
