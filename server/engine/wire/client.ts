/**
 * A client of servers that speak the Open Inference Protocol over REST (grpc/client.ts: over gRPC): one attempt more
 * where the connection breaks, a deadline for everything, and answers that are checked before use. Nothing that is sent
 * or received is logged.
 */
import { setTimeout as wait } from "node:timers/promises";
import { Agent, ProxyAgent, fetch as undiciFetch } from "undici";
import * as z from "zod";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { isGrpc, type ServerConnection } from "./connection.ts";
import { busy, failed, garbage, late, notServed, tokenRefused, unreachable } from "./errors.ts";
import type { InferenceClient } from "./inference-client.ts";
import { type Reach, reachOf } from "./reach.ts";
import { BINARY_EXTENSION, LENGTH_HEADER, packTensors, unpackTensors } from "./tensors.ts";

const MOST_ANSWER_BYTES = 256 * 1024 * 1024;
const PAUSE_MS = 200;
const MOST_LISTED = 8;

const aboutSchema = z.looseObject({
  name: z.string(),
  version: z.string().optional(),
  extensions: z.array(z.string()).nullish(),
});
const metadataSchema = z.looseObject({ inputs: z.array(z.looseObject({ name: z.string() })).nullish() });
const indexSchema = z.array(z.looseObject({ name: z.string() })).max(10_000);
const errorSchema = z.looseObject({ error: z.string() });

/** An answer's status and bytes. */
interface Received {
  readonly status: number;
  readonly body: Uint8Array;
  readonly headerLength: number | undefined;
}

/**
 * Creates a client.
 * @throws ModelError "network" when the address is not one, the certificates cannot be read, or a token would be sent
 *   unencrypted
 */
export async function createInferenceClient(connection: ServerConnection): Promise<InferenceClient> {
  const reach = await reachOf(connection);
  if (isGrpc(connection.url)) return (await import("./grpc/client.ts")).createGrpcClient(reach);
  const { url, host, authorization, deadlineMs } = reach;
  const base = url.href.replace(/(?<!\/)\/+$/, "").replace(/\/v2$/, "");
  const dispatcher = createDispatcher(reach);
  const ask = createAsk({ base, host, deadlineMs, authorization, dispatcher });
  let binary = false;

  async function json<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const { status, body } = await ask(path, {});
    if (status === 404) return undefined;
    if (status !== 200) throw refused(host, path, status, body);
    const parsed = schema.safeParse(parsedJson(body));
    if (!parsed.success) throw garbage(host);
    return parsed.data;
  }

  return {
    host,
    async about() {
      const about = await json("/v2", aboutSchema);
      if (about === undefined) throw garbage(host);
      binary = about.extensions?.includes(BINARY_EXTENSION) ?? false;
      return `${about.name} ${about.version ?? ""}`.trim().slice(0, 60);
    },
    async models() {
      return listedModels(await ask("/v2/repository/index", EVERYTHING));
    },
    async inputsOf(name) {
      const metadata = await json(`/v2/models/${encodeURIComponent(name)}`, metadataSchema);
      return metadata === undefined ? undefined : new Set((metadata.inputs ?? []).map((input) => input.name));
    },
    async infer(name, tensors, outputs, signal) {
      const message = {
        outputs: outputs.map((output) => ({ name: output, ...(binary && { parameters: { binary_data: true } }) })),
      };
      const { body, headerLength } = packTensors("inputs", tensors, message, binary);
      const headers =
        headerLength === undefined
          ? { "content-type": "application/json" }
          : { "content-type": "application/octet-stream", [LENGTH_HEADER]: String(headerLength) };
      const path = `/v2/models/${encodeURIComponent(name)}/infer`;
      const received = await ask(path, { method: "POST", headers, body }, signal);
      if (received.status !== 200) throw refused(host, path, received.status, received.body);
      try {
        return unpackTensors("outputs", received).tensors;
      } catch (error) {
        throw garbage(host, reason(error));
      }
    },
    dispose: () => dispatcher.close(),
  };
}

