/** The loops over all weights, in WebAssembly's vector instructions: a JavaScript loop takes several times as long. */
import { assembleKernels } from "./kernel-code.ts";

/** Loops over float32 memory of any length. */
export interface Kernels {
  /** Sum of the squares, in float64. */
  sumOfSquares(values: Float32Array): number;
  /** sums[i] += other[i]. */
  add(sums: Float32Array, other: Float32Array): void;
  /** AdamW's step. @see torch.optim.AdamW */
  adamw(
    weight: Float32Array,
    gradient: Float32Array,
    first: Float32Array,
    second: Float32Array,
    by: AdamwFactors,
  ): void;
  /**
   * Of a matrix with rows of C values: the sum of each row's squares, and each column's added to columnSums.
   * @param rowSums written to, one a row
   */
  squares(matrix: Float32Array, rowSums: Float64Array, columnSums: Float64Array): void;
  /** Of the same: the sum of (value * columns[c])^2 of each row. @param rowSums written to */
  scaledSquares(matrix: Float32Array, columns: Float32Array, rowSums: Float64Array): void;
  /** weight = weight * keep - gradient * rows[r] * columns[c]. */
  apply(weight: Float32Array, gradient: Float32Array, rows: Float64Array, columns: Float32Array, keep: number): void;
}

/** AdamW's factors at one step. */
export interface AdamwFactors {
  /** Of the gradient. */
  readonly scale: number;
  readonly beta1: number;
  readonly beta2: number;
  /** Of the first moment over the root of the second. */
  readonly stepSize: number;
  /** Of the second moment's root. */
  readonly root: number;
  readonly epsilon: number;
  /** Of the weight. */
  readonly keep: number;
}

/** What is used of WebAssembly, which Node's types do not tell of. */
interface Wasm {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (code: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
}

const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: Wasm };

let made: Kernels | undefined;
const settled = new WeakMap<ArrayBufferLike, Kernels>();

/** The kernels. @param values what they are to work on: in its place where it is settled, else on copies of a chunk at a time */
export function kernels(values?: Float32Array): Kernels {
  made ??= createKernels(newMemory(0));
  return (values && settled.get(values.buffer)) ?? made;
}

/** Arrays of the same length that have room beside a settled one: two gradients and an optimizer's moments. */
const COMPANIONS = 4;

/** A memory has fewer bytes than 32 bits can tell. */
const MOST_BYTES = 3.5 * 2 ** 30;

/**
 * Copies arrays to where the kernels and the runtime both work on them without copying again, which halves the time of AdamW's step.
 * The room beside them takes no memory before it is used. Where there is none of that kind, the arrays are returned as they are.
 */
export function settle<T extends Float32Array | Float64Array>(arrays: ReadonlyMap<string, T>): Map<string, T> {
  const placed = new Map<string, T>(arrays);
  const room = (values: T) => (COMPANIONS + 1) * values.byteLength;
  const fitting = [...arrays].filter(
    ([, values]) => values instanceof Float32Array && values.length % 4 === 0 && room(values) <= MOST_BYTES,
  );
  while (fitting.length > 0) {
    const [group, bytes] = [[] as typeof fitting, { used: 0 }];
    for (let next = fitting[0]; next !== undefined && bytes.used + room(next[1]) <= MOST_BYTES; next = fitting[0]) {
      group.push(next);
      bytes.used += room(next[1]);
      fitting.shift();
    }
    const memory = reserve(bytes.used);
    if (memory === undefined) return placed;
    settled.set(memory.buffer, createKernels(memory));
    let at = SCRATCH_BYTES;
    for (const [name, values] of group) {
      const copy = new Float32Array(memory.buffer, at, values.length);
      copy.set(values);
      placed.set(name, copy as Float32Array | Float64Array as T);
      at += room(values);
    }
  }
  return placed;
}

/** Zeros of an array's length; where it is settled, the room beside it of that number, from 0 to 3, for one user alone. */
export function beside(values: Float32Array, companion: number): Float32Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength, length } = values;
  if (!(buffer instanceof ArrayBuffer) || !settled.has(buffer)) return new Float32Array(length);
  return new Float32Array(buffer, byteOffset + (companion + 1) * byteLength, length);
}

function newMemory(bytes: number): InstanceType<Wasm["Memory"]> {
  return new wasm.Memory({ initial: Math.ceil((SCRATCH_BYTES + bytes) / 65_536) });
}

