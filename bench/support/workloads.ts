/** The work that `bench peers` compares engines by. */

/** Rows of so many tokens in, and so many out for each. */
export interface Workload {
  readonly rows: number;
  readonly source: number;
  readonly target: number;
  readonly beams: number;
  /** Too long for as many rounds as the others. */
  readonly long: boolean;
}

/** Kinds of work by name. */
export const WORKLOADS: Readonly<Record<string, Workload>> = {
  first: { rows: 1, source: 512, target: 1, beams: 1, long: false },
  infill: { rows: 1, source: 512, target: 16, beams: 1, long: false },
  summary: { rows: 1, source: 512, target: 64, beams: 1, long: false },
  beams: { rows: 1, source: 512, target: 64, beams: 4, long: false },
  batch: { rows: 16, source: 512, target: 64, beams: 1, long: true },
  file: { rows: 1, source: 2048, target: 64, beams: 1, long: true },
};
