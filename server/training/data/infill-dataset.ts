/** A dataset of gaps in texts, made by T5's span corruption or by UL2's denoisers. */
import { ModelError } from "../../../models/errors.ts";
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import type { Example } from "../../../models/t5/batch.ts";
import {
  type Denoiser,
  denoiserMask,
  type ModeTexts,
  mostNoise,
  randomSpansNoiseMask,
  UL2_DENOISERS,
} from "../../../models/tokenizer/corruption.ts";
import { encodeParts, prefixedText } from "../../../models/tokenizer/parts.ts";
import type { Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import { checkInputRoom, type Dataset, type DatasetOptions, type Document } from "./dataset.ts";
import { split } from "./split.ts";

/** How windows of texts become examples. */
interface Objective {
  /** Tokens of a window. */
  readonly length: number;
  corrupt(ids: readonly number[], random: () => number): Example;
  /** An example whose gaps can be filled exactly, by which a run is judged. */
  judged(ids: readonly number[], random: () => number): Example;
}

/**
 * A dataset of gaps in texts, which are to be filled. A mark gives a gap's length half of the time, where the
 * vocabulary has marks.
 * @throws ModelError "input" when the texts are too few, or the vocabulary or the limits do not suffice
 */
export function infillDataset(tokenizer: Tokenizer, documents: readonly Document[], options: DatasetOptions): Dataset {
  if (tokenizer.sentinelIds.length < 2) {
    throw new ModelError("input", "The model's vocabulary has no sentinels, so it cannot learn to fill gaps.");
  }
  const { length, corrupt, judged } = objectiveOf(tokenizer, options);
  const windows = documents.flatMap(({ source, text }) => {
    const ids = tokenizer.encode(text);
    const count = Math.ceil(ids.length / length);
    return Array.from({ length: count }, (_, i) => ({ source, ids: ids.slice(i * length, (i + 1) * length) }));
  });
  const usable = windows.filter(({ ids }) => wordStarts(tokenizer, ids).length >= LEAST_WORDS);
  const { learned, heldOut } = split(usable, options);
  const corrupted = (windows: typeof usable, epoch: number, make: Objective["corrupt"]) =>
    windows.map(({ ids }, i) => make(ids, seededRandom(mixSeeds(mixSeeds(options.seed, epoch), i))));
  return {
    count: learned.length,
    examples: (epoch) => corrupted(learned, epoch + 1, corrupt),
    validation: corrupted(heldOut, 0, corrupt),
    judged: corrupted(options.whole === true ? [] : heldOut, 0, judged).map((example) => ({
      example,
      text: tokenizer.decode(example.input, { keepSpecial: true }),
      accepted: [],
    })),
    notes: [],
  };
}

function objectiveOf(tokenizer: Tokenizer, options: DatasetOptions): Objective {
  const { modes, whole, maxInputTokens } = options;
  if (modes !== undefined) return denoisers(tokenizer, options, modes);
  if (whole !== true) return wordSpans(tokenizer, options);
  const { before, after } = tokenizer.frame;
  checkInputRoom(maxInputTokens, before.length, LEAST_WORDS);
  const corrupt = (ids: readonly number[]): Example => {
    const text = [...before, ...ids, ...after];
    return { input: text, target: text };
  };
  return { length: maxInputTokens - before.length - after.length, corrupt, judged: corrupt };
}

/** T5's span corruption of whole words: 15% of them, two at a time on average. */
function wordSpans(tokenizer: Tokenizer, { prefix, maxInputTokens, maxTargetTokens }: DatasetOptions): Objective {
  const head = headOf(tokenizer, prefix);
  // Input and target share a window's tokens; each gap costs a sentinel on both sides, and perhaps a mark.
  const byTarget = (maxTargetTokens - 2) / (DENSITY * 1.6);
  const bySentinels = ((tokenizer.sentinelIds.length - 1) * MEAN_WORDS) / DENSITY;
  checkInputRoom(maxInputTokens, head.length, LEAST_WORDS);
  checkTargetRoom(maxTargetTokens, Math.ceil(LEAST_WORDS * DENSITY * 1.6) + 2);
  const corrupt = (ids: readonly number[], random: () => number): Example => {
    const starts = wordStarts(tokenizer, ids);
    const removed = randomSpansNoiseMask(starts.length, DENSITY, MEAN_WORDS, random);
    const spans = runsOf(removed).map(({ begin: first, end: after }): Span => {
      const begin = starts[first] ?? 0;
      let end = starts[after] ?? ids.length;
      // The punctuation and line ends after a word stay.
      while (end > begin + 1 && !isWordly(tokenizer, ids[end - 1])) end -= 1;
      return { begin, end, words: after - first };
    });
    return withoutSpans(tokenizer, head, ids, spans, random() < 0.5);
  };
  const length = Math.floor(Math.min(maxInputTokens - head.length - 1, byTarget, bySentinels));
  return { length, corrupt, judged: corrupt };
}

/**
 * UL2's denoisers, which take out tokens, not whole words. Windows are so long that each denoiser's example fits.
 * @see UL2_DENOISERS
 */
function denoisers(
  tokenizer: Tokenizer,
  { prefix, maxInputTokens, maxTargetTokens }: DatasetOptions,
  modes: ModeTexts,
): Objective {
  const heads = {
    R: headOf(tokenizer, modes.R + prefix),
    S: headOf(tokenizer, modes.S + prefix),
    X: headOf(tokenizer, modes.X + prefix),
  };
  const { sentinelIds, lengthMarks, frame } = tokenizer;
  const least = UL2_DENOISERS.map((denoiser) => mostNoise(denoiser, LEAST_TOKENS));
  const leastSentinels = 1 + Math.max(...least.map(({ spans }) => spans));
  if (sentinelIds.length < leastSentinels) {
    throw new ModelError(
      "input",
      `--objective ul2 needs ${leastSentinels} sentinels (<extra_id_0> ...), and the model's vocabulary has ${sentinelIds.length}. Choose --objective spans, or a model with more.`,
    );
  }
  checkInputRoom(maxInputTokens, Math.max(...Object.values(heads).map((head) => head.length)), LEAST_TOKENS);
  checkTargetRoom(maxTargetTokens, 2 + Math.max(...least.map(({ noise, spans }) => noise + spans)));
  const marks = lengthMarks.length === 0 ? 1 : 2;
  const fits = (length: number) =>
    UL2_DENOISERS.every((denoiser) => {
      const { noise, spans } = mostNoise(denoiser, length);
      // S leaves the most where it takes the least.
      const remaining = denoiser.mode === "S" ? length - 1 : length - noise;
      const input = heads[denoiser.mode].length + remaining + marks * spans + frame.after.length;
      return input <= maxInputTokens && noise + spans + 2 <= maxTargetTokens && spans < sentinelIds.length;
    });
  let length = maxInputTokens;
  while (length > LEAST_TOKENS && !fits(length)) length -= 1;
  const make =
    (choose: (random: () => number) => Denoiser) =>
    (ids: readonly number[], random: () => number): Example => {
      const denoiser = choose(random);
      const spans = runsOf(denoiserMask(denoiser, ids.length, random)).map(({ begin, end }): Span => {
        const words = wordStarts(tokenizer, ids.slice(begin, end)).length;
        return { begin, end, words: Math.max(1, words) };
      });
      return withoutSpans(tokenizer, heads[denoiser.mode], ids, spans, random() < 0.5);
    };
  const [shortest] = UL2_DENOISERS as readonly [Denoiser];
  return {
    length,
    corrupt: make((random) => UL2_DENOISERS[Math.floor(random() * UL2_DENOISERS.length)] ?? shortest),
    judged: make(() => shortest),
  };
}

const [DENSITY, MEAN_WORDS, LEAST_WORDS] = [0.15, 2, 8];
/** Tokens of the shortest window that denoisers are given. */
const LEAST_TOKENS = 16;

function headOf(tokenizer: Tokenizer, prefix: string): number[] {
  if (prefix.trim() === "") return [...tokenizer.frame.before];
  return encodeParts(tokenizer, prefixedText(prefix, ""));
}

/** @throws ModelError "input" when the least target does not fit */
function checkTargetRoom(maxTargetTokens: number, least: number): void {
  if (maxTargetTokens >= least) return;
  throw new ModelError(
    "input",
    `--max-target-tokens ${maxTargetTokens} leaves no room for gaps and their marks. Use at least ${least}.`,
  );
}

/** Tokens [begin, end) that are taken out, and the number of words that their length mark gives. */
interface Span {
  readonly begin: number;
  readonly end: number;
  readonly words: number;
}

/** The runs of true in a mask, [begin, end). */
function runsOf(mask: readonly boolean[]): { readonly begin: number; readonly end: number }[] {
  return mask.flatMap((removed, begin) => {
    if (!removed || mask[begin - 1] === true) return [];
    const after = mask.indexOf(false, begin);
    return [{ begin, end: after < 0 ? mask.length : after }];
  });
}

/** Takes spans out of a text: their sentinels and marks stand in the input, what was taken out is the target. */
function withoutSpans(
  tokenizer: Tokenizer,
  head: readonly number[],
  ids: readonly number[],
  spans: readonly Span[],
  marksLengths: boolean,
): Example {
  const input = [...head];
  const target: number[] = [];
  const sentinel = (gap: number) => tokenizer.sentinelIds[gap] ?? tokenizer.unkId;
  let from = 0;
  for (const [gap, { begin, end, words }] of spans.entries()) {
    const mark = marksLengths ? tokenizer.lengthMarks.findLast(({ leastWords }) => leastWords <= words) : undefined;
    input.push(...ids.slice(from, begin), sentinel(gap), ...(mark === undefined ? [] : [mark.id]));
    target.push(sentinel(gap), ...ids.slice(begin, end));
    from = end;
  }
  return {
    input: [...input, ...ids.slice(from), ...tokenizer.frame.after],
    target: [...target, sentinel(spans.length), tokenizer.eosId],
  };
}

/** Where words begin: at "▁", or after a line end. */
function wordStarts(tokenizer: Tokenizer, ids: readonly number[]): number[] {
  return ids.flatMap((id, i) => {
    const before = i === 0 ? "\n" : (tokenizer.pieceOf(ids[i - 1] ?? 0) ?? "");
    const begins = (tokenizer.pieceOf(id) ?? "").startsWith("▁") || before.includes("\n");
    return begins && isWordly(tokenizer, id) ? [i] : [];
  });
}

function isWordly(tokenizer: Tokenizer, id: number | undefined): boolean {
  return id !== undefined && /[\p{L}\p{N}]/u.test(tokenizer.pieceOf(id) ?? "");
}