/** Undefined where the system has no such stretch of addresses to give. */
function reserve(bytes: number): ReturnType<typeof newMemory> | undefined {
  try {
    return newMemory(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Values of one chunk: four of them at once stay in the processor's own cache. */
const CHUNK = 16_384;
const CHUNKS = 4;
/** The chunks, and one of float64, stand first in every memory. */
const SCRATCH_BYTES = CHUNKS * CHUNK * 4 + CHUNK * 8;

function createKernels(memory: InstanceType<Wasm["Memory"]>): Kernels {
  const { exports } = new wasm.Instance(new wasm.Module(assembleKernels()), { a: { m: memory } });
  const run = (name: string): ((...given: number[]) => number) => {
    const found: unknown = exports[name];
    if (typeof found !== "function") throw new RangeError(`there is no kernel ${name}`);
    return (...given) => Number(found(...given));
  };
  const [squaresOf, addTo, adamwOf, rowSquares, rowScaled, rowApply] = [
    run("squares"),
    run("add"),
    run("adamw"),
    run("rowSquares"),
    run("rowScaled"),
    run("rowApply"),
  ];
  const at = Array.from({ length: CHUNKS }, (_, i) => i * CHUNK * 4);
  const [, p1 = 0, p2 = 0] = at;
  const doubles = new Float64Array(memory.buffer, CHUNKS * CHUNK * 4, CHUNK);
  const chunks = at.map((offset) => new Float32Array(memory.buffer, offset, CHUNK));

  /** Where a part of an array is in the memory: in its own place, else copied into a chunk, zeros behind it up to a multiple of four. */
  function put(place: number, array: Float32Array, from: number, to: number): number {
    if (array.buffer === memory.buffer && (to - from) % 4 === 0) return array.byteOffset + from * 4;
    const chunk = chunks[place];
    chunk?.set(array.subarray(from, to));
    chunk?.fill(0, to - from, Math.ceil((to - from) / 4) * 4);
    return at[place] ?? 0;
  }

  /** Copies a part back, unless it was worked on in its own place. */
  function give(pointer: number, array: Float32Array, from: number, to: number): void {
    const chunk = chunks[at.indexOf(pointer)];
    if (chunk !== undefined) array.set(chunk.subarray(0, to - from), from);
  }

  /** Calls work for each part of the arrays: where each array's part is, and how many values that makes. */
  function each(
    arrays: readonly [Float32Array, Float32Array?, Float32Array?, Float32Array?],
    work: (count: number, a: number, b: number, c: number, d: number) => void,
    written: readonly number[] = [],
  ): void {
    for (let from = 0; from < arrays[0].length; from += CHUNK) {
      const to = Math.min(arrays[0].length, from + CHUNK);
      const places = arrays.map((array, place) => (array === undefined ? 0 : put(place, array, from, to)));
      const [a = 0, b = 0, c = 0, d = 0] = places;
      work(Math.ceil((to - from) / 4) * 4, a, b, c, d);
      for (const place of written) give(places[place] ?? 0, arrays[place] ?? arrays[0], from, to);
    }
  }

  /**
   * Takes a matrix in, as many whole rows at once as a chunk holds, or a part of a row that is longer, and calls work for each row or part:
   * the row, where it is in each array, its columns, and how many values that makes.
   * @param written whether the first array is
   */
  function eachRow(
    rows: number,
    [first, second]: readonly [Float32Array, Float32Array?],
    work: (row: number, a: number, b: number, from: number, to: number, count: number) => void,
    written = false,
  ): void {
    const C = first.length / rows;
    const together = C % 4 === 0 ? Math.max(1, Math.floor(CHUNK / C)) : 1;
    for (let row = 0; row < rows; row += together) {
      const next = Math.min(rows, row + together);
      for (let from = 0; from < C; from += CHUNK) {
        const to = Math.min(C, from + CHUNK);
        const [begin, end] = [row * C + from, (next - 1) * C + to];
        const a = put(0, first, begin, end);
        const b = second === undefined ? 0 : put(1, second, begin, end);
        const count = (Math.ceil((end - begin) / 4) * 4) / (next - row);
        for (let r = row; r < next; r += 1) {
          const offset = (r - row) * C * 4;
          work(r, a + offset, b + offset, from, to, count);
        }
        if (written) give(a, first, begin, end);
      }
    }
  }

  return {
    sumOfSquares(values) {
      let total = 0;
      each([values], (count, a) => {
        total += squaresOf(a, count);
      });
      return total;
    },
    add(sums, other) {
      each([sums, other], (count, a, b) => addTo(a, b, count), [0]);
    },
    adamw(weight, gradient, first, second, { scale, beta1, beta2, stepSize, root, epsilon, keep }) {
      each(
        [weight, gradient, first, second],
        (count, a, b, c, d) =>
          adamwOf(a, b, c, d, count, scale, beta1, 1 - beta1, beta2, 1 - beta2, stepSize, root, epsilon, keep),
        [0, 2, 3],
      );
    },
    squares(matrix, rowSums, columnSums) {
      const long = columnSums.length > CHUNK;
      rowSums.fill(0);
      eachRow(rowSums.length, [matrix], (row, a, _, from, to, count) => {
        if (row === 0 || long) {
          doubles.set(columnSums.subarray(from, to));
          doubles.fill(0, to - from, count);
        }
        rowSums[row] = (rowSums[row] ?? 0) + rowSquares(a, doubles.byteOffset, count);
        if (row === rowSums.length - 1 || long) columnSums.set(doubles.subarray(0, to - from), from);
      });
    },
    scaledSquares(matrix, columns, rowSums) {
      rowSums.fill(0);
      eachRow(rowSums.length, [matrix], (row, a, _, from, to, count) => {
        if (row === 0 || columns.length > CHUNK) put(1, columns, from, to);
        rowSums[row] = (rowSums[row] ?? 0) + rowScaled(a, p1, count);
      });
    },
    apply(weight, gradient, rows, columns, keep) {
      eachRow(
        rows.length,
        [weight, gradient],
        (row, a, b, from, to, count) => {
          if (row === 0 || columns.length > CHUNK) put(2, columns, from, to);
          rowApply(a, b, p2, count, rows[row] ?? 0, keep);
        },
        true,
      );
    },
  };
}
