/** A client of Ray's Jobs API over REST: every answer is checked, and none is waited for longer than its deadline. */
import { setTimeout as wait } from "node:timers/promises";
import { rootCertificates } from "node:tls";
import { Agent, ProxyAgent, request } from "undici";
import * as z from "zod";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { isLoopback, parseAddress } from "../../catalog/hub/address.ts";
import { proxyFor } from "../../catalog/hub/network.ts";
import { readRegularText } from "../../files/regular-file.ts";

/** How a cluster is reached. */
export interface ClusterConnection {
  /** ray://HOST[:PORT], or ray+https:// for encrypted connections; the port is the dashboard's, by default 8265. */
  readonly address: string;
  readonly token?: string;
  /** A file of certificates that are trusted besides Node's, PEM. */
  readonly certificateFile?: string;
  /** Longest time for an answer. Default 30 seconds; ten times as long for uploads. */
  readonly deadlineMs?: number;
}

/** A job to be submitted. */
export interface RayJob {
  readonly submission_id: string;
  /** A command for the cluster's shell. */
  readonly entrypoint: string;
  readonly runtime_env: {
    readonly working_dir: string;
    readonly py_modules?: readonly string[];
    readonly env_vars?: Readonly<Record<string, string>>;
  };
}

/** A cluster. All functions reject with ModelError "network". */
export interface RayClient {
  /** HOST:PORT, for messages. */
  readonly host: string;
  readonly encrypted: boolean;
  /** Ray's version on the cluster. */
  version(): Promise<string>;
  /** Stores a zip file, unless it is there already. @returns its URI */
  upload(name: string, zip: () => Promise<Uint8Array>): Promise<string>;
  submit(job: RayJob): Promise<void>;
  /** The state of a job and Ray's remark on it; undefined when there is no such job. */
  status(id: string): Promise<JobStatus | undefined>;
  /** Everything that a job has printed. */
  logs(id: string): Promise<string>;
  stop(id: string): Promise<void>;
  /** Forgets a job that has ended. */
  forget(id: string): Promise<void>;
  dispose(): Promise<void>;
}

const statusSchema = z.looseObject({
  status: z.enum(["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"]),
  message: z.string().nullish(),
});

/** A job's state. */
export type JobStatus = z.output<typeof statusSchema>;

const versionSchema = z.looseObject({ ray_version: z.string() });
const logsSchema = z.looseObject({ logs: z.string() });
const submittedSchema = z.looseObject({ submission_id: z.string() });

const DEADLINE_MS = 30_000;
const MOST_ANSWER_BYTES = 512 * 1024 * 1024;
const PORT = "8265";
const ATTEMPTS = 3;
const PAUSE_MS = 500;

/** The cluster's token and certificates, from the environment; Ray's own variable serves too. */
export function connectionOf(address: string, environment: NodeJS.ProcessEnv): ClusterConnection {
  const token = environment["SPANFILL_CLUSTER_TOKEN"] || environment["RAY_AUTH_TOKEN"];
  const certificateFile = environment["SPANFILL_CLUSTER_CERTIFICATES"];
  return { address, ...(token && { token: token.trim() }), ...(certificateFile && { certificateFile }) };
}

