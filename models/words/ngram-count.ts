/** Counts the word n-grams of texts, for comparisons; those that ship are counted by models/recipes/ngrams.py. */

import { logOf, MOST_WORDS, type NgramLevel, type NgramTable, UNKNOWN_WORD } from "./ngram-table.ts";
import { ngramWords, PARAGRAPH } from "./ngram-words.ts";

/** All words and runs of up to three in texts; none continues across the end of a paragraph or text. */
export async function countNgrams(texts: AsyncIterable<string> | Iterable<string>): Promise<NgramTable> {
  const indices = new Map<string, number>();
  const seen: number[] = [];
  const parts: Uint32Array[] = [];
  for await (const text of texts) {
    const words = ngramWords(`\n\n${text}`);
    parts.push(
      Uint32Array.from(words, (word) => {
        const index = indices.get(word) ?? indices.size;
        indices.set(word, index);
        seen[index] = (seen[index] ?? 0) + 1;
        return index;
      }),
    );
  }
  const frequent = [...seen.keys()].sort((a, b) => (seen[b] ?? 0) - (seen[a] ?? 0)).slice(0, MOST_WORDS - 1);
  const unknown = frequent.length;
  const places = new Uint16Array(seen.length).fill(unknown);
  for (const [place, index] of frequent.entries()) places[index] = place;
  const ids = new Uint16Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) for (const index of part) ids[at++] = places[index] ?? unknown;
  const known = [...indices.keys()];
  const words = [...frequent.map((index) => known[index] ?? ""), UNKNOWN_WORD];
  const counts = new Float64Array(words.length).fill(0);
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  const paragraph = words.indexOf(PARAGRAPH);
  const pairs = sortedRuns(ids, 2, paragraph);
  const triples = sortedRuns(ids, 3, paragraph);
  return {
    words,
    alphabet: Uint16Array.from(words.keys()).sort((a, b) => ((words[a] ?? "") < (words[b] ?? "") ? -1 : 1)),
    counts,
    levels: [
      levelOf(
        pairs,
        Float64Array.from(words.keys(), (i) => i),
      ),
      levelOf(triples, pairs.keys),
    ],
  };
}

/** Different runs, ascending, as numbers of 16 bits a word; and how often each was seen. */
interface Runs {
  readonly keys: Float64Array;
  readonly counts: readonly number[];
}

function sortedRuns(ids: Uint16Array, order: number, paragraph: number): Runs {
  const all = new Float64Array(Math.max(0, ids.length - order + 1));
  let size = 0;
  for (let i = 0; i + order <= ids.length; i++) {
    if (ids.subarray(i + 1, i + order - 1).includes(paragraph)) continue;
    let key = 0;
    for (let j = i; j < i + order; j++) key = key * 0x10000 + (ids[j] ?? 0);
    all[size++] = key;
  }
  const sorted = all.subarray(0, size).sort();
  const keys: number[] = [];
  const counts: number[] = [];
  for (const key of sorted) {
    if (keys.at(-1) === key) counts.push((counts.pop() ?? 0) + 1);
    else {
      keys.push(key);
      counts.push(1);
    }
  }
  return { keys: Float64Array.from(keys), counts };
}

function levelOf({ keys, counts }: Runs, above: Float64Array): NgramLevel {
  const starts = new Uint32Array(above.length + 1);
  let at = 0;
  for (const [parent, key] of above.entries()) {
    while (at < keys.length && Math.floor((keys[at] ?? 0) / 0x10000) === key) at += 1;
    starts[parent + 1] = at;
  }
  return {
    starts,
    words: Uint16Array.from(keys, (key) => key % 0x10000),
    logs: Uint8Array.from(counts, logOf),
  };
}
