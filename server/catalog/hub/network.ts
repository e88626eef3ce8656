/**
 * HTTP access to the hub: through proxies, with custom certificates, within limits; detects answers that are not the
 * hub's.
 */
import { setTimeout as wait } from "node:timers/promises";
import { Agent, Pool, ProxyAgent, fetch as undiciFetch } from "undici";
import { defined } from "../../../base/defined.ts";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { type Address, isLoopback, parseAddress, referredAddress } from "./address.ts";
import {
  createLease,
  isTimeout,
  LEAST_BYTES_PER_SECOND,
  type Lease,
  LONGEST_WAIT_MS,
  retryAfterMs,
  SILENCE_MS,
} from "./lease.ts";

/** Options for reaching the hub. */
export interface NetworkOptions {
  /** A proxy's address; the environment's HTTPS_PROXY, HTTP_PROXY and NO_PROXY if absent. */
  readonly proxy?: string;
  /**
   * How long a server may be silent or too slow.
   * @see lease.ts
   */
  readonly silenceMs?: number;
}

/** The request that goes with an address. */
export interface HubRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** The server's remaining time, if several requests share it. */
  readonly lease?: Lease;
}

/** A server's answer, after redirects. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /**
   * The bytes as they arrive; can be read once. Leaving the loop early ends the connection.
   * @throws ModelError "network" when the server is silent or too slow; the signal's reason
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the connection if the body is not needed. */
  readonly discard: () => void;
}

/** Requests an address from a hub. */
export interface HubFetch {
  (address: string, request: HubRequest): Promise<Answer>;
  /** A new lease, for requests that share it. */
  readonly lease: () => Lease;
}

/**
 * Creates the access to the hub. Certificates of NODE_EXTRA_CA_CERTS are trusted (Node reads them at start). At most
 * {@link MOST_REDIRECTS} redirects are followed; the Authorization header goes only to the first origin.
 * @returns a function that rejects with ModelError "network" when nothing answers in time, a proxy answers in the
 * hub's place, a redirect leads astray, or a token would be sent unencrypted; the caller handles statuses
 */
export function createFetch({ proxy, silenceMs = SILENCE_MS }: NetworkOptions = {}): HubFetch {
  const proxyOf = (url: URL) => {
    const text = proxy ?? proxyFor(url, process.env);
    return text === undefined ? undefined : parseAddress(text, "The proxy's address", "http://");
  };
  const dispatcher = createDispatcher(proxyOf, silenceMs);
  const lease = () => createLease(silenceMs);
  const ask = async (address: string, { headers, signal, lease: left = lease() }: HubRequest): Promise<Answer> => {
    signal?.throwIfAborted();
    const abort = new AbortController();
    const both = signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]);
    let url = new URL(address);
    let sent = headers;
    const failure = (cause: unknown, otherwise = plain): unknown => {
      abort.abort();
      if (signal?.aborted) return signal.reason;
      if (cause instanceof ModelError) return cause;
      return isTimeout(cause) ? silent(url, silenceMs) : otherwise(cause);
    };
    try {
      for (let redirects = 0; ; redirects += 1) {
        refusePlain(url, sent, proxyOf(url)?.url);
        const request = { headers: sent, redirect: "manual", signal: both, dispatcher };
        const response = await left.wait(underneath(url, request));
        if (!REDIRECTS.has(response.status)) {
          refuseStrangers(new URL(address), url, response);
          const { status, headers: received } = response;
          return {
            status,
            headers: received,
            body: bytesOf(response, left, abort, failure),
            discard: () => abort.abort(),
          };
        }
        await response.body?.cancel();
        if (redirects === MOST_REDIRECTS) throw tooMany(new URL(address));
        const next = referredAddress(url, response.headers.get("location"));
        if (next.origin !== url.origin) sent = withoutAuthorization(sent);
        url = next;
      }
    } catch (cause) {
      throw failure(cause, () => unreachable(url, cause));
    }
  };
  return Object.assign(ask, { lease });
}

/** Maximum number of redirects per request. */
const MOST_REDIRECTS = 5;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

const underneath = undiciFetch as unknown as (url: URL, init: object) => Promise<Response>;

/** Connections per origin, because a redirect can lead to one that is not behind the proxy. */
function createDispatcher(proxyOf: (url: URL) => Address | undefined, silenceMs: number): Agent {
  const patience = { headersTimeout: silenceMs, bodyTimeout: silenceMs };
  const connect = { timeout: silenceMs };
  return new Agent({
    ...patience,
    connect,
    factory: (origin, options) => {
      const address = proxyOf(new URL(origin));
      if (address === undefined) return new Pool(origin, options);
      const { url, authorization } = address;
      return new ProxyAgent({
        ...patience,
        uri: url.href,
        ...defined({ token: authorization }),
        proxyTls: connect,
        requestTls: connect,
        // The proxy itself may be as silent as a hub.
        clientFactory: (proxyOrigin, pool) => new Pool(proxyOrigin, { ...pool, ...patience }),
      });
    },
  });
}

