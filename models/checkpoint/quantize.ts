/**
 * Quantizes weights to 8 bits and back, in the two layouts of the engine's int8 operators. Symmetric: no zero points
 * are stored.
 */
import { BLOCK_SIZE } from "./plan.ts";

/** A weight in block form. @see QuantizedForm */
export interface BlockQuantized {
  /** [N, blocks, 128], zero point 128; the last block is padded with 128. */
  readonly values: Uint8Array;
  /** [N, blocks] */
  readonly scales: Float32Array;
}

/** A weight in column form. @see QuantizedForm */
export interface ColumnQuantized {
  /** [K, N] */
  readonly values: Int8Array;
  /** [N] */
  readonly scales: Float32Array;
}

/**
 * Quantizes blocks of 128 inputs: q = round(w / scale) + 128, scale = max|w| / 127, so |w - dequantized| <= scale / 2.
 * @param weight finite float32 [N, K]
 */
export function quantizeBlocks(weight: Float32Array, N: number, K: number): BlockQuantized {
  const blocks = Math.ceil(K / BLOCK_SIZE);
  const values = new Uint8Array(N * blocks * BLOCK_SIZE).fill(128);
  const scales = new Float32Array(N * blocks);
  for (let row = 0; row < N; row += 1) {
    for (let block = 0; block < blocks; block += 1) {
      const begin = row * K + block * BLOCK_SIZE;
      const end = Math.min(begin + BLOCK_SIZE, (row + 1) * K);
      const scale = scaleOf(weight, begin, end);
      const at = row * blocks + block;
      scales[at] = scale;
      if (scale === 0) continue;
      const shift = at * BLOCK_SIZE - begin;
      for (let i = begin; i < end; i += 1) values[i + shift] = above128((weight[i] ?? 0) / scale);
    }
  }
  return { values, scales };
}

/** The inverse of {@link quantizeBlocks}. @returns float32 [N, K] */
export function dequantizeBlocks({ values, scales }: BlockQuantized, N: number, K: number): Float32Array {
  const blocks = Math.ceil(K / BLOCK_SIZE);
  const weight = new Float32Array(N * K);
  for (let row = 0; row < N; row += 1) {
    for (let k = 0; k < K; k += 1) {
      const at = row * blocks * BLOCK_SIZE + k;
      const scale = scales[row * blocks + Math.floor(k / BLOCK_SIZE)] ?? 0;
      weight[row * K + k] = ((values[at] ?? 128) - 128) * scale;
    }
  }
  return weight;
}

/**
 * Quantizes with one scale per output and transposes: q = round(w / scale), scale = max|w of the row| / 127.
 * @param weight finite float32 [N, K]
 */
export function quantizeColumns(weight: Float32Array, N: number, K: number): ColumnQuantized {
  const values = new Int8Array(K * N);
  const scales = new Float32Array(N);
  for (let row = 0; row < N; row += 1) scales[row] = scaleOf(weight, row * K, (row + 1) * K);
  // By strips of rows, so that writes are close together.
  for (let strip = 0; strip < N; strip += STRIP) {
    const end = Math.min(strip + STRIP, N);
    for (let k = 0; k < K; k += 1) {
      for (let row = strip; row < end; row += 1) {
        const scale = scales[row] ?? 0;
        if (scale !== 0) values[k * N + row] = above128((weight[row * K + k] ?? 0) / scale) - 128;
      }
    }
  }
  return { values, scales };
}

/** The inverse of {@link quantizeColumns}. @returns float32 [N, K] */
export function dequantizeColumns({ values, scales }: ColumnQuantized, N: number, K: number): Float32Array {
  const weight = new Float32Array(N * K);
  for (let row = 0; row < N; row += 1) {
    const scale = scales[row] ?? 0;
    for (let k = 0; k < K; k += 1) weight[row * K + k] = (values[k * N + row] ?? 0) * scale;
  }
  return weight;
}

/** The float32 scale that maps the largest magnitude of weight[begin..end) to 127; 0 when all are 0. */
function scaleOf(weight: Float32Array, begin: number, end: number): number {
  let largest = 0;
  for (let i = begin; i < end; i += 1) largest = Math.max(largest, Math.abs(weight[i] ?? 0)); // not-a-number stays
  return Math.fround(largest / 127);
}

/** 128 more than the nearest integer within ±127 (a scale near the smallest float32 may be rounded down far). */
function above128(value: number): number {
  const nearest = (value + 128.5) | 0;
  return Math.max(1, Math.min(255, nearest));
}

const STRIP = 64;
