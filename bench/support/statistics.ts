/** Medians and the like, for timings. */
import { percentile } from "../../server/metrics/metrics.ts";

/** The median; NaN if there are no values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  return percentile(Float64Array.from(values).sort(), share);
}
