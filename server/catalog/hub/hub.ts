/** The Hugging Face hub: its address, the content of a model's repository, and which files to download. */
import { join } from "node:path";
import { listFiles, modelInfo } from "@huggingface/hub";
import * as z from "zod";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import {
  commitSchema,
  fileNameSchema,
  gitHashSchema,
  quoted,
  requireHubId,
  sha256Schema,
  sizeSchema,
  tokenSchema,
} from "../../files/names.ts";
import { readRegularTextSync } from "../../files/regular-file.ts";
import { isMissing } from "../../files/whole-file.ts";
import { type FileKind, fileKind, GENERATION_FILE, HUB_WEIGHTS, isSmall } from "../folder/model-files.ts";
import { hubHome } from "../store.ts";
import { parseAddress, referredAddress } from "./address.ts";
import { type Answer, type HubFetch, patient } from "./network.ts";

/** A hub, and the identity for requests to it. */
export interface Hub {
  /** Without a trailing slash, user name and password. */
  readonly endpoint: string;
  /** Whether HF_HUB_OFFLINE forbids every request. */
  readonly offline: boolean;
  readonly fetch: HubFetch;
  /** The identity of requests: anonymous, by token, or the user named in the endpoint's address. */
  readonly identity: "nobody" | "token" | "user";
  /** The header with the credentials; empty for an address of another origin than the endpoint's. */
  readonly authorization: (address: string) => Readonly<Record<string, string>>;
}

/** A file in a repository. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /**
   * SHA-256 of a large file, SHA-1 of git's blob of a small one; hexadecimal. Also the name of its blob in the shared
   * cache.
   */
  readonly hash: string;
}

/** A model's repository at one commit. */
export interface HubModel {
  readonly id: string;
  readonly commit: string;
  /** Only the files that are needed. */
  readonly files: readonly HubFile[];
}

/**
 * The hub that the environment names, interpreted like Hugging Face's own tools do: HF_ENDPOINT, HF_TOKEN or the
 * token stored by a login (neither with HF_HUB_DISABLE_IMPLICIT_TOKEN), HF_HUB_OFFLINE. A user name or password in
 * the endpoint's address takes precedence over any token.
 * @param token takes precedence over the environment's
 * @throws ModelError "input" when the address or the token is invalid
 */
export function hubOf(environment: NodeJS.ProcessEnv, fetch: HubFetch, token?: string): Hub {
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HUB_DISABLE_IMPLICIT_TOKEN } = environment;
  const { url, authorization } = parseAddress(HF_ENDPOINT || "https://huggingface.co", "HF_ENDPOINT");
  const implicit = isOn(HF_HUB_DISABLE_IMPLICIT_TOKEN)
    ? undefined
    : HF_TOKEN?.trim() || storedToken(hubHome(environment));
  const secret = token?.trim() || implicit;
  if (secret && !tokenSchema.safeParse(secret).success) {
    throw new ModelError(
      "input",
      "The access token contains an invalid character, such as a space or a line break. Copy it again from the hub (HF_TOKEN, or the panel's Token button).",
    );
  }
  const header = authorization ?? (secret ? `Bearer ${secret}` : undefined);
  return {
    endpoint: url.href.replace(/(?<!\/)\/+$/, ""),
    offline: isOn(HF_HUB_OFFLINE),
    fetch,
    identity: authorization !== undefined ? "user" : secret ? "token" : "nobody",
    // A closure keeps the header out of printed objects.
    authorization: (address) =>
      header !== undefined && new URL(address).origin === url.origin ? { authorization: header } : {},
  };
}

/**
 * Lists the files of a model's main branch that are needed: the configuration, the tokenizer, and the weights once,
 * in the best format.
 * @throws ModelError "network" when the hub cannot be reached, refuses, or answers nonsense; "config" when the
 * repository is not such a model; "input" when the id is invalid
 */
