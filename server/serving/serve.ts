/** Serves a model to other programs and machines over the Open Inference Protocol, until it is stopped. */
import { version } from "../../package.json";
import { endTokenOf, readGenerationSettings } from "../catalog/folder/generation.ts";
import { readTokenizer } from "../catalog/folder/tokenizer.ts";
import { readManifest } from "../catalog/installed.ts";
import type { Precision } from "../engine/engine.ts";
import { encodedBytes } from "../engine/runtime/encoder-cache.ts";
import { openRunner } from "../engine/runtime/ort/runner.ts";
import { modelSum, OPERATIONS, servedName } from "../engine/wire/operations.ts";
import type { WireTensors } from "../engine/wire/tensors.ts";
import { type HttpOptions, type HttpServer, listen } from "./http.ts";
import type { Served } from "./inference.ts";
import { createMetrics } from "./metrics.ts";
import type { OperationRequest } from "./requests.ts";
import { createScheduler } from "./scheduler.ts";
import { createTexts } from "./texts.ts";
import { createWorker } from "./worker.ts";

/** The model and the limits. */
export interface ServeOptions extends HttpOptions {
  readonly directory: string;
  readonly precision: Precision;
  readonly threads?: number;
  /** Rows that run together at most; 1 for one request at a time. Default 16. */
  readonly mostRows?: number;
  /** Requests that may wait; more are refused. Default 256. */
  readonly mostWaiting?: number;
  /** Where to offer gRPC too, with the same token and certificate. */
  readonly grpc?: Pick<HttpOptions, "host" | "port">;
}

/** A server that runs, and the names that it serves. */
export interface ModelServer extends HttpServer {
  readonly id: string;
  readonly names: readonly string[];
  /** grpc(s)://HOST:PORT, if that is offered. */
  readonly grpcAddress: string | undefined;
}

/**
 * Opens the model and starts to serve it.
 * @throws ModelError when the model cannot be opened or the address not be had
 */
export async function serveModel(options: ServeOptions): Promise<ModelServer> {
  const { directory, precision, threads, mostRows = 16, mostWaiting = 256 } = options;
  const tokenizer = await readTokenizer(directory);
  const generation = await readGenerationSettings(directory);
  const runner = await openRunner(directory, precision, threads);
  const config = { ...runner.config, eosTokenId: endTokenOf(generation, tokenizer, runner.config) };
  const { id } = readManifest(directory);
  const metrics = createMetrics();
  const texts = createTexts(runner, (tokens) => encodedBytes(config, tokens));
  const worker = createWorker({ ...runner, config }, texts);
  const scheduler = createScheduler<OperationRequest, WireTensors>({
    ...{ mostRows, mostWaiting, onBatch: metrics.batch },
    run: (requests, signal) => worker.perform(requests, signal),
  });
  let ready = true;
  const sum = modelSum(tokenizer, config);
  const dispose = async () => {
    texts.dispose();
    await runner.dispose();
  };
  const served = { id, config, sum, version, scheduler, metrics, ready: () => ready };
  const [server, grpc] = await listenAll(served, options).catch(async (error: unknown) => {
    await dispose();
    throw error;
  });
  return {
    ...{ address: server.address, id, names: OPERATIONS.map((operation) => servedName(id, operation)) },
    grpcAddress: grpc?.address,
    async close(graceMs) {
      ready = false;
      await Promise.all([server.close(graceMs), grpc?.close(graceMs)]);
      await scheduler.idle();
      await dispose();
    },
  };
}

async function listenAll(served: Served, { grpc, ...options }: ServeOptions): Promise<[HttpServer, HttpServer?]> {
  const server = await listen(served, options);
  if (grpc === undefined) return [server];
  try {
    const { listenGrpc } = await import("./grpc.ts");
    return [server, await listenGrpc(served, { ...options, ...grpc })];
  } catch (error) {
    await server.close();
    throw error;
  }
}
