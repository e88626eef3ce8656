/** Unpacks ggml's block types, in which GGUF files store quantized weights, to float32. */
import { toFloat32 } from "../float.ts";

/** The layout of a block type. */
export interface BlockType {
  readonly name: string;
  /** Values in a block. */
  readonly values: number;
  readonly bytes: number;
  /** Writes one block's values. `half` reads the float16 at an offset. */
  readonly unpack: (block: DataView, half: (at: number) => number, out: Float32Array) => void;
}

/** The block types by their numbers. @see ggml-common.h and ggml-quants.c of ggml */
export const blockTypes: ReadonlyMap<number, BlockType> = new Map([
  [2, { name: "q4_0", values: 32, bytes: 18, unpack: unpackPairs(2, -8, undefined) }],
  [3, { name: "q4_1", values: 32, bytes: 20, unpack: unpackPairs(4, 0, undefined) }],
  [6, { name: "q5_0", values: 32, bytes: 22, unpack: unpackPairs(6, -16, 2) }],
  [7, { name: "q5_1", values: 32, bytes: 24, unpack: unpackPairs(8, 0, 4) }],
  [8, { name: "q8_0", values: 32, bytes: 34, unpack: unpackBytes }],
  [10, { name: "q2_K", values: 256, bytes: 84, unpack: unpack2K }],
  [11, { name: "q3_K", values: 256, bytes: 110, unpack: unpack3K }],
  [12, { name: "q4_K", values: 256, bytes: 144, unpack: unpackK(undefined, 16) }],
  [13, { name: "q5_K", values: 256, bytes: 176, unpack: unpackK(16, 48) }],
  [14, { name: "q6_K", values: 256, bytes: 210, unpack: unpack6K }],
  [20, { name: "iq4_nl", values: 32, bytes: 18, unpack: unpackTable }],
  [23, { name: "iq4_xs", values: 256, bytes: 136, unpack: unpackTableK }],
]);

/** Unpacks whole blocks. @returns float32, one for each value */
export function dequantized(bytes: Uint8Array, type: BlockType): Float32Array {
  const blocks = Math.floor(bytes.length / type.bytes);
  const out = new Float32Array(blocks * type.values);
  for (let i = 0; i < blocks; i += 1) {
    const block = new DataView(bytes.buffer, bytes.byteOffset + i * type.bytes, type.bytes);
    const half = (at: number) => halves[block.getUint16(at, true)] ?? 0;
    type.unpack(block, half, out.subarray(i * type.values, (i + 1) * type.values));
  }
  return out;
}

const halves = toFloat32(new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer), "F16");

/**
 * Scale (and minimum, where there is no fixed shift), high bits, then 16 bytes of two values each: value j and value j
 * + 16.
 */
function unpackPairs(quants: number, shift: number, high: number | undefined): BlockType["unpack"] {
  return (block, half, out) => {
    const scale = half(0);
    const minimum = shift === 0 ? half(2) : 0;
    const bits = high === undefined ? 0 : block.getUint32(high, true);
    for (let j = 0; j < 16; j += 1) {
      const pair = block.getUint8(quants + j);
      const low = (pair & 15) | (((bits >>> j) & 1) << 4);
      const upper = (pair >> 4) | (((bits >>> (j + 16)) & 1) << 4);
      out[j] = (low + shift) * scale + minimum;
      out[j + 16] = (upper + shift) * scale + minimum;
    }
  };
}

function unpackBytes(block: DataView, half: (at: number) => number, out: Float32Array): void {
  const scale = half(0);
  for (let j = 0; j < 32; j += 1) out[j] = block.getInt8(2 + j) * scale;
}

/** Sixteen groups of 16, each with a scale and a minimum of 4 bits; two bits a value. */
function unpack2K(block: DataView, half: (at: number) => number, out: Float32Array): void {
  const [scale, minimum] = [half(80), half(82)];
  for (let i = 0; i < 256; i += 1) {
    const group = block.getUint8(i >> 4);
    const bits = (block.getUint8(16 + 32 * (i >> 7) + (i & 31)) >> (2 * ((i >> 5) & 3))) & 3;
    out[i] = scale * (group & 15) * bits - minimum * (group >> 4);
  }
}

