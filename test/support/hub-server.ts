/**
 * A hub on loopback: its listing, its redirects to a store that answers ranges, and the mishaps that a test asks for.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

/** What goes wrong with one request. */
export type Mishap =
  /** Ends the connection, or says nothing more, after so many bytes. */
  | { readonly kind: "cut" | "stall"; readonly afterBytes: number }
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: string }
  /** A login page in place of the answer; `redirect`: after being sent to another address. */
  | { readonly kind: "page"; readonly redirect?: boolean }
  /** Answers 200 with everything to a request for a range. */
  | { readonly kind: "whole" }
  | { readonly kind: "damaged" };

/** A hub that runs. */
export interface HubServer extends AsyncDisposable {
  readonly endpoint: string;
  /** For the next requests of files (`store`) or of listings (`api`), one each, in order; undefined: all goes well. */
  readonly mishaps: { readonly store: (Mishap | undefined)[]; readonly api: Mishap[] };
  /** Method, path, range and authorization of each request so far. */
  readonly requests: { readonly path: string; readonly range?: string; readonly authorization?: string }[];
  /** Bytes of file contents sent. */
  sentBytes: number;
  /** When set, requests without this token are refused. */
  token: string | undefined;
  /** When set, requests with another Authorization header are refused. */
  authorization: string | undefined;
  /** At most this many bytes a second, a connection. */
  bytesPerSecond: number | undefined;
  /** Answers in the hub's place where it returns true. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** What is given for the commit. */
  commit: unknown;
  /** Changes a model's list of files before it is sent. */
  alter: (entries: ListedFile[]) => unknown;
}

/** A file as the hub lists it. */
export interface ListedFile {
  readonly type: "file";
  readonly path: string;
  readonly size: number;
  readonly oid: string;
  readonly lfs?: { readonly oid: string; readonly size: number; readonly pointerSize: number };
}

