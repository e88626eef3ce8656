/**
 * A runner whose logits are a function of the tokens so far, so that a search can be tested against plain reasoning.
 */

import type { DecoderState, Encoded, Runner } from "../../../server/engine/search/runner.ts";
import { plainlyBanned } from "../plain-bans.ts";

/** What a scripted runner was asked. */
export interface ScriptedRunner extends Runner {
  /** Every call in order: "encode 2", "start 4", "step 4x1", "greedy 8". */
  readonly calls: string[];
  /** States and encoder results not disposed and not consumed. */
  alive(): number;
}

/**
 * @param logitsOf the logits after a row's decoder tokens (start token included), for input `input` of the batch
 * @param startToken what the runner counts into each row's history
 * @param onGreedy called before each chunk of greedy steps; what it throws, the chunk throws
 */
export function scriptedRunner(
  vocabSize: number,
  logitsOf: (tokens: readonly number[], input: number) => ArrayLike<number>,
  startToken = 0,
  onGreedy: () => void = () => undefined,
): ScriptedRunner {
  const calls: string[] = [];
  const living = new Set<object>();

  /** @param inputs the index of each input, in the order of the rows, as many for each */
  function stateOf(rows: readonly (readonly number[])[], inputs: readonly number[]): DecoderState {
    const inputOf = (row: number, count = rows.length) => inputs[Math.floor((row * inputs.length) / count)] ?? 0;
    const state: DecoderState = {
      rows: rows.length,
      length: rows[0]?.length ?? 0,
      dispose: () => living.delete(state),
      async step(tokens, reorder, all = false) {
        const continued = reorder === null ? rows : reorder.map((row) => rows[row] ?? []);
        const n = tokens.length / continued.length;
        calls.push(`step ${continued.length}x${n}`);
        state.dispose();
        const logits: number[] = [];
        const next = continued.map((own, row) => {
          let history = own;
          for (let i = 0; i < n; i += 1) {
            history = [...history, tokens[row * n + i] ?? 0];
            if (all || i === n - 1) logits.push(...Array.from(logitsOf(history, inputOf(row, continued.length))));
          }
          return history;
        });
        return { logits: Float32Array.from(logits), state: stateOf(next, inputs) };
      },
      narrowed(kept) {
        state.dispose();
        return stateOf(
          rows,
          kept.map((place) => inputs[place] ?? 0),
        );
      },
      async tree(tokens, parents) {
        calls.push(`tree ${tokens.length}`);
        const paths: number[][] = [];
        for (const [i, token] of tokens.entries()) paths.push([...(paths[parents[i] ?? -1] ?? rows[0] ?? []), token]);
        return Float32Array.from(paths.flatMap((path) => Array.from(logitsOf(path, 0))));
      },
      async greedy(tokens, history, chunk) {
        onGreedy();
        calls.push(`greedy ${chunk.steps}`);
        state.dispose();
        let next = rows.map((row, i) => [...row, tokens[i] ?? 0]);
        const past = history.map((row) => [startToken, ...row]);
        const ids: number[][] = next.map(() => []);
        const logProbs: number[][] = next.map(() => []);
        for (let step = 0; step < chunk.steps; step += 1) {
          next = next.map((row, i) => {
            const logits = Float32Array.from(logitsOf(row, inputOf(i)));
            const scores = logits.slice();
            for (const token of plainlyBanned(past[i] ?? [], chunk)) scores[token] = -Infinity;
            const token = scores.indexOf(Math.max(...scores));
            ids[i]?.push(token);
            logProbs[i]?.push(logSoftmax(logits)[token] ?? 0);
            past[i]?.push(token);
            return [...row, token];
          });
        }
        const left = next.map((row) => row.slice(0, -1));
        return { ids, logProbs, state: stateOf(left, inputs) };
      },
    };
    living.add(state);
    return state;
  }

  return {
    calls,
    alive: () => living.size,
    vocabSize,
    timing: {},
    async encode(inputs) {
      calls.push(`encode ${inputs.length}`);
      const encoded: Encoded = {
        batch: inputs.length,
        start(beams) {
          calls.push(`start ${inputs.length * beams}`);
          return stateOf(
            Array.from({ length: inputs.length * beams }, () => []),
            inputs.map((_, i) => i),
          );
        },
        dispose: () => void living.delete(encoded),
      };
      living.add(encoded);
      return encoded;
    },
    async dispose() {},
  };
}

/** Natural log probabilities, the plain way. */
export function logSoftmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const sum = values.reduce((total, value) => total + Math.exp(value), 0);
  return values.map((value) => value - Math.log(sum));
}
