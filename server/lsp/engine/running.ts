/** A running engine with its models, as the host holds it. */
import type { LoadedModel } from "../../engine/engine.ts";
import type { RemoteEngine } from "../../engine/process/remote.ts";

/** An engine, for as long as the settings that it was made for; it holds the models of all features. */
export interface Running {
  readonly key: string;
  readonly engine: RemoteEngine;
  /** By `modelKey`, each with the identity of the files it was loaded from. */
  readonly models: Map<string, { readonly loaded: LoadedModel; readonly files: string }>;
  /** The model requested last. */
  model?: LoadedModel;
  /** A notice for people if a device has failed. */
  notice?: string;
}
