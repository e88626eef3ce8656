/** The way to the hub: through proxies and custom certificates, with answers that are not the hub's told from its own. */
import { setTimeout as wait } from "node:timers/promises";
import { Agent, Pool, ProxyAgent, fetch as undiciFetch } from "undici";
import { ModelError } from "../../models/errors.ts";
import { LONGEST_WAIT_MS, retryAfterMs } from "./download.ts";
import { reason } from "./files.ts";

/** What a request may take. */
export interface NetworkOptions {
  /** A proxy's address; the environment's HTTPS_PROXY, HTTP_PROXY and NO_PROXY when absent. */
  readonly proxy?: string;
  /** How long a server may stay silent. Default 30 seconds. */
  readonly silenceMs?: number;
}

/**
 * A `fetch` for the hub. Certificates of NODE_EXTRA_CA_CERTS are trusted (Node reads them at its start).
 * @returns rejects with ModelError "network" where nothing answers, or a proxy answers for the hub; statuses are the caller's
 */
export function createFetch({ proxy, silenceMs = 30_000 }: NetworkOptions = {}): typeof fetch {
  const patience = { connect: { timeout: silenceMs }, headersTimeout: silenceMs, bodyTimeout: silenceMs };
  const dispatcher = new Agent({
    ...patience,
    // Each origin on its own, because a redirect can lead to one that is not behind the proxy.
    factory: (origin, options) => {
      const uri = proxy ?? proxyFor(new URL(origin), process.env);
      return uri === undefined ? new Pool(origin, options) : new ProxyAgent({ uri, ...patience });
    },
  });
  const underneath = undiciFetch as unknown as (url: string | URL | Request, init: object) => Promise<Response>;
  return async (url, init) => {
    const address = url instanceof Request ? url.url : String(url);
    let response: Response;
    try {
      response = await underneath(url, { ...init, dispatcher });
    } catch (cause) {
      if (init?.signal?.aborted) throw cause;
      throw unreachable(address, cause);
    }
    refuseStrangers(address, response);
    return response;
  };
}

/**
 * A `fetch` that asks again, after the time that the server names, where it is too busy for an answer.
 * @param backoffMs waits between the tries
 */
export function patient(
  fetch: typeof globalThis.fetch,
  backoffMs: readonly number[] = [1000, 4000, 15_000],
): typeof fetch {
  return async (url, init) => {
    for (const pause of backoffMs) {
      const response = await fetch(url, init);
      if (response.status !== 429 && response.status < 500) return response;
      await response.body?.cancel();
      const asked = retryAfterMs(response.headers.get("retry-after")) ?? 0;
      await wait(
        Math.min(Math.max(pause, asked), LONGEST_WAIT_MS),
        undefined,
        init?.signal ? { signal: init.signal } : {},
      );
    }
    return fetch(url, init);
  };
}

/**
 * The proxy that the environment names for an address: HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY has the host or a domain
 * that it is in; lower case goes first, as with curl.
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

/** What kept a connection from being made, in words. */
export function unreachable(address: string, error: unknown): ModelError {
  const cause = deepest(error);
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const { host } = new URL(address);
  const words = /\b407\b/.test(reason(cause))
    ? `The proxy on the way to ${host} wants a user name and password. Write them into HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT.`
    : CERTIFICATE.test(code)
      ? `The certificate of ${host} is not one that this machine trusts (${code}). Where a company's proxy reads along, put its certificate into a file and name that in NODE_EXTRA_CA_CERTS.`
      : code === "ENOTFOUND" || code === "EAI_AGAIN"
        ? `${host} was not found: this machine seems to be offline. Connect it, name a mirror in HF_ENDPOINT, or import the model from a folder or a zip file.`
        : `${host} could not be reached (${code || reason(cause)}). Check the connection; behind a proxy, set HTTPS_PROXY; or import the model from a folder or a zip file.`;
  return new ModelError("network", words, { cause: error });
}

/** The error underneath all others. */
function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? deepest(error.cause) : error;
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/;

/** Refuses what a proxy or a network's login page says in the hub's place. */
function refuseStrangers(address: string, { status, headers, url }: Response): void {
  const { host } = new URL(address);
  const page = /^text\/html/i.test(headers.get("content-type") ?? "");
  if (!page || (status >= 400 && status !== 511)) return;
  const from = new URL(url || address).host;
  const at = from === host ? "" : ` from ${from}`;
  throw new ModelError(
    "network",
    `A web page${at} came in place of the hub's answer from ${host}: most likely the login page of a proxy or of this network. Open ${new URL(address).origin} in a browser, log in, and try again.`,
  );
}
