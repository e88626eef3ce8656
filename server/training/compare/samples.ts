/** The examples that models are compared on, as text. */
import { ModelError } from "../../../models/errors.ts";
import { seededRandom, seededSample } from "../../../models/random.ts";
import { prefixed } from "../data/encode.ts";
import { readTrainingData } from "../data/read.ts";
import { findTask } from "../data/tasks.ts";

/** A text with the prefix of its task, and what should be answered. */
export interface Sample {
  readonly prefix: string;
  readonly input: string;
  readonly target: string;
}

/** Words of a window with gaps, of a gap, and from one gap to the next. */
const [WINDOW, GAP, APART] = [90, 3, 20];

/**
 * Reads data as training would, and draws examples by the seed. Texts get gaps of three words.
 * @param model folder of the model whose prefix of the task counts
 * @throws ModelError "input" naming file and row, or when there is no example
 */
export async function readSamples(
  model: string,
  {
    data,
    task: name,
    seed,
    limit,
  }: { readonly data: string; readonly task: string; readonly seed: number; readonly limit: number },
  signal: AbortSignal,
): Promise<{ readonly samples: readonly Sample[]; readonly notes: readonly string[] }> {
  const task = findTask(name);
  const { prefix } = await prefixed(model, task, undefined, 0);
  const { pairs, apart, documents, notes } = await readTrainingData(task, { data, columns: {} }, signal);
  const random = seededRandom(seed);
  const all = [
    ...(apart.length > 0 ? apart : pairs).map(({ input, target }) => ({ prefix, input: prefix + input, target })),
    ...documents.flatMap(({ text }) => windowsOf(text, prefix)),
  ];
  if (all.length === 0) throw new ModelError("input", `${data} has no example of ${name}. Name other data.`);
  return { samples: seededSample(all, limit, random), notes };
}

function windowsOf(text: string, prefix: string): Sample[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const samples: Sample[] = [];
  for (let from = 0; from + APART <= words.length; from += WINDOW) {
    const window = words.slice(from, from + WINDOW);
    const [input, target]: [string[], string[]] = [[], []];
    let gaps = 0;
    for (let at = 0; at < window.length; at += 1) {
      if (at % APART !== APART / 2) input.push(window[at] ?? "");
      else {
        input.push(`<extra_id_${gaps}>`);
        target.push(`<extra_id_${gaps}>`, ...window.slice(at, at + GAP));
        gaps += 1;
        at += GAP - 1;
      }
    }
    if (gaps > 0) samples.push({ prefix, input: prefix + input.join(" "), target: target.join(" ") });
  }
  return samples;
}
