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

/** The kernels; made once. */
export function kernels(): Kernels {
  made ??= createKernels();
  return made;
}

/** Values of one chunk: four of them at once stay in the processor's own cache. */
const CHUNK = 16_384;
const CHUNKS = 4;

function createKernels(): Kernels {
  const bytes = CHUNKS * CHUNK * 4 + CHUNK * 8;
  const memory = new wasm.Memory({ initial: Math.ceil(bytes / 65_536) });
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
  const [p0 = 0, p1 = 0, p2 = 0, p3 = 0] = at;
  const doubles = new Float64Array(memory.buffer, CHUNKS * CHUNK * 4, CHUNK);
  const chunks = at.map((offset) => new Float32Array(memory.buffer, offset, CHUNK));

  /** Copies a part in, zeros behind it up to a multiple of four, and returns how many values that makes. */
  function put(place: number, array: Float32Array, from: number, to: number): number {
    const chunk = chunks[place];
    const padded = Math.ceil((to - from) / 4) * 4;
    chunk?.set(array.subarray(from, to));
    chunk?.fill(0, to - from, padded);
    return padded;
  }

  function take(from: number, to: number, ...arrays: readonly Float32Array[]): number {
    return Math.max(...arrays.map((array, place) => put(place, array, from, to)));
  }

  function give(from: number, to: number, place: number, array: Float32Array): void {
    const chunk = chunks[place];
    if (chunk !== undefined) array.set(chunk.subarray(0, to - from), from);
  }

  function each(length: number, work: (from: number, to: number) => void): void {
    for (let from = 0; from < length; from += CHUNK) work(from, Math.min(length, from + CHUNK));
  }

  /**
   * Takes a matrix in, as many whole rows at once as a chunk holds, or a part of a row that is longer, and calls work for each row or part:
   * the row, the bytes before it in the chunks, its columns, and how many values that makes.
   * @param give where the first array is to be written back
   */
  function eachRow(
    rows: number,
    arrays: readonly Float32Array[],
    work: (row: number, offset: number, from: number, to: number, count: number) => void,
    give?: (from: number, to: number) => void,
  ): void {
    const C = (arrays[0]?.length ?? 0) / rows;
    const together = C % 4 === 0 ? Math.max(1, Math.floor(CHUNK / C)) : 1;
    for (let row = 0; row < rows; row += together) {
      const next = Math.min(rows, row + together);
      for (let from = 0; from < C; from += CHUNK) {
        const to = Math.min(C, from + CHUNK);
        const [begin, end] = [row * C + from, (next - 1) * C + to];
        const count = take(begin, end, ...arrays) / (next - row);
        for (let r = row; r < next; r += 1) work(r, (r - row) * C * 4, from, to, count);
        give?.(begin, end);
      }
    }
  }

  return {
    sumOfSquares(values) {
      let total = 0;
      each(values.length, (from, to) => {
        total += squaresOf(p0, take(from, to, values));
      });
      return total;
    },
    add(sums, other) {
      each(sums.length, (from, to) => {
        addTo(p0, p1, take(from, to, sums, other));
        give(from, to, 0, sums);
      });
    },
    adamw(weight, gradient, first, second, { scale, beta1, beta2, stepSize, root, epsilon, keep }) {
      each(weight.length, (from, to) => {
        const count = take(from, to, weight, gradient, first, second);
        adamwOf(p0, p1, p2, p3, count, scale, beta1, 1 - beta1, beta2, 1 - beta2, stepSize, root, epsilon, keep);
        give(from, to, 0, weight);
        give(from, to, 2, first);
        give(from, to, 3, second);
      });
    },
    squares(matrix, rowSums, columnSums) {
      const long = columnSums.length > CHUNK;
      rowSums.fill(0);
      eachRow(rowSums.length, [matrix], (row, offset, from, to, count) => {
        if (row === 0 || long) {
          doubles.set(columnSums.subarray(from, to));
          doubles.fill(0, to - from, count);
        }
        rowSums[row] = (rowSums[row] ?? 0) + rowSquares(p0 + offset, doubles.byteOffset, count);
        if (row === rowSums.length - 1 || long) columnSums.set(doubles.subarray(0, to - from), from);
      });
    },
    scaledSquares(matrix, columns, rowSums) {
      rowSums.fill(0);
      eachRow(rowSums.length, [matrix], (row, offset, from, to, count) => {
        if (row === 0 || columns.length > CHUNK) put(1, columns, from, to);
        rowSums[row] = (rowSums[row] ?? 0) + rowScaled(p0 + offset, p1, count);
      });
    },
    apply(weight, gradient, rows, columns, keep) {
      eachRow(
        rows.length,
        [weight, gradient],
        (row, offset, from, to, count) => {
          if (row === 0 || columns.length > CHUNK) put(2, columns, from, to);
          rowApply(p0 + offset, p1 + offset, p2, count, rows[row] ?? 0, keep);
        },
        (from, to) => give(from, to, 0, weight),
      );
    },
  };
}
