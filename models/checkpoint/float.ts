/** Converts the floating-point types of checkpoints to float32. */

/** The element types of weights. */
export type FloatDtype = "F64" | "F32" | "F16" | "BF16" | Float8;

/** Types of one byte, by the bits of their exponents and fractions; the first has no infinite values. */
type Float8 = "F8_E4M3" | "F8_E5M2";

/**
 * Converts little-endian floats to float32: exact for the narrower types, rounded to nearest for float64.
 * @param bytes the tensor's bytes
 * @returns one float32 per element; for F32 a copy only where alignment needs one
 */
export function toFloat32(bytes: Uint8Array, dtype: FloatDtype): Float32Array {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  if (dtype === "F64")
    return new Float32Array(new Float64Array(aligned.buffer, aligned.byteOffset, aligned.length / 8));
  if (dtype === "F32") return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
  if (dtype === "F8_E4M3" || dtype === "F8_E5M2") {
    const table = Float32Array.from({ length: 256 }, (_, byte) => float8(byte, dtype));
    return Float32Array.from(bytes, (byte) => table[byte] ?? 0);
  }
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
  const bits = new Uint32Array(halves.length);
  if (dtype === "BF16") {
    for (let i = 0; i < halves.length; i += 1) bits[i] = (halves[i] ?? 0) << 16;
  } else {
    const table = halfBits();
    for (let i = 0; i < halves.length; i += 1) bits[i] = table[halves[i] ?? 0] ?? 0;
  }
  return new Float32Array(bits.buffer);
}

/**
 * Rounds float32 to 16 bits, to nearest and ties to even, as PyTorch does.
 * @returns the bits; beyond float16's range those of infinity
 */
export function toHalf(values: Float32Array, dtype: "F16" | "BF16"): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const round = dtype === "BF16" ? bfloat16Of : float16Of;
  return Uint16Array.from(bits, round);
}

function bfloat16Of(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40; // not a number
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function float16Of(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 255) - 112;
  const fraction = bits & 0x7fffff;
  if (exponent === 143) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  if (exponent > 30) return sign | 0x7c00;
  if (exponent < -10) return sign;
  const [all, shift] = exponent > 0 ? [(exponent << 23) | fraction, 13] : [fraction | 0x800000, 14 - exponent];
  const kept = all >>> shift;
  const [rest, middle] = [all & ((1 << shift) - 1), 1 << (shift - 1)];
  return sign | (kept + (rest > middle || (rest === middle && (kept & 1) === 1) ? 1 : 0));
}

/** The value of a byte. @see Micikevicius et al., "FP8 formats for deep learning" (arXiv 2209.05433) */
function float8(byte: number, dtype: Float8): number {
  const [bits, bias] = dtype === "F8_E4M3" ? [3, 7] : [2, 15];
  const steps = 2 ** bits;
  const exponent = (byte & 127) >> bits;
  const fraction = byte & (steps - 1);
  const sign = byte & 128 ? -1 : 1;
  if (dtype === "F8_E4M3" && (byte & 127) === 127) return Number.NaN;
  if (dtype === "F8_E5M2" && exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - bits);
  return sign * (1 + fraction / steps) * 2 ** (exponent - bias);
}

let halfTable: Uint32Array | undefined;

/** The float32 bits of each of the 65,536 float16 values (IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits). */
function halfBits(): Uint32Array {
  if (halfTable !== undefined) return halfTable;
  const floats = new Float32Array(65536);
  const bits = new Uint32Array(floats.buffer);
  for (let half = 0; half < 65536; half += 1) {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 0) floats[half] = fraction * 2 ** -24;
    else if (exponent === 31) bits[half] = 0x7f800000 | (fraction << 13);
    else floats[half] = (1 + fraction / 1024) * 2 ** (exponent - 15);
    if (half & 0x8000) bits[half] = (bits[half] ?? 0) | 0x80000000;
  }
  halfTable = bits;
  return bits;
}