/** A body's bytes; the server must deliver them within its lease. */
async function* bytesOf(
  { body }: Response,
  lease: Lease,
  abort: AbortController,
  failure: (cause: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  let complete = false;
  try {
    for (;;) {
      const { done, value } = await lease.wait(reader.read());
      complete = done;
      if (done) return;
      lease.count(value.length);
      yield value;
    }
  } catch (cause) {
    throw failure(cause);
  } finally {
    if (!complete) abort.abort();
  }
}

/**
 * Repeats requests that the server is too busy to answer, after the pause that it names.
 * @param backoffMs the pauses, shared by all requests
 */
export function patient(fetch: HubFetch, backoffMs: readonly number[] = [1000, 4000, 15_000]): HubFetch {
  const pauses = [...backoffMs];
  const ask = async (address: string, request: HubRequest): Promise<Answer> => {
    for (;;) {
      const answer = await fetch(address, request);
      if (answer.status !== 429 && answer.status < 500) return answer;
      const pause = pauses.shift();
      if (pause === undefined) return answer;
      answer.discard();
      const asked = retryAfterMs(answer.headers.get("retry-after")) ?? 0;
      const { signal } = request;
      await wait(Math.min(Math.max(pause, asked), LONGEST_WAIT_MS), undefined, signal === undefined ? {} : { signal });
    }
  };
  return Object.assign(ask, { lease: fetch.lease });
}

/**
 * The proxy that the environment names for an address: HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY lists the host or a
 * domain above it; lower case takes precedence, as in curl.
 */
export function proxyFor({ protocol, hostname, host }: URL, environment: NodeJS.ProcessEnv): string | undefined {
  const read = (name: string) => environment[name.toLowerCase()] ?? environment[name];
  const except = (read("NO_PROXY") ?? "").split(/[\s,]+/).filter((entry) => entry !== "");
  const direct = except.some((entry) => {
    const domain = entry.replace(/^\*?\./, "");
    return entry === "*" || domain === host || domain === hostname || hostname.endsWith(`.${domain}`);
  });
  return direct ? undefined : read(protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") || undefined;
}

/** Describes why a connection could not be made. */
function unreachable({ host }: URL, error: unknown): ModelError {
  const cause = plain(error);
  const { code } = cause;
  const words = /\b407\b/.test(reason(cause))
    ? `The proxy on the way to ${host} requires a user name and password. Put them into HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT.`
    : CERTIFICATE.test(code)
      ? `The certificate of ${host} is not trusted by this machine (${code}). If a company's proxy inspects connections, save its certificate in a file and name that in NODE_EXTRA_CA_CERTS.`
      : code === "ENOTFOUND" || code === "EAI_AGAIN"
        ? `${host} was not found: this machine seems to be offline. Connect it, name a mirror in HF_ENDPOINT, or import the model from a folder or a zip file.`
        : `${host} could not be reached (${code || reason(cause)}). Check the connection; behind a proxy, set HTTPS_PROXY; or import the model from a folder or a zip file.`;
  return new ModelError("network", words, { cause });
}

/** Message and code of the innermost error and nothing else, because undici's errors contain received data. */
function plain(error: unknown): Error & { readonly code: string } {
  const cause = deepest(error);
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return Object.assign(new Error(reason(cause)), { code });
}

/** The innermost cause of an error. */
function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? deepest(error.cause) : error;
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/;

function silent({ host }: URL, silenceMs: number): ModelError {
  return new ModelError(
    "network",
    `${host} was silent for ${silenceMs / 1000} seconds, or sent less than ${LEAST_BYTES_PER_SECOND} bytes per second. Check the connection and the proxy, and try again later, or try another mirror.`,
    { cause: new DOMException("The server kept silent", "TimeoutError") },
  );
}

function tooMany({ host }: URL): ModelError {
  return new ModelError(
    "network",
    `${host} redirects more than ${MOST_REDIRECTS} times. Try another hub or mirror (HF_ENDPOINT).`,
  );
}

/** Refuses to expose a token to others on the way; a password in an http address was put there deliberately. */
function refusePlain(url: URL, { authorization }: HubRequest["headers"], proxy: URL | undefined): void {
  if (!authorization?.startsWith("Bearer ") || url.protocol === "https:") return;
  if (isLoopback(url) && (proxy === undefined || isLoopback(proxy))) return;
  const way = proxy === undefined || isLoopback(proxy) ? "" : `, through the proxy ${proxy.host}`;
  throw new ModelError(
    "network",
    `The access token is not sent to ${url.host}${way}: over plain http anybody on the way could read it. Use an https address in HF_ENDPOINT, or set HF_HUB_DISABLE_IMPLICIT_TOKEN=1 to send no token (in the panel, remove it).`,
  );
}

function withoutAuthorization(headers: HubRequest["headers"]): HubRequest["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization"));
}

/** Refuses answers of a proxy or a network's login page in the hub's place. */
function refuseStrangers(asked: URL, answered: URL, { status, headers }: Response): void {
  const page = /^text\/html/i.test(headers.get("content-type") ?? "");
  if (!page || (status >= 400 && status !== 511)) return;
  const at = answered.host === asked.host ? "" : ` from ${answered.host}`;
  throw new ModelError(
    "network",
    `A web page${at} arrived instead of the hub's answer from ${asked.host}: most likely the login page of a proxy or of this network. Open ${asked.origin} in a browser, log in, and try again.`,
  );
}
