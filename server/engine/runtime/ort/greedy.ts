/** Chunks of greedy steps inside the graph. */
import { ModelError } from "../../../../models/errors.ts";
import type { GreedyChunk } from "../../search/runner.ts";
import { bool, float32Data, int32, int64Scalar, integerData } from "../session.ts";
import { maxPositions, processingFeeds, requireRoom } from "./feeds.ts";
import { asPast, type Cache, type Memory, type OrtModel } from "./model.ts";

/**
 * Runs a chunk of steps.
 * @param memory the encoder's result as feeds, and whether it is padded
 * @returns the ids [rows][n] and their log probabilities, and the cache after them
 * @throws ModelError "input" when the output would be too long, "runtime"
 */
export async function greedySteps(
  model: OrtModel,
  { feeds, masked, adapter }: Pick<Memory, "feeds" | "masked" | "adapter">,
  { past, length, rows, candidates }: Cache,
  tokens: readonly number[],
  history: readonly (readonly number[])[],
  chunk: GreedyChunk,
): Promise<{ ids: number[][]; logProbs: number[][]; next: Cache }> {
  const { config, distances } = model;
  requireRoom(config, length + chunk.steps);
  const { session, own } = await model.decoder("greedy", masked, candidates, adapter);
  const column = (id: number) => candidates.columnOf(id) ?? missingCandidate(id);
  const stops = new Uint8Array(candidates.count);
  for (const id of chunk.stopTokens) stops[column(id)] = 1;
  const {
    columns,
    log_probabilities: logProbabilities,
    ...present
  } = await session.run({
    ...feeds,
    ...own,
    ...past,
    ...processingFeeds(candidates, history, chunk),
    steps: int64Scalar(chunk.steps),
    tokens: int32(tokens.map(column), [rows, 1]),
    // The positions' far end is cut off so that what is laid out in each run stays small.
    position_buckets: int32(distances.subarray(maxPositions - length - chunk.steps), [length + chunk.steps]),
    ended: bool(new Uint8Array(rows), [rows, 1]),
    stops: bool(stops, [candidates.count]),
  });
  const flatIds = integerData(columns).map(candidates.idOf); // [steps, R, 1]
  const flatLogs = float32Data(logProbabilities);
  const count = flatIds.length / rows;
  const byRow = <T>(at: (place: number) => T) =>
    Array.from({ length: rows }, (_, row) => Array.from({ length: count }, (_, i) => at(i * rows + row)));
  return {
    ids: byRow((place) => flatIds[place] ?? config.padTokenId),
    logProbs: byRow((place) => flatLogs[place] ?? 0),
    next: { rows, length: length + count, past: asPast(present), candidates },
  };
}

function missingCandidate(id: number): never {
  throw new ModelError(
    "runtime",
    `Token ${id} continues or ends a text but is not on its shortlist. Please report it.`,
  );
}
