/** The examples that models are compared on, as text. */
import { ModelError } from "../../../models/errors.ts";
import { seededRandom, seededSample } from "../../../models/random.ts";
import type { TrainRequest } from "../../../protocol/train-request.ts";
import { datasetOptions, encodeData, prefixed } from "../data/encode.ts";
import { readTrainingData } from "../data/read.ts";
import { findTask } from "../data/tasks.ts";

/** A text with the prefix of its task, and what should be answered. */
export interface Sample {
  readonly prefix: string;
  readonly input: string;
  readonly target: string;
}

/** Where examples come from: data as training reads them, or the part of its data that a training run keeps out. */
export type SampleSource = { readonly data: string; readonly task: string } | { readonly run: TrainRequest };

/** Words of a window with gaps, of a gap, and from one gap to the next. */
const [WINDOW, GAP, APART] = [90, 3, 20];

/**
 * Reads examples, and draws some by the seed. Texts get gaps of three words; those of a run have its own gaps.
 * @param model folder of the model whose prefix of the task counts
 * @throws ModelError "input" naming file and row, or when there is no example
 */
export async function readSamples(
  model: string,
  source: SampleSource,
  { seed, limit }: { readonly seed: number; readonly limit: number },
  signal: AbortSignal,
): Promise<{ readonly samples: readonly Sample[]; readonly notes: readonly string[] }> {
  const { samples, notes } =
    "run" in source ? await keptOut(model, source.run, signal) : await allOf(model, source, signal);
  return { samples: seededSample(samples, limit, seededRandom(seed)), notes };
}

async function keptOut(model: string, run: TrainRequest, signal: AbortSignal) {
  const task = findTask(run.task);
  const { tokenizer, prefix } = await prefixed(model, task, run.prefix, 0);
  const data = await readTrainingData(task, run, signal);
  const { judged } = encodeData(task, tokenizer, data, datasetOptions(model, task, run, prefix));
  const textOf = (ids: readonly number[]) => {
    return tokenizer.decode(
      ids.filter((id) => id !== tokenizer.eosId),
      { keepSpecial: true },
    );
  };
  const samples = judged.map(({ example, text, accepted: [target] }): Sample => {
    if (target !== undefined) return { prefix, input: text, target };
    const input = textOf(example.input);
    return { prefix: input.startsWith(prefix) ? prefix : "", input, target: textOf(example.target) };
  });
  return { samples, notes: data.notes };
}

async function allOf(model: string, { data, task: name }: { data: string; task: string }, signal: AbortSignal) {
  const task = findTask(name);
  const { prefix } = await prefixed(model, task, undefined, 0);
  const { pairs, apart, documents, notes } = await readTrainingData(task, { data, columns: {} }, signal);
  const samples = [
    ...(apart.length > 0 ? apart : pairs).map(({ input, target }) => ({ prefix, input: prefix + input, target })),
    ...documents.flatMap(({ text }) => windowsOf(text, prefix)),
  ];
  if (samples.length === 0) throw new ModelError("input", `${data} has no example of ${name}. Name other data.`);
  return { samples, notes };
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
