/** A runner whose logits are a function of the tokens so far, so that a search can be tested against plain reasoning. */

import { penalize, penalizedTokens } from "../../server/engine/search/logits.ts";
import type { DecoderState, Runner } from "../../server/engine/search/runner.ts";

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
 */
export function scriptedRunner(
  vocabSize: number,
  logitsOf: (tokens: readonly number[], input: number) => ArrayLike<number>,
  startToken = 0,
): ScriptedRunner {
  const calls: string[] = [];
  const living = new Set<object>();
  const rowsOf = new WeakMap<DecoderState, readonly (readonly number[])[]>();

  function stateOf(rows: readonly (readonly number[])[]): DecoderState {
    const state: DecoderState = {
      rows: rows.length,
      length: rows[0]?.length ?? 0,
      dispose: () => living.delete(state),
    };
    living.add(state);
    rowsOf.set(state, rows);
    return state;
  }

  const runner: ScriptedRunner = {
    calls,
    alive: () => living.size,
    vocabSize,
    async encode(inputs) {
      calls.push(`encode ${inputs.length}`);
      const encoded = { batch: inputs.length, dispose: () => void living.delete(encoded) };
      living.add(encoded);
      return encoded;
    },
    start(encoded, beams) {
      calls.push(`start ${encoded.batch * beams}`);
      return stateOf(Array.from({ length: encoded.batch * beams }, () => []));
    },
    async step(encoded, state, tokens, reorder, all = false) {
      const n = tokens.length / state.rows;
      calls.push(`step ${state.rows}x${n}`);
      state.dispose();
      const before = rowsOf.get(state) ?? [];
      const logits: number[] = [];
      const rows = before.map((own, row) => {
        let history = reorder === null ? own : (before[reorder[row] ?? row] ?? []);
        for (let i = 0; i < n; i += 1) {
          history = [...history, tokens[row * n + i] ?? 0];
          const input = Math.floor(row / (state.rows / encoded.batch));
          if (all || i === n - 1) logits.push(...Array.from(logitsOf(history, input)));
        }
        return history;
      });
      return { logits: Float32Array.from(logits), state: stateOf(rows) };
    },
    async greedy(encoded, state, tokens, history, chunk) {
      calls.push(`greedy ${chunk.steps}`);
      state.dispose();
      let rows = (rowsOf.get(state) ?? []).map((row, i) => [...row, tokens[i] ?? 0]);
      const past = history.map((row) => [startToken, ...row]);
      const ids: number[][] = rows.map(() => []);
      const logProbs: number[][] = rows.map(() => []);
      for (let step = 0; step < chunk.steps; step += 1) {
        rows = rows.map((row, i) => {
          const logits = Float32Array.from(logitsOf(row, Math.floor(i / (state.rows / encoded.batch))));
          const scores = logits.slice();
          for (const [token, forbidden] of penalizedTokens(past[i] ?? [], { ...chunk, repetitionPenalty: 1 })) {
            scores[token] = penalize(scores[token] ?? 0, forbidden, 1);
          }
          const token = scores.indexOf(Math.max(...scores));
          ids[i]?.push(token);
          logProbs[i]?.push(logSoftmax(logits)[token] ?? 0);
          past[i]?.push(token);
          return [...row, token];
        });
      }
      return { ids, logProbs, state: stateOf(rows.map((row) => row.slice(0, -1))) };
    },
    async dispose() {},
  };
  return runner;
}

/** Natural log probabilities, the plain way. */
export function logSoftmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const sum = values.reduce((total, value) => total + Math.exp(value), 0);
  return values.map((value) => value - Math.log(sum));
}
