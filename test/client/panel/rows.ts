/** Rows of the panel's table, for its tests. */
import type { ModelRow } from "../../../protocol/panel/models.ts";

/** A row with what a test says of it. */
export function modelRow(id: string, change: Partial<ModelRow> = {}): ModelRow {
  const parameters = change.parameters === undefined ? 60_000_000 : change.parameters;
  return {
    ...{ id, family: "t5-1.0", downloadable: true, bucket: null, variant: null, shapeFrom: "config", seen: true },
    ...{
      layers: 6,
      decoderLayers: 6,
      dModel: 512,
      dFf: 2048,
      dKv: 64,
      heads: 8,
      vocabulary: 32_128,
      feedForward: "relu",
    },
    parameters,
    downloadBytes: parameters === null ? null : 4 * parameters,
    memoryBytes: parameters === null ? null : { float32: 4 * parameters, int8: parameters },
    flops: 500 * (parameters ?? 1),
    ...{ needsFineTuning: false, license: "apache-2.0", quality: [], measurements: [], notes: [] },
    ...change,
  };
}

/** A measurement of 512 tokens in and 64 out that takes so long. */
export function timed(id: string, ms: number): ModelRow["measurements"][number] {
  const rest = { precision: "int8", device: "cpu", loadMs: 1, at: "2026-01-01T00:00:00Z" } as const;
  return { id, ...rest, firstTokenMs: ms / 2, tokensPerSecond: 64_000 / (ms / 2) };
}
