/** Models as the panel lists them, their measurements, and the work on them. */
import type { Device } from "../devices.ts";

/** All models and running jobs. */
export interface ModelList {
  readonly models: readonly ModelRow[];
  readonly jobs: readonly Job[];
  /** The id of the model that an empty setting stands for. */
  readonly builtIn: string;
}

/** A model, published or on this machine. */
export interface ModelRow {
  readonly id: string;
  /** `built-in`, `imported`, `tuned` (trained here), `adapter`, or the published family. */
  readonly family: string;
  /** The base's id, if this is an adapter that stays apart from it; the facts are the base's then. */
  readonly adapterOf?: string;
  /** Present if the model is on this machine. */
  readonly installed?: {
    readonly directory: string;
    readonly sizeBytes: number;
    /** Whether it was downloaded or imported, so that it can be removed. */
    readonly removable: boolean;
  };
  /** Bytes that a stopped download has fetched. */
  readonly partialBytes?: number;
  /** Whether the hub has its weights. */
  readonly downloadable: boolean;
  /** Its address in Google's bucket. */
  readonly bucket: string | null;
  readonly layers: number;
  readonly decoderLayers: number;
  readonly dModel: number;
  readonly dFf: number;
  readonly dKv: number;
  readonly heads: number;
  readonly vocabulary: number;
  readonly feedForward: string;
  /** The difference from T5's layers. */
  readonly variant: string | null;
  /** The source of the shape. */
  readonly shapeFrom: "config" | "trace" | "size" | "name" | "guess";
  /** Whether we have seen the published page; otherwise the name follows the others' pattern. */
  readonly seen: boolean;
  /** Exact number; null if unknown. */
  readonly parameters: number | null;
  /** Size of the published weights: 4 bytes per parameter. */
  readonly downloadBytes: number | null;
  readonly memoryBytes: { readonly float32: number; readonly int8: number } | null;
  /** Operations in matrix products for 512 source tokens and 64 generated ones. */
  readonly flops: number;
  readonly needsFineTuning: boolean;
  readonly license: string;
  readonly quality: readonly { readonly metric: string; readonly value: number; readonly source: string }[];
  readonly measurements: readonly Measurement[];
  /** The Scale Efficiently paper's comparison of this shape with a usual one. */
  readonly advice?: { readonly than: string; readonly text: string };
  readonly notes: readonly string[];
}

/** How fast a model is on this machine, with 512 tokens in. */
export interface Measurement {
  readonly id: string;
  readonly precision: "int8" | "float32";
  readonly device: Device;
  /** Time of a new process from its start until the model is ready. */
  readonly loadMs: number;
  /** From the request to the first token. */
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
  /** Memory of the whole process; absent if the system does not report it. */
  readonly memoryBytes?: number;
  /** ISO 8601. */
  readonly at: string;
}

/** Work on a model that takes a while. */
export interface Job {
  /** The model's id. */
  readonly id: string;
  readonly kind: "get" | "verify" | "measure" | "import";
  readonly state: "running" | "done" | "stopped" | "failed";
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  readonly bytesPerSecond?: number;
  readonly secondsLeft?: number;
  /** Why it failed, and how to fix it. */
  readonly message?: string;
}

/** The space freed by removing a model. */
export interface Removed {
  readonly freedBytes: number;
}

/** A model's files; `intact` is null if no checksum is available. */
export interface Verified {
  readonly files: readonly { readonly name: string; readonly intact: boolean | null }[];
}

/** An imported model. */
export interface Imported {
  readonly id: string;
}