/** The hash that the hub gives for a file: SHA-256 of large ones, SHA-1 of git's blob of small ones. */
export function hubHash(name: string, content: Buffer): string {
  if (isLarge(name)) return createHash("sha256").update(content).digest("hex");
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

/** Starts a hub. @param models id -> file name -> content @param tls makes it speak HTTPS */
export async function startHub(
  models: Readonly<Record<string, Readonly<Record<string, Buffer>>>>,
  tls?: { readonly cert: Buffer; readonly key: Buffer },
): Promise<HubServer> {
  const contents = new Map<string, Buffer>();
  for (const files of Object.values(models)) {
    for (const [name, content] of Object.entries(files)) contents.set(hubHash(name, content), content);
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    void answer(request, response).catch((error) => response.destroy(error));
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  const scheme = tls === undefined ? "http" : "https";
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const hub: HubServer = {
    endpoint: `${scheme}://127.0.0.1:${port}`,
    mishaps: { store: [], api: [] },
    requests: [],
    sentBytes: 0,
    token: undefined,
    authorization: undefined,
    bytesPerSecond: undefined,
    intercept: undefined,
    commit: COMMIT,
    alter: (entries) => entries,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return hub;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = "", headers } = request;
    const { pathname: path } = new URL(url, hub.endpoint);
    const { range, authorization } = headers;
    hub.requests.push({ path, ...(range && { range }), ...(authorization && { authorization }) });
    if (hub.intercept?.(request, response)) return;
    if (path === "/login") return page(response);
    const stored = /^\/store\/(\w+)$/.exec(path)?.[1];
    if (stored !== undefined) return send(response, stored, range, hub.mishaps.store.shift());
    const mishap = hub.mishaps.api.shift();
    if (mishap?.kind === "page" && mishap.redirect) {
      response.writeHead(302, { location: `${scheme}://localhost:${port}/login` }).end();
      return;
    }
    if (mishap?.kind === "page") return page(response);
    if (mishap?.kind === "status") return refuse(response, mishap.status, mishap.retryAfter);
    if (hub.token !== undefined && authorization !== `Bearer ${hub.token}`) return refuse(response, 401);
    if (hub.authorization !== undefined && authorization !== hub.authorization) return refuse(response, 401);
    const [, api, id = "", rest = ""] = /^\/(api\/models\/)?([\w.-]+\/[\w.-]+)\/(.*)$/.exec(path) ?? [];
    const files = models[id];
    if (files === undefined) return refuse(response, api === undefined ? 404 : 401); // as the hub does
    if (api !== undefined && rest.startsWith("revision/")) return json(response, { _id: "1", id, sha: hub.commit });
    if (api !== undefined && rest === `tree/${COMMIT}`) {
      const listed: ListedFile[] = Object.entries(files).map(([name, { length: size }]) => {
        const hash = hubHash(name, files[name] ?? Buffer.alloc(0));
        const lfs = { oid: hash, size, pointerSize: 134 };
        return {
          type: "file" as const,
          path: name,
          size,
          oid: isLarge(name) ? "0".repeat(40) : hash,
          ...(isLarge(name) && { lfs }),
        };
      });
      return json(response, hub.alter(listed));
    }
    const name = rest.replace(`resolve/${COMMIT}/`, "");
    const content = files[name];
    if (content === undefined) return refuse(response, 404);
    // To another origin, as the hub does for large files.
    const location = `${scheme}://localhost:${port}/store/${hubHash(name, content)}`;
    response.writeHead(302, { location, "x-repo-commit": COMMIT }).end();
  }

  async function send(
    response: ServerResponse,
    hash: string,
    range: string | undefined,
    mishap?: Mishap,
  ): Promise<void> {
    let content = contents.get(hash);
    if (content === undefined) return refuse(response, 404);
    if (mishap?.kind === "status") return refuse(response, mishap.status, mishap.retryAfter);
    if (mishap?.kind === "page") return page(response);
    if (mishap?.kind === "damaged") content = Buffer.alloc(content.length, 7);
    const start = mishap?.kind === "whole" ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    if (start >= content.length) return refuse(response, 416);
    const partial = range !== undefined && mishap?.kind !== "whole";
    response.writeHead(partial ? 206 : 200, {
      "content-type": "application/octet-stream",
      "content-length": content.length - start,
      "accept-ranges": "bytes",
      etag: `"${hash}"`,
      ...(partial && { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` }),
    });
    const end = mishap?.kind === "cut" || mishap?.kind === "stall" ? start + mishap.afterBytes : content.length;
    for (let at = start; at < Math.min(end, content.length) && !response.destroyed; at += CHUNK) {
      const chunk = content.subarray(at, Math.min(at + CHUNK, end));
      response.write(chunk);
      while (response.writableNeedDrain && !response.destroyed) await new Promise((resolve) => setTimeout(resolve, 1));
      hub.sentBytes += chunk.length;
      if (hub.bytesPerSecond !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, (1000 * chunk.length) / (hub.bytesPerSecond ?? 1)));
      }
    }
    if (mishap?.kind === "stall") return;
    // What was written is to arrive before the connection ends.
    if (mishap?.kind === "cut") setTimeout(() => response.destroy(), 30);
    else response.end();
  }
}

/** The commit that the hub gives. */
export const COMMIT = "c0ffee".padEnd(40, "0");
const CHUNK = 16 * 1024;

function isLarge(name: string): boolean {
  return /\.(bin|safetensors|msgpack|model|h5)$/.test(name);
}

/** Answers with JSON. */
export function json(response: ServerResponse, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { "content-type": "application/json; charset=utf-8", ...headers }).end(JSON.stringify(value));
}

function page(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html><title>Log in</title></html>");
}

function refuse(response: ServerResponse, status: number, retryAfter?: string): void {
  response
    .writeHead(status, { "content-type": "application/json", ...(retryAfter && { "retry-after": retryAfter }) })
    .end('{"error":"no"}');
}
