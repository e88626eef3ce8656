/** Raw text to text with the probability of every token, for the panel's playground. */
import type { Generated, ServerQuestion } from "../../protocol/panel.ts";
import type { GeneratedSequence, LoadedModel } from "../engine/engine.ts";

/** A request of the playground. */
export type PlaygroundRequest = Omit<
  Extract<ServerQuestion, { readonly kind: "generate" }>,
  "kind" | "id" | "precision"
>;

/**
 * Generates from a text as it is, including any prefix; names of sentinels in it are sentinels.
 * @throws ModelError, or the signal's reason
 */
export async function playground(
  model: LoadedModel,
  request: PlaygroundRequest,
  signal: AbortSignal,
): Promise<Omit<Generated, "loadMs">> {
  const { text, maxNewTokens, numBeams, temperature, noRepeatNgramSize, alternatives } = request;
  const input = await model.encode([{ kind: "text", text, special: true }]);
  const wanted = 1 + alternatives;
  const { sequences, timing, cancelled } = await model.generate(
    {
      inputs: [input],
      maxNewTokens,
      noRepeatNgramSize,
      numReturnSequences: wanted,
      ...(temperature > 0 ? { sample: { temperature } } : { numBeams: Math.max(numBeams, wanted) }),
    },
    { signal },
  );
  if (cancelled) signal.throwIfAborted();
  const inPieces = await Promise.all(
    (sequences[0] ?? []).map(async (sequence) => ({ tokens: await pieces(model, sequence), score: sequence.score })),
  );
  const { encodeMs, firstTokenMs, totalMs } = timing;
  return { sequences: inPieces, inputTokens: input.length, encodeMs, firstTokenMs, totalMs };
}

/** The text that each token adds. */
async function pieces(
  model: LoadedModel,
  { ids, logProbs }: GeneratedSequence,
): Promise<Generated["sequences"][number]["tokens"]> {
  const texts = await Promise.all(ids.map((_, i) => model.decode(ids.slice(0, i + 1))));
  const { sentinelIds, config } = model.info;
  return ids.map((id, i) => {
    const sentinel = sentinelIds.indexOf(id);
    const added = (texts[i] ?? "").slice((texts[i - 1] ?? "").length);
    const name = sentinel >= 0 ? ` <extra_id_${sentinel}>` : id === config.eosTokenId ? "</s>" : added;
    return { text: name, probability: Math.exp(logProbs[i] ?? Number.NEGATIVE_INFINITY) };
  });
}
