/** The character map of a SentencePiece model: sequences of bytes and what they become. */
import { ModelError } from "../../errors.ts";

/** The mapped beginning of a text. */
export interface MappedPrefix {
  /** Bytes of the text. */
  readonly length: number;
  readonly text: string;
}

/** A trie of byte sequences, with the text that each becomes. */
export interface CharacterMap {
  /** The shortest or longest mapped sequence that the bytes begin with at `start`. */
  find(bytes: Uint8Array, start: number, which: "shortest" | "longest"): MappedPrefix | undefined;
  /** The bytes with which longer mapped sequences go on after these. */
  following(bytes: Uint8Array): ReadonlySet<number>;
}

/**
 * Reads a map.
 * @param blob `precompiled_charsmap`: the trie's size, a double array by darts-clone, texts that end with a zero
 * @throws ModelError "tokenizer" when it is damaged
 * @see PrecompileCharsMap, sentencepiece builder.cc; huggingface/spm_precompiled
 */
export function readCharacterMap(blob: Uint8Array): CharacterMap {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const trieBytes = blob.byteLength >= 4 ? view.getUint32(0, true) : 1;
  if (trieBytes % 4 !== 0 || trieBytes === 0 || 4 + trieBytes > blob.byteLength) throw damaged();
  const units = unitsOf(blob.subarray(4, 4 + trieBytes));
  const texts = blob.subarray(4 + trieBytes);
  const known = new Map<number, string>();
  const textAt = (start: number): string => {
    const earlier = known.get(start);
    if (earlier !== undefined) return earlier;
    const end = texts.indexOf(0, start);
    if (start >= texts.length) throw damaged();
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      texts.subarray(start, end < 0 ? texts.length : end),
    );
    known.set(start, text);
    return text;
  };
  return {
    find(bytes, start, which) {
      let place = offsetOf(units[0] ?? 0);
      let found: MappedPrefix | undefined;
      for (let at = start; at < bytes.length; at++) {
        const byte = bytes[at] ?? 0;
        if (byte === 0) break;
        place ^= byte;
        const unit = units[place];
        if (unit === undefined || (unit & LABEL) >>> 0 !== byte) break;
        place ^= offsetOf(unit);
        if (((unit >>> 8) & 1) === 0) continue;
        found = { length: at + 1 - start, text: textAt((units[place] ?? 0) & VALUE) };
        if (which === "shortest") break;
      }
      return found;
    },
    following(bytes) {
      let place = offsetOf(units[0] ?? 0);
      for (const byte of bytes) {
        const unit = units[place ^ byte];
        if (unit === undefined || (unit & LABEL) >>> 0 !== byte) return new Set();
        place ^= byte ^ offsetOf(unit);
      }
      const labels = new Set<number>();
      for (let byte = 1; byte < 256; byte++) if (((units[place ^ byte] ?? 0) & LABEL) >>> 0 === byte) labels.add(byte);
      return labels;
    },
  };
}

/** The bytes as little-endian numbers, in a copy, since they may begin anywhere. */
function unitsOf(bytes: Uint8Array): Uint32Array {
  const copy = Uint8Array.from(bytes);
  const units = new Uint32Array(copy.buffer);
  // A loop over all would take as long as everything else of loading a vocabulary.
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] === 0) Buffer.from(copy.buffer).swap32();
  return units;
}

/** A label's byte, with the bit that marks values. */
const LABEL = 0x800000ff;
const VALUE = 0x7fffffff;

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 512) >>> 6);
}

function damaged(): ModelError {
  return new ModelError(
    "tokenizer",
    "The tokenizer's character map (precompiled_charsmap) is damaged. Download the tokenizer again.",
  );
}
