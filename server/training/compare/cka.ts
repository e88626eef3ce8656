/** Centered kernel alignment of two representations of the same tokens. */

/** A representation: one row for each token, row-major. */
export interface Rows {
  readonly values: Float32Array;
  readonly width: number;
}

/**
 * Linear CKA: 1 where the representations are the same but for rotation and scale, 0 where they have nothing in common.
 * @param a [N, D]
 * @param b [N, E], of the same tokens
 * @returns NaN where one of them is the same for all tokens
 * @see Kornblith et al., "Similarity of Neural Network Representations Revisited" (arXiv 1905.00414), equation 5 of
 *   section 3; CKA_pytorch.py of stir-invariance
 */
export function linearCka(a: Rows, b: Rows): number {
  const [x, y] = [centered(a), centered(b)];
  return alignment(x, y) / Math.sqrt(alignment(x, x) * alignment(y, y));
}

/** Columns of a centered representation, each of all tokens. */
type Columns = readonly Float64Array[];

function centered({ values, width }: Rows): Columns {
  const count = values.length / width;
  return Array.from({ length: width }, (_, d) => {
    const column = Float64Array.from({ length: count }, (_, row) => values[row * width + d] ?? 0);
    const mean = column.reduce((sum, value) => sum + value, 0) / count;
    return column.map((value) => value - mean);
  });
}

/** The squared Frobenius norm of y^T x. */
function alignment(x: Columns, y: Columns): number {
  let sum = 0;
  for (const a of x) {
    for (const b of y) {
      let dot = 0;
      for (let i = 0; i < a.length; i += 1) dot += (a[i] ?? 0) * (b[i] ?? 0);
      sum += dot * dot;
    }
  }
  return sum;
}
