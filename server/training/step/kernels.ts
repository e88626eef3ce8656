/** The loops over all weights, in WebAssembly's vector instructions: a JavaScript loop takes several times as long. */
import code from "./kernels.wat";

/**
 * Loops over float32 arrays of any length; arrays in `buffer` are worked on where they lie, others in copies of a chunk
 * at a time.
 */
export interface Kernels {
  /** The kernels' own memory. The first ROOM_OFFSET bytes are theirs; what is behind them is for arrays. */
  readonly buffer: ArrayBuffer;
  /** The sum of the squares, in float64. */
  sumOfSquares(values: Float32Array): number;
  /** sums[i] += other[i]. */
  add(sums: Float32Array, other: Float32Array): void;
  /** One step of AdamW. @see torch.optim.AdamW */
  adamw(
    weight: Float32Array,
    gradient: Float32Array,
    first: Float32Array,
    second: Float32Array,
    by: AdamwFactors,
  ): void;
  /**
   * The sum of the squares of each row of a matrix; the sum of each column's squares is added to columnSums.
   * @param matrix [rowSums.length, columnSums.length]
   * @param rowSums overwritten
   */
  squares(matrix: Float32Array, rowSums: Float64Array, columnSums: Float64Array): void;
  /** The sum of (value * columns[c])^2 of each row of a matrix. @param rowSums overwritten */
  scaledSquares(matrix: Float32Array, columns: Float32Array, rowSums: Float64Array): void;
  /** weight = weight * keep - gradient * rows[r] * columns[c]. */
  apply(weight: Float32Array, gradient: Float32Array, rows: Float64Array, columns: Float32Array, keep: number): void;
}

/** The factors of AdamW at one step. */
export interface AdamwFactors {
  /** Scales the gradient. */
  readonly scale: number;
  readonly beta1: number;
  readonly beta2: number;
  /** Scales the first moment over the root of the second. */
  readonly stepSize: number;
  /** Scales the second moment's root. */
  readonly root: number;
  readonly epsilon: number;
  /** Scales the weight. */
  readonly keep: number;
}

/** The part of WebAssembly that is used here; Node's types lack it. */
interface Wasm {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (code: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
}

const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: Wasm };

/** Values of one chunk: four of them at once stay in the processor's own cache. */
const CHUNK = 16_384;
const CHUNKS = 4;

/** The chunks, and one of float64, come first in every memory. */
export const ROOM_OFFSET = CHUNKS * CHUNK * 4 + CHUNK * 8;

/**
 * Returns kernels with a memory.
 * @param roomBytes bytes for arrays in it; they take no memory before they are used
 * @throws RangeError where the system has no such stretch of addresses to give
 */
export function createKernels(roomBytes = 0): Kernels {
  const memory = new wasm.Memory({ initial: Math.ceil((ROOM_OFFSET + roomBytes) / 65_536) });
  const { exports } = new wasm.Instance(new wasm.Module(code), { kernels: { memory } });
  const loop = (name: string): ((...args: number[]) => number) => {
    const kernel: unknown = exports[name];
    if (typeof kernel !== "function") throw new RangeError(`there is no kernel ${name}`);
    return (...args) => Number(kernel(...args));
  };
  const [squares, add, adamw] = [loop("squares"), loop("add"), loop("adamw")];
  const [rowSquares, rowScaled, rowApply] = [loop("rowSquares"), loop("rowScaled"), loop("rowApply")];
  const chunks = chunksOf(memory.buffer);
  return {
    buffer: memory.buffer,
    sumOfSquares(values) {
      let total = 0;
      eachPart(chunks, [values], [], (count, at) => {
        total += squares(at, count);
      });
      return total;
    },
    add(sums, other) {
      eachPart(chunks, [sums, other], [0], (count, a, b) => add(a, b, count));
    },
    adamw(weight, gradient, first, second, { scale, beta1, beta2, stepSize, root, epsilon, keep }) {
      eachPart(chunks, [weight, gradient, first, second], [0, 2, 3], (count, w, g, m, v) =>
        adamw(w, g, m, v, count, scale, beta1, 1 - beta1, beta2, 1 - beta2, stepSize, root, epsilon, keep),
      );
    },
    squares(matrix, rowSums, columnSums) {
      const { doubles } = chunks;
      const long = columnSums.length > CHUNK;
      rowSums.fill(0);
      eachRow(chunks, rowSums.length, [matrix], false, ({ row, from, to, count }, at) => {
        if (row === 0 || long) {
          doubles.set(columnSums.subarray(from, to));
          doubles.fill(0, to - from, count);
        }
        rowSums[row] = (rowSums[row] ?? 0) + rowSquares(at, doubles.byteOffset, count);
        if (row === rowSums.length - 1 || long) columnSums.set(doubles.subarray(0, to - from), from);
      });
    },
    scaledSquares(matrix, columns, rowSums) {
      rowSums.fill(0);
      eachRow(chunks, rowSums.length, [matrix], false, ({ row, from, to, count }, at) => {
        if (row === 0 || columns.length > CHUNK) chunks.put(1, columns, from, to);
        rowSums[row] = (rowSums[row] ?? 0) + rowScaled(at, chunks.address(1), count);
      });
    },
    apply(weight, gradient, rows, columns, keep) {
      eachRow(chunks, rows.length, [weight, gradient], true, ({ row, from, to, count }, w, g) => {
        if (row === 0 || columns.length > CHUNK) chunks.put(2, columns, from, to);
        rowApply(w, g, chunks.address(2), count, rows[row] ?? 0, keep);
      });
    },
  };
}

