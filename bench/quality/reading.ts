/**
 * `bench reading`: a sheet for a person who reads summaries of raw files in pairs without knowing whose they are, the
 * key to it in another file, and the count once it is filled in.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod";
import { seededRandom } from "../../models/random.ts";
import { parseSettings } from "../../protocol/settings.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import type { Work } from "../../server/command-work.ts";
import { openPool } from "../../server/evaluation/pool.ts";
import { type RawFile, rawFiles, summaries } from "../summaries/raw.ts";
import { calledFrom } from "../support/called-from.ts";
import { printTable } from "../support/table.ts";

/** Options of the sheet. */
export interface ReadingOptions {
  /** The new model, then those that it is compared with, by id or folder. */
  readonly model: readonly string[];
  readonly limit: number;
  readonly seed: number;
  readonly sheet: string;
  readonly key: string;
  /** Whether to count a sheet that is filled in rather than write one. */
  readonly count: boolean;
}

/** Two summaries of one file, in the order in which they are shown. */
export interface Comparison {
  readonly number: number;
  readonly source: string;
  readonly sides: readonly [A: string, B: string];
}

const comparisons = z.array(
  z.object({ number: z.int(), source: z.string(), sides: z.tuple([z.string(), z.string()]) }),
);

/** Systems that are no models. */
const BASELINES: readonly [string, string] = ["ranked sentence", "first sentence"];

/** Writes the sheet and its key, or counts what a reader wrote in it. */
export async function benchReading({ model, limit, seed, sheet, key, count }: ReadingOptions): Promise<void> {
  if (count) {
    const read = comparisons.parse(JSON.parse(readFileSync(key, "utf8")));
    printTable(countVerdicts(readFileSync(sheet, "utf8"), read));
    return;
  }
  const files = await rawFiles(limit, seed);
  const outputs = new Map<string, readonly string[]>();
  const work: Work = { signal: new AbortController().signal, progress: () => undefined };
  const least = parseSettings({}).settings["summary.minimumConfidence"];
  let ranked: readonly string[] | undefined;
  for (const name of model) {
    await using pool = await openPool({
      model: resolveModel(name, { workingFolder: calledFrom() }),
      precision: "int8",
    });
    outputs.set(name, await summaries(pool, files, { style: "sentence", minimumConfidence: least }, work));
    ranked ??= await summaries(pool, files, { style: "sentence", minimumConfidence: 1 }, work);
  }
  const [best, first] = BASELINES;
  outputs.set(best, ranked ?? []);
  outputs.set(
    first,
    files.map(({ sentences }) => sentences[0] ?? ""),
  );
  const made = writeSheet(files, outputs, seed);
  for (const [path, text] of [
    [sheet, made.sheet],
    [key, `${JSON.stringify(made.key, null, 2)}\n`],
  ] as const) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  console.log(
    `${made.key.length} pairs of ${files.length} files: fill in ${sheet}, then add --count. Do not open ${key}.`,
  );
}

/**
 * The sheet, and its key: the first system beside each of the others, sides drawn by the seed. Pairs of equal texts
 * are left out.
 * @param outputs texts by system, in the files' order
 */
export function writeSheet(
  files: readonly Pick<RawFile, "source" | "title" | "prose">[],
  outputs: ReadonlyMap<string, readonly string[]>,
  seed: number,
): { readonly sheet: string; readonly key: readonly Comparison[] } {
  const random = seededRandom(seed);
  const [[first, ofFirst] = ["", []], ...others] = outputs;
  const key: Comparison[] = [];
  const parts = files.map(({ source, title, prose }, i) => {
    const pairs = others.flatMap(([other, texts]) => {
      const [a = "", b = ""] = [ofFirst[i], texts[i]];
      const swapped = random() < 0.5;
      if (a.trim() === b.trim()) return [];
      const sides: [string, string] = swapped ? [other, first] : [first, other];
      key.push({ number: key.length + 1, source, sides });
      return [`**${key.length}.**\n\n- A: ${swapped ? b : a}\n- B: ${swapped ? a : b}\n\nBetter: \n`];
    });
    return pairs.length === 0 ? "" : `## ${title}\n\n${quoted(prose)}\n\n${pairs.join("\n")}`;
  });
  return { sheet: `${INTRODUCTION}\n\n${parts.filter((part) => part !== "").join("\n")}`, key };
}

/** The verdicts by pair of systems, as rows of a table. @throws Error when a verdict is none of A, B and = */
export function countVerdicts(sheet: string, key: readonly Comparison[]): string[][] {
  const counts = new Map<string, { better: number; worse: number; even: number; open: number }>();
  const verdicts = new Map(
    Array.from(sheet.matchAll(/^\*\*(\d+)\.\*\*$[\s\S]*?^Better:[ \t]*(.*)$/gm), ([, number, verdict = ""]) => [
      Number(number),
      verdict.trim().toUpperCase(),
    ]),
  );
  const [subject] = mostCommon(key.flatMap(({ sides }) => sides).filter((name) => !BASELINES.includes(name)));
  for (const { number, sides } of key) {
    const other = sides[0] === subject ? sides[1] : sides[0];
    const count = counts.get(other) ?? { better: 0, worse: 0, even: 0, open: 0 };
    counts.set(other, count);
    const verdict = verdicts.get(number) ?? "";
    if (verdict === "") count.open += 1;
    else if (verdict === "=") count.even += 1;
    else if (verdict !== "A" && verdict !== "B") throw new Error(`Pair ${number}: ${verdict} is none of A, B and =.`);
    else if (sides[verdict === "A" ? 0 : 1] === subject) count.better += 1;
    else count.worse += 1;
  }
  return [
    [`${subject} beside`, "better", "worse", "even", "not read"],
    ...Array.from(counts, ([other, count]) => [other, ...Object.values(count).map(String)]),
  ];
}

const INTRODUCTION = `# Which summary is better?

Read each text, then its summaries, and write A, B or = after "Better:". A better summary says what the text is about, is true
to it, and is a whole sentence in good English. Do not look at the key before you are done.`;

const MOST_SHOWN = 1500;

function quoted(prose: string): string {
  const text = prose.length > MOST_SHOWN ? `${prose.slice(0, MOST_SHOWN)} ...` : prose;
  return text.replace(/^/gm, "> ");
}

function mostCommon(names: readonly string[]): string[] {
  const count = (name: string) => names.filter((other) => other === name).length;
  return [...new Set(names)].sort((a, b) => count(b) - count(a));
}