export async function hubModel(hub: Hub, id: string, signal: AbortSignal): Promise<HubModel> {
  requireHubId(id);
  if (hub.offline) {
    throw new ModelError(
      "network",
      `HF_HUB_OFFLINE is set, so ${id} cannot be downloaded. Unset it to download models.`,
    );
  }
  const ask = patient(hub.fetch);
  // Not the library's accessToken, which accepts only huggingface.co's own format; mirrors have others.
  const access = () => ({ hubUrl: hub.endpoint, fetch: boundedFetch({ ...hub, fetch: ask }, id, signal) });
  try {
    const { sha } = await modelInfo({ name: id, additionalFields: ["sha"], ...access() });
    const commit = commitSchema.safeParse(sha).data;
    if (commit === undefined)
      throw untrusted(hub, `names ${quoted(sha)} as the commit of ${id}, which is not 40 hexadecimal digits`);
    const needed = new Map<string, HubFile>();
    let listed = 0;
    for await (const entry of listFiles({ repo: { type: "model", name: id }, revision: commit, ...access() })) {
      listed += 1;
      if (listed > MOST_FILES) throw untrusted(hub, `lists more than ${MOST_FILES} files for ${id}`);
      const file = checkedFile(hub, id, entry);
      if (file !== undefined && needed.has(file.path)) throw untrusted(hub, `lists ${file.path} of ${id} twice`);
      if (file !== undefined) needed.set(file.path, file);
    }
    return { id, commit, files: neededFiles(id, [...needed.values()]) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ModelError) throw error;
    const { host } = new URL(hub.endpoint);
    const words = `${host} gave no readable answer about ${id}. Try again, or another mirror.`;
    // The JSON parser's error quotes what was received, which may be a token sent back.
    throw new ModelError("network", words, error instanceof SyntaxError ? {} : { cause: error });
  }
}

/**
 * Selects the needed files of a repository.
 * @throws ModelError "config" when the configuration, weights or a tokenizer is missing
 */
export function neededFiles(id: string, files: readonly HubFile[]): HubFile[] {
  const weights = HUB_WEIGHTS.map((name) => files.filter(({ path }) => name.test(path))).find(
    (matches) => matches.length > 0,
  );
  const has = (kind: FileKind) => files.some(({ path }) => fileKind(path) === kind);
  const refused = (what: string) => new ModelError("config", `${id} ${what}`);
  const lacks = (what: string) =>
    refused(`has no ${what} that Spanfill can read. Choose another model, or import its files.`);
  const ggufs = weights?.filter(({ path }) => path.endsWith(".gguf")) ?? [];
  if (ggufs.length > 1)
    throw refused(
      `has several GGUF files (${ggufs.map(({ path }) => path).join(", ")}), each of which is a model. Download one and import it (spanfill models import FILE).`,
    );
  if (weights === undefined && has("adapter"))
    throw refused(
      "is a PEFT adapter, not a model. Download its folder and merge it with its base (spanfill models import FOLDER).",
    );
  if (!files.some(({ path }) => path === "config.json") && ggufs.length === 0) throw lacks("config.json");
  if (weights === undefined) throw lacks("weights");
  if (!has("tokenizer") && ggufs.length === 0) throw lacks("tokenizer"); // ByT5 has just a tokenizer_config.json
  const small = files.filter(({ path }) => isHubFile(path) && fileKind(path) !== "weights");
  // The small files come first, so that what they rule out is not downloaded.
  return [...small, ...weights].toSorted((a, b) => Number(isSmall(b.path)) - Number(isSmall(a.path)));
}

/** The address of a model's file. */
export function fileUrl({ endpoint }: Hub, { id, commit }: HubModel, path: string): string {
  return `${endpoint}/${id}/resolve/${commit}/${encodeURIComponent(path)}`;
}

/** Describes an HTTP status of the hub for a person. */
export function statusError(hub: Hub, id: string, status: number): ModelError {
  const { host } = new URL(hub.endpoint);
  const words =
    status === 401 || status === 403
      ? `${host} does not let you read ${id} (${status}): it does not exist, or requires a token. ${ADVICE[hub.identity]}`
      : status === 404
        ? `${host} has no ${id} (404). Check the name; a mirror may lack it.`
        : status === 429
          ? `${host} received too many requests from here (429). Wait a while; a token raises the limit.`
          : `${host} answered ${status} for ${id}. Try again later.`;
  return new ModelError("network", words);
}