/** The parts of arrays that the kernels work on. */
interface Chunks {
  /** One chunk of float64. */
  readonly doubles: Float64Array;
  address(chunk: number): number;
  /**
   * Returns the address of a part of an array: its own in this memory, else that of a chunk it is copied to, padded
   * with zeros.
   */
  put(chunk: number, array: Float32Array, from: number, to: number): number;
  /** Copies a part back into its array, unless it was worked on where it lies. */
  give(address: number, array: Float32Array, from: number, to: number): void;
}

function chunksOf(buffer: ArrayBuffer): Chunks {
  const address = (chunk: number) => chunk * CHUNK * 4;
  const chunks = Array.from({ length: CHUNKS }, (_, i) => new Float32Array(buffer, address(i), CHUNK));
  return {
    doubles: new Float64Array(buffer, address(CHUNKS), CHUNK),
    address,
    put(i, array, from, to) {
      if (array.buffer === buffer && (to - from) % 4 === 0) return array.byteOffset + from * 4;
      chunks[i]?.set(array.subarray(from, to));
      chunks[i]?.fill(0, to - from, Math.ceil((to - from) / 4) * 4);
      return address(i);
    },
    give(at, array, from, to) {
      const chunk = chunks.find(({ byteOffset }) => byteOffset === at);
      if (chunk !== undefined) array.set(chunk.subarray(0, to - from), from);
    },
  };
}

/**
 * Calls work for each part of some arrays of one length: how many values it has, padded to a multiple of four, and its
 * address in each.
 * @param written the arrays that work writes to
 */
function eachPart(
  chunks: Chunks,
  arrays: readonly [Float32Array, Float32Array?, Float32Array?, Float32Array?],
  written: readonly number[],
  work: (count: number, a: number, b: number, c: number, d: number) => void,
): void {
  for (let from = 0; from < arrays[0].length; from += CHUNK) {
    const to = Math.min(arrays[0].length, from + CHUNK);
    const addresses = arrays.map((array, i) => (array === undefined ? 0 : chunks.put(i, array, from, to)));
    const [a = 0, b = 0, c = 0, d = 0] = addresses;
    work(Math.ceil((to - from) / 4) * 4, a, b, c, d);
    for (const i of written) chunks.give(addresses[i] ?? 0, arrays[i] ?? arrays[0], from, to);
  }
}

/**
 * A row of a matrix, or the part of a long one that fits a chunk: its columns, and how many values they make when
 * padded.
 */
interface RowPart {
  readonly row: number;
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/**
 * Calls work for each row of one or two matrices, with its address in each. As many whole rows as a chunk holds are put
 * in at once.
 * @param written whether work writes to the first matrix
 */
function eachRow(
  chunks: Chunks,
  rows: number,
  [first, second]: readonly [Float32Array, Float32Array?],
  written: boolean,
  work: (part: RowPart, a: number, b: number) => void,
): void {
  const C = first.length / rows;
  const together = C % 4 === 0 ? Math.max(1, Math.floor(CHUNK / C)) : 1;
  for (let row = 0; row < rows; row += together) {
    const next = Math.min(rows, row + together);
    for (let from = 0; from < C; from += CHUNK) {
      const to = Math.min(C, from + CHUNK);
      const [begin, end] = [row * C + from, (next - 1) * C + to];
      const a = chunks.put(0, first, begin, end);
      const b = second === undefined ? 0 : chunks.put(1, second, begin, end);
      const count = (Math.ceil((end - begin) / 4) * 4) / (next - row);
      for (let r = row; r < next; r += 1) {
        const offset = (r - row) * C * 4;
        work({ row: r, from, to, count }, a + offset, b + offset);
      }
      if (written) chunks.give(a, first, begin, end);
    }
  }
}