/** The parts of a cluster's address; undefined where a text is none. */
export function clusterUrl(address: string): URL | undefined {
  const [, encrypted, rest] = /^ray(\+https)?:\/\/([^/?#@\s]+)\/?$/.exec(address) ?? [];
  if (rest === undefined) return undefined;
  const scheme = encrypted === undefined ? "http" : "https";
  const text = `${scheme}://${rest}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.port === "" && !/:\d+$/.test(rest)) url.port = PORT;
  return url;
}

/** @throws ModelError "input" for an address that is none, or where a token would be sent unencrypted */
export async function createRayClient(connection: ClusterConnection): Promise<RayClient> {
  const { address, token, certificateFile, deadlineMs = DEADLINE_MS } = connection;
  const url = clusterUrl(address);
  if (url === undefined)
    throw new ModelError(
      "input",
      `${address} is not a cluster's address. Write ray://HOST:PORT or ray+https://HOST:PORT.`,
    );
  const encrypted = url.protocol === "https:";
  const { host } = url;
  if (token !== undefined && !encrypted && !isLoopback(url))
    throw new ModelError(
      "input",
      `${host} would get the token over plain http, where anybody on the way could read it. Use ray+https://, or forward the port to this machine (ssh -L).`,
    );
  const dispatcher = await createDispatcher(url, certificateFile);
  const ask = createAsk({ url, token, deadlineMs, dispatcher });
  const json = <T>(path: string, schema: z.ZodType<T>, asked: Ask = {}) => checked(host, ask(path, asked), schema);
  const job = (id: string) => `/api/jobs/${encodeURIComponent(id)}`;
  return {
    host,
    encrypted,
    version: async () => (await json("/api/version", versionSchema)).ray_version.slice(0, 40),
    async upload(name, zip) {
      const path = `/api/packages/gcs/${name}`;
      const found = await ask(path, {});
      if (found.status === 404) {
        const stored = await ask(path, { method: "PUT", body: await zip(), patience: 10 });
        if (stored.status !== 200) throw refused(host, stored);
      } else if (found.status !== 200) throw refused(host, found);
      return `gcs://${name}`;
    },
    async submit(submitted) {
      const { submission_id: id } = submitted;
      const answer = await ask("/api/jobs/", { method: "POST", body: submitted, patience: 4 });
      // A repeated request finds the job that the first one has made.
      if (answer.status !== 200 && !answer.body.includes(`${id} already exists`)) throw refused(host, answer);
      if (answer.status === 200 && !submittedSchema.safeParse(parsedJson(answer.body)).success) throw garbage(host);
    },
    async status(id) {
      const answer = await ask(job(id), {});
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refused(host, answer);
      const parsed = statusSchema.safeParse(parsedJson(answer.body));
      if (!parsed.success) throw garbage(host);
      return parsed.data;
    },
    logs: async (id) => (await json(`${job(id)}/logs`, logsSchema, { patience: 4 })).logs,
    stop: async (id) => void (await json(`${job(id)}/stop`, z.looseObject({}), { method: "POST" })),
    forget: async (id) => void (await ask(job(id), { method: "DELETE" })),
    dispose: () => dispatcher.close(),
  };
}

/** Returns a function that asks again where the connection breaks: a job has its id, a package its content. */
function createAsk({
  url,
  token,
  deadlineMs,
  dispatcher,
}: {
  readonly url: URL;
  readonly token: string | undefined;
  readonly deadlineMs: number;
  readonly dispatcher: Agent | ProxyAgent;
}): (path: string, asked: Ask) => Promise<Answer> {
  const { host, origin } = url;
  return async (path, { method = "GET", body, patience = 1 }) => {
    const json = typeof body === "object" && !(body instanceof Uint8Array);
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(json && { "content-type": "application/json" }),
    };
    const sent = json ? JSON.stringify(body) : body;
    for (let attempt = 1; ; attempt += 1) {
      const signal = AbortSignal.timeout(patience * deadlineMs);
      try {
        // Not by fetch, whose headers are a browser's, which Ray refuses.
        const init = { method, headers, signal, dispatcher };
        const response = await request(`${origin}${path}`, sent === undefined ? init : { ...init, body: sent });
        return { status: response.statusCode, body: await textOf(host, response.body) };
      } catch (error) {
        if (error instanceof ModelError) throw error;
        if (signal.aborted) throw failed(host, `did not answer within ${(patience * deadlineMs) / 1000} seconds`);
        if (attempt === ATTEMPTS) throw unreachable(host, error);
        await wait(attempt * PAUSE_MS);
      }
    }
  };
}

/** An answer of a schema. @throws ModelError "network" for any other */
async function checked<T>(host: string, asked: Promise<Answer>, schema: z.ZodType<T>): Promise<T> {
  const answer = await asked;
  if (answer.status !== 200) throw refused(host, answer);
  const parsed = schema.safeParse(parsedJson(answer.body));
  if (!parsed.success) throw garbage(host);
  return parsed.data;
}

interface Ask {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: object | Uint8Array;
  /** Multiplies the deadline. */
  readonly patience?: number;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function createDispatcher(url: URL, certificateFile: string | undefined): Promise<Agent | ProxyAgent> {
  const tls = certificateFile === undefined ? {} : { ca: [...rootCertificates, await certificatesIn(certificateFile)] };
  const proxy = isLoopback(url) ? undefined : proxyFor(url, process.env);
  if (proxy === undefined) return new Agent({ connect: { timeout: 5000, ...tls } });
  const { url: at, authorization } = parseAddress(proxy, "The proxy's address", "http://");
  return new ProxyAgent({ uri: at.href, requestTls: tls, ...(authorization && { token: authorization }) });
}

async function certificatesIn(file: string): Promise<string> {
  return readRegularText(file).catch((cause: unknown) => {
    throw new ModelError("input", `The cluster's certificates in ${file} cannot be read (${reason(cause)}).`, {
      cause,
    });
  });
}

async function textOf(host: string, body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MOST_ANSWER_BYTES) throw failed(host, `sent more than ${MOST_ANSWER_BYTES >> 20} MB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused(host: string, { status, body }: Answer): ModelError {
  if (status === 401 || status === 403)
    return failed(host, `refuses the token (${status}). Set the cluster's own in SPANFILL_CLUSTER_TOKEN`);
  if (status === 404) return failed(host, "has no Jobs API (404). Name the port of Ray's dashboard, usually 8265");
  const last = body.trim().split("\n").at(-1) ?? "";
  return failed(host, `answered ${status}${last === "" ? "" : `: ${last.slice(0, 300)}`}`);
}

function garbage(host: string): ModelError {
  return failed(
    host,
    "sent an answer that is not one of Ray's Jobs API. Name the port of Ray's dashboard, usually 8265",
  );
}

function unreachable(host: string, error: unknown): ModelError {
  const cause = deepest(error);
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : reason(cause);
  return failed(host, `could not be reached, or broke the connection (${code})`);
}

function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? deepest(error.cause) : error;
}

function failed(host: string, why: string): ModelError {
  return new ModelError("network", `The cluster ${host} ${why}.`);
}
