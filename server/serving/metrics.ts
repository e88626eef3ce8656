/**
 * Counters in Prometheus' text format; they tell of requests and batches, never of texts.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */

/** Upper ends of the buckets of times, in seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Upper ends of the buckets of batches, in rows. */
const ROWS = [1, 2, 4, 8, 16, 32, 64];

/** The metrics of a server. */
export interface Metrics {
  /** A request that was answered. */
  answered(operation: string, status: number, seconds: number): void;
  /** A batch that ran. */
  batch(rows: number): void;
  /** Tokens that were produced. */
  produced(tokens: number): void;
  /** @param gauges values of the moment, by name */
  text(gauges: Readonly<Record<string, number>>): string;
}

/** Creates metrics that start at 0. */
export function createMetrics(): Metrics {
  const requests = new Map<string, number>();
  const seconds = histogram("spanfill_request_seconds", "Time from arrival to answer.", SECONDS);
  const rows = histogram("spanfill_batch_rows", "Rows of each batch that ran.", ROWS);
  let tokens = 0;
  return {
    answered(operation, status, took) {
      const labels = `operation="${operation}",status="${status}"`;
      requests.set(labels, (requests.get(labels) ?? 0) + 1);
      seconds.observe(took);
    },
    batch: rows.observe,
    produced(count) {
      tokens += count;
    },
    text: (gauges) =>
      [
        "# HELP spanfill_requests_total Requests by operation and HTTP status.",
        "# TYPE spanfill_requests_total counter",
        ...[...requests].map(([labels, count]) => `spanfill_requests_total{${labels}} ${count}`),
        "# HELP spanfill_tokens_total Tokens that were produced greedily.",
        "# TYPE spanfill_tokens_total counter",
        `spanfill_tokens_total ${tokens}`,
        ...seconds.lines(),
        ...rows.lines(),
        ...Object.entries(gauges).flatMap(([name, value]) => [`# TYPE ${name} gauge`, `${name} ${value}`]),
        "",
      ].join("\n"),
  };
}

function histogram(name: string, help: string, ends: readonly number[]) {
  const counts = ends.map(() => 0);
  let [sum, count] = [0, 0];
  return {
    observe(value: number) {
      sum += value;
      count += 1;
      for (const [i, end] of ends.entries()) if (value <= end) counts[i] = (counts[i] ?? 0) + 1;
    },
    lines: () => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} histogram`,
      ...ends.map((end, i) => `${name}_bucket{le="${end}"} ${counts[i]}`),
      `${name}_bucket{le="+Inf"} ${count}`,
      `${name}_sum ${sum}`,
      `${name}_count ${count}`,
    ],
  };
}
