/**
 * `spanfill serve --http`: the HTTP server around the answers. It listens on this machine only, unless a token is
 * required; it limits sizes, times and connections; and it writes nothing that a request contains.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { ModelError } from "../../models/errors.ts";
import { LENGTH_HEADER } from "../engine/wire/tensors.ts";
import { type Answered, answer, failed } from "./answers.ts";
import { failureOf, type Served } from "./inference.ts";

/** Where and how to listen. */
export interface HttpOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Required of every request but those for health; undefined only on this machine's own addresses. */
  readonly token: string | undefined;
  /** A certificate and its key, PEM; plain HTTP if undefined. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Longest time from a request's arrival to its answer. */
  readonly mostMs?: number;
}

/** A server that runs. */
export interface HttpServer {
  /** http(s)://HOST:PORT */
  readonly address: string;
  /** Ends it: nothing new is accepted, what runs is answered, for at most `graceMs`. */
  close(graceMs?: number): Promise<void>;
}

/** The largest request. */
export const MOST_BODY_BYTES = 32 * 1024 * 1024;
const MOST_CONNECTIONS = 1024;
/** Longest time from a request's arrival to its answer, by default. */
export const MOST_MS = 120_000;
const GRACE_MS = 10_000;

/** Whether a host is an address of this machine that no other can reach. */
export function isOwnHost(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/.test(host);
}

/**
 * Starts to listen.
 * @throws ModelError "network" when the address cannot be had; "input" when it is not this machine's own and there is
 *   no token
 */
export async function listen(served: Served, options: HttpOptions): Promise<HttpServer> {
  const { host, port, token, tls } = options;
  if (!isOwnHost(host) && token === undefined) throw tokenMissing(host);
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    void respond(served, options, request, response);
  };
  const limits = { requestTimeout: MOST_MS, headersTimeout: 20_000, keepAliveTimeout: 60_000 };
  const server = tls === undefined ? createServer(limits, handle) : secureServer(tls, limits, handle);
  server.maxConnections = MOST_CONNECTIONS;
  server.on("clientError", (_, socket) => socket.destroy());
  server.listen(port, host.replace(/^\[|\]$/g, ""));
  await once(server, "listening").catch((cause: NodeJS.ErrnoException) => {
    throw new ModelError(
      "network",
      `${host}:${port} cannot be listened on (${cause.code}). Choose another address or port, or end the program that uses it.`,
      { cause },
    );
  });
  const shown = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return {
    address: `${tls === undefined ? "http" : "https"}://${shown}:${(server.address() as AddressInfo).port}`,
    close: (graceMs = GRACE_MS) => close(server, graceMs),
  };
}

function secureServer(
  tls: NonNullable<HttpOptions["tls"]>,
  limits: ServerOptions,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  try {
    return createSecureServer({ ...limits, ...tls }, handle);
  } catch (cause) {
    throw new ModelError(
      "input",
      "The files of --tls-cert and --tls-key are not a certificate and its key in PEM. Check their names.",
      { cause },
    );
  }
}

/** The error for an address of other machines without a token. */
export function tokenMissing(host: string): ModelError {
  return new ModelError(
    "input",
    `Other machines can reach ${host}, so a token is required: put one of at least ${LEAST_TOKEN} characters into a file (--token-file) or into SPANFILL_SERVER_TOKEN. Without a token, listen on 127.0.0.1.`,
  );
}

/** Characters of a token. */
export const LEAST_TOKEN = 16;

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(late);
}

async function respond(
  served: Served,
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const beganMs = performance.now();
  const left = new AbortController();
  const late = setTimeout(() => left.abort(new DOMException("too late", "TimeoutError")), options.mostMs ?? MOST_MS);
  response.once("close", () => left.abort(new DOMException("the client left", "AbortError")));
  let answered: Answered;
  try {
    answered = refused(request, options) ?? (await answerOf(served, request, left.signal));
  } catch (error) {
    const { status, error: why } = failureOf(error);
    answered = failed(status, why);
  } finally {
    clearTimeout(late);
  }
  served.metrics.answered(answered.operation, answered.status, (performance.now() - beganMs) / 1000);
  if (response.destroyed) return;
  const { status, contentType, body, headerLength } = answered;
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": body.length,
    ...(headerLength === undefined ? {} : { [LENGTH_HEADER]: headerLength }),
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...(status === 503 ? { "retry-after": "1" } : {}),
    // What is left of a body that was refused is not read.
    ...(request.complete ? {} : { connection: "close" }),
  });
  response.end(body);
}

async function answerOf(served: Served, request: IncomingMessage, signal: AbortSignal): Promise<Answered> {
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  const length = request.headers[LENGTH_HEADER];
  const body = await bodyOf(request);
  if (body === undefined) return failed(413, `A request has at most ${MOST_BODY_BYTES} bytes.`);
  const headerLength = length === undefined ? undefined : Number(length);
  return answer(served, { method: request.method ?? "", path, client: clientOf(request), signal, body, headerLength });
}

/** The client's turn is by its name, if it has one, and its address. */
function clientOf({ headers, socket }: IncomingMessage): string {
  return `${String(headers["spanfill-client"] ?? "").slice(0, 64)} ${socket.remoteAddress}`;
}

/** Refuses strangers: those without the token, and web pages that a browser on this machine shows. */
function refused({ headers, url }: IncomingMessage, { host, token }: HttpOptions): Answered | undefined {
  if (headers.origin !== undefined) return failed(403, "Web pages are not answered.");
  const asked = (headers.host ?? "").replace(/:\d+$/, "");
  if (token === undefined && isOwnHost(host) && !isOwnHost(asked))
    return failed(403, "This server answers only under the names localhost and 127.0.0.1.");
  if (token === undefined || /^\/v2\/health\/(live|ready)$/.test(url ?? "")) return undefined;
  return sameToken(headers.authorization ?? "", token) ? undefined : failed(401, "The token is missing or wrong.");
}

/** Whether an Authorization header has the token; takes the same time whatever it has. */
export function sameToken(header: string, token: string): boolean {
  const sent = /^Bearer (.+)$/.exec(header)?.[1] ?? "";
  return timingSafeEqual(sumOf(sent), sumOf(token));
}

function sumOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** A request's body; undefined if it is too large. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > MOST_BODY_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
