/** How likely given continuations of a prefix are, scored together. */
import type { GenerateRequest } from "../engine.ts";
import type { Candidates } from "./candidates.ts";
import { candidatesOf, type TokenModel } from "./generate.ts";
import { logSumOfExponentials } from "./logits.ts";
import { checkTokens, searchSettings } from "./request.ts";

/** Continuations of one input. */
export interface Continuations {
  /** Token ids of each, at least one. */
  readonly ids: readonly (readonly number[])[];
  /** A continuation is given up where its log probability falls below this. */
  readonly floor: number;
}

/** A continuation and what is known of it. */
interface Scored {
  readonly ids: readonly number[];
  /** One for each token so far. */
  readonly logProbs: number[];
  sum: number;
  /** Its row among those of its input. */
  row: number;
}

/** An input of the state. */
interface Input {
  /** Its place among the inputs of the state before. */
  readonly place: number;
  readonly floor: number;
  /** Those of its continuations that go on. */
  readonly open: readonly Scored[];
}

/**
 * The log probabilities of each continuation's tokens after a forced prefix: one step for the shared prefix, then one
 * for each position, of those continuations that reach it.
 * @param continuations for each input
 * @returns log probabilities of all tokens, or undefined for a continuation that was given up
 * @throws ModelError "input" for ids outside the vocabulary or empty rows
 */
export async function scoreContinuations(
  model: TokenModel,
  inputs: readonly (readonly number[])[],
  request: Pick<GenerateRequest, "decoderPrefix" | "shortlist">,
  continuations: readonly Continuations[],
): Promise<(number[] | undefined)[][]> {
  const { runner, config } = model;
  const settings = searchSettings({ ...request, inputs, maxNewTokens: 1 }, config, runner.vocabSize);
  const all = continuations.flatMap(({ ids }) => ids);
  for (const ids of all) checkTokens("a proposal", ids, runner.vocabSize, 1);
  const candidates = candidatesOf(model, { ...settings, prompt: [...settings.prompt, ...all.flat()] });
  const encoded = await runner.encode(settings.inputs);
  let state = encoded.start(1, candidates);
  try {
    const scored = continuations.map(
      ({ ids, floor }, place): Input => ({
        place,
        floor,
        open: ids.map((each) => ({ ids: each, logProbs: [], sum: 0, row: 0 })),
      }),
    );
    const first = await state.step(
      inputs.flatMap(() => settings.prompt),
      null,
    ); // [B, C]
    state = first.state;
    extend(scored, first.logits, candidates, 1);
    let [placed, rows] = [stillOpen(scored), 1];
    while (placed.some(({ open }) => open.length > 0)) {
      const left = placed.filter(({ open }) => open.length > 0);
      if (2 * left.length <= placed.length && state.narrowed) {
        state = state.narrowed(left.map(({ place }) => place));
        placed = left;
      }
      // Rows beyond those of an input are padding.
      const next = Math.max(...placed.map(({ open }) => open.length));
      const fed = placed.flatMap(({ open, place }) =>
        Array.from({ length: next }, (_, row) => ({
          token: open[row]?.ids[open[row].logProbs.length - 1] ?? settings.padTokenId,
          from: place * rows + (open[row]?.row ?? 0),
        })),
      );
      const step = await state.step(
        fed.map(({ token }) => token),
        fed.map(({ from }) => from),
      ); // [B x N, C]
      state = step.state;
      rows = next;
      for (const { open } of placed) for (const [row, each] of open.entries()) each.row = row;
      extend(placed, step.logits, candidates, rows);
      placed = stillOpen(placed);
    }
    return scored.map(({ open }) =>
      open.map(({ ids, logProbs }) => (logProbs.length === ids.length ? logProbs : undefined)),
    );
  } finally {
    state.dispose();
    encoded.dispose();
  }
}

/** The inputs, numbered anew, with those continuations that go on. */
function stillOpen(inputs: readonly Input[]): Input[] {
  return inputs.map(({ open, floor }, place) => ({
    place,
    floor,
    open: open.filter(({ ids, logProbs, sum }) => logProbs.length < ids.length && sum >= floor),
  }));
}

/** Adds to each continuation the log probability of its next token. @param rows of each input */
function extend(inputs: readonly Input[], logits: Float32Array, candidates: Candidates, rows: number): void {
  for (const [i, { open }] of inputs.entries()) {
    const logSums = new Map<number, number>();
    for (const each of open) {
      const at = (i * rows + each.row) * candidates.count;
      const ofRow = logits.subarray(at, at + candidates.count);
      const logSum = logSums.get(each.row) ?? logSumOfExponentials(ofRow);
      logSums.set(each.row, logSum);
      const column = candidates.columnOf(each.ids[each.logProbs.length] ?? -1) ?? -1;
      const logProb = (ofRow[column] ?? Number.NaN) - logSum;
      each.logProbs.push(logProb);
      each.sum += logProb;
    }
  }
}