const EVERYTHING = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };

/** The models of an index by their steps. */
function listedModels({ status, body }: Received): string[] {
  const index = indexSchema.safeParse(parsedJson(body));
  if (status !== 200 || !index.success) return [];
  const names = index.data.flatMap(({ name }) => /^(.{1,100})-step$/.exec(name)?.[1] ?? []);
  return [...new Set(names)].slice(0, MOST_LISTED);
}

/** Returns a function that asks once more where the connection breaks or the server is busy: that is safe. */
function createAsk({
  base,
  host,
  deadlineMs,
  authorization,
  dispatcher,
}: {
  readonly base: string;
  readonly host: string;
  readonly deadlineMs: number;
  readonly authorization: string | undefined;
  readonly dispatcher: Agent | ProxyAgent;
}): (path: string, init: object, signal?: AbortSignal) => Promise<Received> {
  /** Tells the server whose turn it is; another one each time. */
  const client = Math.random().toString(36).slice(2);

  async function attempt(path: string, init: object, signal: AbortSignal): Promise<Received> {
    const headers = {
      "spanfill-client": client,
      ...(authorization === undefined ? {} : { authorization }),
      ...(init as { headers?: object }).headers,
    };
    const response = await underneath(`${base}${path}`, { ...init, headers, signal, dispatcher, redirect: "error" });
    const length = response.headers.get(LENGTH_HEADER);
    const body = await bytesOf(host, response);
    return { status: response.status, body, headerLength: length === null ? undefined : Number(length) };
  }

  return async (path, init, signal) => {
    const deadline = AbortSignal.timeout(deadlineMs);
    const both = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
    for (let attempts = 1; ; attempts += 1) {
      try {
        const received = await attempt(path, init, both);
        if (received.status !== 503 || attempts === 2) return received;
      } catch (error) {
        signal?.throwIfAborted();
        if (deadline.aborted) throw late(host, deadlineMs);
        if (error instanceof ModelError) throw error;
        if (attempts === 2 || isCertificate(error)) throw unreachable(host, codeOf(error), isCertificate(error));
      }
      await wait(PAUSE_MS, undefined, { signal: both }).catch(() => undefined);
    }
  };
}

const underneath = undiciFetch as unknown as (url: string, init: object) => Promise<Response>;

function createDispatcher({ certificates, proxy }: Reach): Agent | ProxyAgent {
  const tls = certificates.length === 0 ? {} : { ca: [...certificates] };
  if (proxy === undefined) return new Agent({ connect: { timeout: 5000, ...tls } });
  const { url: at, authorization } = proxy;
  return new ProxyAgent({
    uri: at.href,
    requestTls: tls,
    ...(authorization === undefined ? {} : { token: authorization }),
  });
}

async function bytesOf(host: string, { body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MOST_ANSWER_BYTES) throw failed(host, `sent more than ${MOST_ANSWER_BYTES >> 20} MB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parsedJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** The error of an answer that is not a result. */
function refused(host: string, path: string, status: number, body: Uint8Array): ModelError {
  if (status === 401 || status === 403) return tokenRefused(host, status);
  const name = /models\/([^/]+)/.exec(path)?.[1] ?? "";
  if (status === 404) return notServed(host, name);
  if (status === 503) return busy(host, status);
  const said = errorSchema.safeParse(parsedJson(body));
  const why = said.success ? `: ${said.data.error.slice(0, 200)}` : "";
  return failed(host, `answered ${status}${why}`);
}

function codeOf(error: unknown): string {
  const cause = deepest(error);
  return cause instanceof Error && "code" in cause ? String(cause.code) : reason(cause);
}

function isCertificate(error: unknown): boolean {
  const cause = deepest(error);
  return cause instanceof Error && "code" in cause && /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME/.test(String(cause.code));
}

function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? deepest(error.cause) : error;
}
