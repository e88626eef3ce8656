/** Medians and the like, for timings. */
import { percentile } from "../../server/metrics/metrics.ts";

/** The middle value; NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  return percentile(Float64Array.from(values).sort(), share);
}
