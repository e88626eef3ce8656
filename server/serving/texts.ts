/** Encoded texts and decoders that clients are likely to go on with; this only saves time. */
import { LRUCache } from "lru-cache";
import type { OrtRunner } from "../engine/runtime/ort/runner.ts";
import type { Candidates } from "../engine/search/candidates.ts";
import type { DecoderState, Encoded } from "../engine/search/runner.ts";

/** A decoder, and the tokens that each of its rows was fed. */
export interface FedDecoder {
  readonly state: DecoderState;
  readonly rows: readonly (readonly number[])[];
  /** Identifies the columns of its logits. */
  readonly candidatesKey: string;
}

/** An encoded text. */
export interface Text {
  readonly encoded: Encoded;
  /**
   * Takes a decoder that was fed the beginning of each row, at most `most` tokens of it, the most of all; it belongs to
   * the caller then.
   * @returns also which of its rows each row continues; undefined if there is none
   */
  takeDecoder(
    rows: readonly (readonly number[])[],
    most: number,
    candidatesKey: string,
  ): { readonly decoder: FedDecoder; readonly reorder: readonly number[] } | undefined;
  keep(decoder: FedDecoder): void;
}

/** Texts by their token ids. */
export interface Texts {
  /** The text of rows of ids, encoded if it is not known. Stays usable until the next call. */
  of(inputs: readonly (readonly number[])[]): Promise<Text>;
  dispose(): void;
}

/** Decoders kept for a text. */
const MOST_DECODERS = 2;

/** Creates a store of at most `mostBytes` of encoded texts, as `bytesOf` counts them. */
export function createTexts(runner: OrtRunner, bytesOf: (tokens: number) => number, mostBytes = 256e6): Texts {
  const texts = new LRUCache<string, Text & { dispose(): void }>({
    maxSize: mostBytes,
    dispose: (text) => text.dispose(),
  });
  let unkept: { dispose(): void } | undefined;
  return {
    async of(inputs) {
      unkept?.dispose();
      unkept = undefined;
      const key = inputs.join(";");
      const known = texts.get(key);
      if (known !== undefined) return known;
      const text = textOf(await runner.encode(inputs));
      const size = bytesOf(inputs.length * Math.max(1, ...inputs.map(({ length }) => length)));
      if (size <= mostBytes) texts.set(key, text, { size });
      else unkept = text;
      return text;
    },
    dispose: () => {
      unkept?.dispose();
      texts.clear();
    },
  };
}

function textOf(encoded: Encoded): Text & { dispose(): void } {
  const decoders: FedDecoder[] = [];
  return {
    encoded,
    takeDecoder(rows, most, candidatesKey) {
      const fits = decoders
        .map((decoder) => ({ decoder, reorder: continued(decoder, rows, encoded.batch) }))
        .filter(({ decoder, reorder }) => reorder !== undefined && decoder.candidatesKey === candidatesKey)
        .filter(({ decoder }) => (decoder.rows[0]?.length ?? 0) <= most)
        .sort((a, b) => (b.decoder.rows[0]?.length ?? 0) - (a.decoder.rows[0]?.length ?? 0));
      const [best] = fits;
      if (best?.reorder === undefined) return undefined;
      decoders.splice(decoders.indexOf(best.decoder), 1);
      return { decoder: best.decoder, reorder: best.reorder };
    },
    keep(decoder) {
      decoders.unshift(decoder);
      for (const { state } of decoders.splice(MOST_DECODERS)) state.dispose();
    },
    dispose() {
      for (const { state } of decoders.splice(0)) state.dispose();
      encoded.dispose();
    },
  };
}

/** Which of a decoder's rows each row continues, of the same input; undefined if one continues none. */
function continued(decoder: FedDecoder, rows: readonly (readonly number[])[], batch: number): number[] | undefined {
  const [before, now] = [decoder.rows.length / batch, rows.length / batch];
  const reorder: number[] = [];
  for (const [i, row] of rows.entries()) {
    const from = Math.floor(i / now) * before;
    const of = decoder.rows.slice(from, from + before).findIndex((fed) => startsWith(row, fed));
    if (of < 0) return undefined;
    reorder.push(from + of);
  }
  return reorder;
}

function startsWith(row: readonly number[], beginning: readonly number[]): boolean {
  return beginning.length <= row.length && beginning.every((token, i) => row[i] === token);
}

/** Identifies candidates. */
export function keyOfCandidates({ shortlist }: Candidates): string {
  return shortlist === null ? "" : `${shortlist.common.ids.length} ${shortlist.own}`;
}
