// docs/fuzz.md: for each reader the last search that was kept, a line each.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const FILE = "docs/fuzz.md";
const HEAD = `# Searches for inputs that crash, hang or bloat a reader

\`npm run fuzz -- --seconds 600 --write [reader ...]\` changes each reader's seeds by coverage (Jazzer.js) for as long as it says, and keeps a line here. An
input that takes more than five seconds or 3 GB, or throws anything but an error with a message for people, ends the search; what is found is kept
in test/fixtures/fuzz, which \`npm test\` reads. The coverage is the number of edges at the beginning and at the end; the memory is that of the whole process, with V8's
heap, the instrumented readers and the inputs kept.

| reader | seconds | inputs | coverage | inputs kept | memory, MB | found |
|---|---|---|---|---|---|---|
`;

/** Replaces the line of a reader. */
export function record({ name, seconds, inputs, coverage, kept, memory, found }) {
  const lines = existsSync(FILE) ? readFileSync(FILE, "utf8").split("\n") : [];
  const rows = new Map(lines.filter((line) => /^\| [a-z]/.test(line)).map((line) => [line.split(" ")[1], line]));
  rows.delete("reader");
  rows.set(
    name,
    `| ${[name, seconds, Number(inputs).toLocaleString("en-US"), coverage, kept, memory, found].join(" | ")} |`,
  );
  writeFileSync(
    FILE,
    `${HEAD}${[...rows.keys()]
      .sort()
      .map((key) => rows.get(key))
      .join("\n")}\n`,
  );
}