/** Whether a file of a repository is needed, if its weights are those that are chosen. */
function isHubFile(path: string): boolean {
  const kind = fileKind(path);
  if (kind === "weights") return HUB_WEIGHTS.some((name) => name.test(path));
  return kind === "tokenizer" || path === GENERATION_FILE || path === "config.json";
}

const ADVICE: Readonly<Record<Hub["identity"], string>> = {
  nobody: "Accept its conditions on the hub and set a token (HF_TOKEN, or the panel's Token button).",
  token: "Your token is not allowed to read it.",
  user: "The user name and password in HF_ENDPOINT are not allowed to read it.",
};

/** Limit for all answers about a model together; a thousand entries take half a megabyte. */
const MOST_LISTING_BYTES = 16e6;
const MOST_FILES = 10_000;
const MOST_PAGES = 100;

/** A `fetch` for the hub's library: only JSON from the hub, bounded in bytes, pages and the server's total time. */
function boundedFetch(hub: Hub, id: string, signal: AbortSignal): typeof fetch {
  const lease = hub.fetch.lease();
  let pages = 0;
  let bytes = 0;
  return async (address) => {
    const endpoint = new URL(hub.endpoint);
    const url = referredAddress(endpoint, String(address)).href;
    pages += 1;
    if (pages > MOST_PAGES) throw untrusted(hub, `lists the files of ${id} on more than ${MOST_PAGES} pages`);
    const headers = { accept: "application/json", ...hub.authorization(url) };
    const answer: Answer = await hub.fetch(url, { headers, signal, lease });
    if (answer.status !== 200) {
      answer.discard();
      throw statusError(hub, id, answer.status);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) {
      bytes += chunk.length;
      if (bytes > MOST_LISTING_BYTES)
        throw untrusted(hub, `answers with more than ${MOST_LISTING_BYTES / 1e6} MB about ${id}`);
      chunks.push(chunk);
    }
    const next = answer.headers.get("link");
    return new Response(Buffer.concat(chunks), next === null ? {} : { headers: { link: next } });
  };
}

/** Validates a file that may be needed; undefined for folders and all other files, which are not downloaded. */
function checkedFile(hub: Hub, id: string, entry: unknown): HubFile | undefined {
  const { type, path } = entrySchema.safeParse(entry).data ?? {};
  if (type !== "file" || path === undefined || !(isHubFile(path) || fileKind(path) === "adapter")) return undefined;
  const { data, error } = fileSchema.safeParse(entry);
  if (data === undefined) {
    const key = String(error.issues[0]?.path.at(-1));
    const what = key === "path" ? "name" : key === "size" ? "size" : "hash";
    throw untrusted(hub, `lists ${quoted(path)} of ${id} with an invalid ${what}`);
  }
  const { size, oid, lfs } = data;
  return { path: data.path, sizeBytes: lfs?.size ?? size, hash: lfs?.oid ?? oid };
}

const entrySchema = z.object({ type: z.string(), path: z.string() });
const fileSchema = z.object({
  path: fileNameSchema,
  size: sizeSchema,
  oid: gitHashSchema,
  lfs: z.object({ oid: sha256Schema, size: sizeSchema }).nullish(),
});

/** The error for an answer that no real hub gives. */
function untrusted({ endpoint }: Hub, what: string): ModelError {
  const { host } = new URL(endpoint);
  const advice = "A hub never does that, so its answer is ignored. Name another mirror in HF_ENDPOINT, or none.";
  return new ModelError("network", `${host} ${what}. ${advice}`);
}

function isOn(value = ""): boolean {
  return /^(1|on|yes|true)$/i.test(value);
}

/** Tokens have about 40 characters. */
const MOST_TOKEN_BYTES = 4096;

function storedToken(home: string): string | undefined {
  try {
    return readRegularTextSync(join(home, "token"), MOST_TOKEN_BYTES).trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new ModelError("storage", `${join(home, "token")} cannot be read (${reason(error)}).`, { cause: error });
  }
}
