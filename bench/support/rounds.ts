/**
 * The rounds of `bench infer`: contenders take turns at the same work, and no call repeats an input of an earlier one.
 */
import type { Contender, ContenderRun } from "./contender.ts";

/** One contender's timed runs, by round. */
export interface Runs {
  /** 16 tokens out. */
  readonly infills: readonly ContenderRun[];
  /** 64 tokens out. */
  readonly summaries: readonly ContenderRun[];
}

const WARMUPS = 2;

/**
 * Has each contender do each round's work after two rounds that warm up.
 * @param nextInput the next call's input; all contenders get the same one in the same round
 * @returns the runs of each contender, in the contenders' order
 * @throws Error when a contender ends before its last token
 */
export async function takeTurns(
  contenders: readonly Contender[],
  rounds: number,
  nextInput: () => readonly number[],
): Promise<Runs[]> {
  const runs = contenders.map(() => ({ infills: [] as ContenderRun[], summaries: [] as ContenderRun[] }));
  for (let round = -WARMUPS; round < rounds; round++) {
    // The order alternates, so that neither side always runs on the other's heels.
    const places = [...contenders.keys()];
    if (round % 2 !== 0) places.reverse();
    for (const [kind, newTokens] of [["infills", 16] as const, ["summaries", 64] as const]) {
      const ids = nextInput();
      for (const place of places) {
        const run = await contenders[place]?.generate([ids], newTokens);
        if (run?.ids[0]?.length !== newTokens)
          throw new Error(`${contenders[place]?.name} gave ${run?.ids[0]?.length} of ${newTokens} tokens`);
        if (round >= 0) runs[place]?.[kind].push(run);
      }
    }
  }
  return runs;
}

/** The number of leading tokens that two contenders have in common, in the round where it is least. */
export function leastSameTokens(ours: readonly ContenderRun[], theirs: readonly ContenderRun[]): number {
  const same = ours.map(({ ids: [ids = []] }, round) => {
    const differs = ids.findIndex((id, i) => id !== theirs[round]?.ids[0]?.[i]);
    return differs < 0 ? ids.length : differs;
  });
  return Math.min(...same);
}
