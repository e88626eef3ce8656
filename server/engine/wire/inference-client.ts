/** The interface of the clients of inference servers, over REST and over gRPC. */
import type { WireTensors } from "./tensors.ts";

/** A client of one server. */
export interface InferenceClient {
  /** HOST:PORT, for messages. */
  readonly host: string;
  /** The server's name and version; also learns whether it takes binary tensors. */
  about(): Promise<string>;
  /** Names of the models that it says it is ready to serve, at most 8; none where it does not say. */
  models(): Promise<readonly string[]>;
  /** Names of a served model's inputs; undefined when the server does not serve it. @throws ModelError "network" */
  inputsOf(name: string): Promise<ReadonlySet<string> | undefined>;
  /** Runs a served model. @throws ModelError "network"; the signal's reason */
  infer(name: string, tensors: WireTensors, outputs: readonly string[], signal?: AbortSignal): Promise<WireTensors>;
  dispose(): Promise<void>;
}