/** Sixteen groups of 16 with signed scales of 6 bits; two bits a value, and a third in a mask. */
function unpack3K(block: DataView, half: (at: number) => number, out: Float32Array): void {
  const scale = half(108);
  for (let i = 0; i < 256; i += 1) {
    const [group, quarter, l] = [i >> 4, i >> 5, i & 31];
    const low = block.getUint8(96 + (group & 7)) >> (group < 8 ? 0 : 4);
    const high = block.getUint8(104 + (group & 3)) >> (2 * (group >> 2));
    const bits = (block.getUint8(32 + 32 * (i >> 7) + l) >> (2 * (quarter & 3))) & 3;
    const third = (block.getUint8(l) >> quarter) & 1;
    out[i] = scale * (((low & 15) | ((high & 3) << 4)) - 32) * (bits - 4 * (1 - third));
  }
}

/** The values of four bits in the non-linear types. */
const TABLE = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const;

function unpackTable(block: DataView, half: (at: number) => number, out: Float32Array): void {
  const scale = half(0);
  for (let j = 0; j < 32; j += 1) {
    out[j] = scale * (TABLE[(block.getUint8(2 + (j & 15)) >> (j < 16 ? 0 : 4)) & 15] ?? 0);
  }
}

/** Eight groups of 32 with signed scales of 6 bits: four in a nibble, two in a word. */
function unpackTableK(block: DataView, half: (at: number) => number, out: Float32Array): void {
  const scale = half(0);
  for (let i = 0; i < 256; i += 1) {
    const group = i >> 5;
    const low = (block.getUint8(4 + (group >> 1)) >> (4 * (group & 1))) & 15;
    const high = (block.getUint16(2, true) >> (2 * group)) & 3;
    const pair = block.getUint8(8 + 16 * group + (i & 15)) >> ((i & 31) < 16 ? 0 : 4);
    out[i] = scale * ((low | (high << 4)) - 32) * (TABLE[pair & 15] ?? 0);
  }
}

/** Eight groups of 32 with scales and minimums of 6 bits, packed into 12 bytes. @param high offset of the fifth bits */
function unpackK(high: number | undefined, quants: number): BlockType["unpack"] {
  return (block, half, out) => {
    const [scale, minimum] = [half(0), half(2)];
    const packed = (i: number) => block.getUint8(4 + i);
    for (let group = 0; group < 8; group += 1) {
      const late = group >= 4;
      const s = late ? (packed(group + 4) & 15) | ((packed(group - 4) >> 6) << 4) : packed(group) & 63;
      const m = late ? (packed(group + 4) >> 4) | ((packed(group) >> 6) << 4) : packed(group + 4) & 63;
      for (let l = 0; l < 32; l += 1) {
        const pair = block.getUint8(quants + 32 * (group >> 1) + l);
        const fifth = high === undefined ? 0 : ((block.getUint8(high + l) >> group) & 1) << 4;
        out[32 * group + l] = scale * s * ((group % 2 === 0 ? pair & 15 : pair >> 4) + fifth) - minimum * m;
      }
    }
  };
}

/** Sixteen groups of 16 with signed scales; six bits a value: four in `ql`, two in `qh`. */
function unpack6K(block: DataView, half: (at: number) => number, out: Float32Array): void {
  const scale = half(208);
  for (let i = 0; i < 256; i += 1) {
    const [side, quarter, l] = [i >> 7, (i >> 5) & 3, i & 31];
    const pair = block.getUint8(64 * side + 32 * (quarter & 1) + l);
    const low = quarter < 2 ? pair & 15 : pair >> 4;
    const high = (block.getUint8(128 + 32 * side + l) >> (2 * quarter)) & 3;
    out[i] = scale * block.getInt8(192 + (i >> 4)) * ((low | (high << 4)) - 32);
  }
}
