/** The Hugging Face hub: where it is, what a model's repository holds, and which of its files are worth fetching. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listFiles, modelInfo } from "@huggingface/hub";
import { z } from "zod";
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
import { isMissing } from "../../files/whole-file.ts";
import { hubHome } from "../store.ts";
import { parseAddress, referredAddress } from "./address.ts";
import { type Answer, type HubFetch, patient } from "./network.ts";

/** Which hub, and as whom. */
export interface Hub {
  /** Without a slash at its end, a user name and a password. */
  readonly endpoint: string;
  /** Whether HF_HUB_OFFLINE forbids every request. */
  readonly offline: boolean;
  readonly fetch: HubFetch;
  /** Who asks: nobody in particular, who has the token, or the user named in the endpoint's address. */
  readonly identity: "nobody" | "token" | "user";
  /** The header that says who asks; empty for an address of another origin than the endpoint's. */
  readonly authorization: (address: string) => Readonly<Record<string, string>>;
}

/** A file of a repository. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of a large file, SHA-1 of git's blob of a small one; hexadecimal. The name of its blob in the shared cache. */
  readonly hash: string;
}

/** A model's repository at one commit. */
export interface HubModel {
  readonly id: string;
  readonly commit: string;
  /** Only those that are needed. */
  readonly files: readonly HubFile[];
}

/**
 * The hub that the environment names, as Hugging Face's own tools read it: HF_ENDPOINT, HF_TOKEN or the token that a login
 * left behind (neither with HF_HUB_DISABLE_IMPLICIT_TOKEN), HF_HUB_OFFLINE. A user name or password in the endpoint's
 * address goes before any token.
 * @param token goes before the environment's
 * @throws ModelError "input" when the address or the token cannot be one
 */
export function hubOf(environment: NodeJS.ProcessEnv, fetch: HubFetch, token?: string): Hub {
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HUB_DISABLE_IMPLICIT_TOKEN } = environment;
  const { url, authorization } = parseAddress(HF_ENDPOINT || "https://huggingface.co", "HF_ENDPOINT");
  const implicit = isOn(HF_HUB_DISABLE_IMPLICIT_TOKEN)
    ? undefined
    : HF_TOKEN?.trim() || storedToken(hubHome(environment));
  const known = token?.trim() || implicit;
  if (known && !tokenSchema.safeParse(known).success) {
    throw new ModelError(
      "input",
      "The access token has a character that no token has, such as a space or a line break. Copy it again from the hub (HF_TOKEN, or the panel's Token button).",
    );
  }
  const header = authorization ?? (known ? `Bearer ${known}` : undefined);
  return {
    endpoint: url.href.replace(/\/+$/, ""),
    offline: isOn(HF_HUB_OFFLINE),
    fetch,
    identity: authorization !== undefined ? "user" : known ? "token" : "nobody",
    // A closure: what is no property of the hub is not printed with it.
    authorization: (address) =>
      header !== undefined && new URL(address).origin === url.origin ? { authorization: header } : {},
  };
}

/**
 * Which files of a model's main branch to fetch: the configuration, the tokenizer, and the weights once, in the best format.
 * @throws ModelError "network" when the hub cannot be asked, refuses, or answers what cannot be, "config" when it holds no such
 * model, "input" when the id is none
 */
export async function hubModel(hub: Hub, id: string, signal: AbortSignal): Promise<HubModel> {
  requireHubId(id);
  if (hub.offline) {
    throw new ModelError("network", `HF_HUB_OFFLINE is set, so ${id} is not looked for. Unset it to download models.`);
  }
  const ask = patient(hub.fetch);
  // Not the library's accessToken, which takes none but huggingface.co's own: mirrors have others.
  const access = () => ({ hubUrl: hub.endpoint, fetch: boundedFetch({ ...hub, fetch: ask }, id, signal) });
  try {
    const { sha } = await modelInfo({ name: id, additionalFields: ["sha"], ...access() });
    const commit = commitSchema.safeParse(sha).data;
    if (commit === undefined)
      throw untrusted(hub, `names ${quoted(sha)} as the commit of ${id}, which is not 40 hexadecimal digits`);
    const found = new Map<string, HubFile>();
    let listed = 0;
    for await (const entry of listFiles({ repo: { type: "model", name: id }, revision: commit, ...access() })) {
      listed += 1;
      if (listed > MOST_FILES) throw untrusted(hub, `lists more than ${MOST_FILES} files for ${id}`);
      const file = checkedFile(hub, id, entry);
      if (file !== undefined && found.has(file.path)) throw untrusted(hub, `lists ${file.path} of ${id} twice`);
      if (file !== undefined) found.set(file.path, file);
    }
    return { id, commit, files: neededFiles(id, [...found.values()]) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ModelError) throw error;
    const { host } = new URL(hub.endpoint);
    const words = `${host} gave no answer about ${id} that can be read. Try again, or another mirror.`;
    // The error of JSON's parser quotes what was received, which may be a token sent back.
    throw new ModelError("network", words, error instanceof SyntaxError ? {} : { cause: error });
  }
}

/**
 * The needed ones among a repository's files.
 * @throws ModelError "config" when it lacks a configuration, weights or a tokenizer
 */
export function neededFiles(id: string, files: readonly HubFile[]): HubFile[] {
  const whole = WEIGHTS.map((name) => files.filter(({ path }) => name.test(path))).find((found) => found.length > 0);
  const tokenizer = files.filter(({ path }) => TOKENIZER.test(path));
  const lacks = (what: string) =>
    new ModelError("config", `${id} holds no ${what} that Spanfill reads. Choose another model, or import its files.`);
  if (!files.some(({ path }) => path === "config.json")) throw lacks("config.json");
  if (whole === undefined) throw lacks("weights");
  const bytes = files.some(({ path }) => path === "tokenizer_config.json"); // a byte-level model has no vocabulary to read
  if (tokenizer.length === 0 && !bytes) throw lacks("tokenizer");
  const rest = files.filter(({ path }) => SETTINGS.test(path));
  // The configuration last: a model counts as there once it is.
  return [...tokenizer, ...whole, ...rest].toSorted(
    (a, b) => +(a.path === "config.json") - +(b.path === "config.json"),
  );
}

/** Where a file of a model is. */
export function fileUrl({ endpoint }: Hub, { id, commit }: HubModel, path: string): string {
  return `${endpoint}/${id}/resolve/${commit}/${encodeURIComponent(path)}`;
}

/** What a status of the hub means for a person. */
export function statusError(hub: Hub, id: string, status: number): ModelError {
  const { host } = new URL(hub.endpoint);
  const words =
    status === 401 || status === 403
      ? `${host} does not let you read ${id} (${status}): it does not exist, or wants a token. ${ADVICE[hub.identity]}`
      : status === 404
        ? `${host} has no ${id} (404). Check the name; a mirror may lack it.`
        : status === 429
          ? `${host} has had too many requests from here (429). Wait a while; a token raises the limit.`
          : `${host} answered ${status} for ${id}. Try again later.`;
  return new ModelError("network", words);
}

/** The first that a repository has is taken: what needs no interpreting, then what most programs write. */
const WEIGHTS = [
  /^model\.safetensors$/,
  /^model(-\d+-of-\d+\.safetensors|\.safetensors\.index\.json)$/,
  /^pytorch_model\.bin$/,
  /^pytorch_model(-\d+-of-\d+\.bin|\.bin\.index\.json)$/,
  /^flax_model\.msgpack$/,
  /^flax_model(-\d+-of-\d+\.msgpack|\.msgpack\.index\.json)$/,
];
const TOKENIZER = /^(tokenizer\.json|spiece\.model)$/;
const SETTINGS = /^(generation_config|tokenizer_config|config)\.json$/;
const NEEDED = [...WEIGHTS, TOKENIZER, SETTINGS];

const ADVICE: Readonly<Record<Hub["identity"], string>> = {
  nobody: "Accept its conditions on the hub and give a token (HF_TOKEN, or the panel's Token button).",
  token: "The token that was given may not read it.",
  user: "The user name and password in HF_ENDPOINT may not read it.",
};

/** All answers about a model together; a thousand entries take half a megabyte. */
const MOST_LISTING_BYTES = 16e6;
const MOST_FILES = 10_000;
const MOST_PAGES = 100;

/** A `fetch` for the hub's library: JSON of the hub's only, bounded in bytes, pages and the time that the server takes for all. */
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

/** A file that may be needed, checked; undefined for folders and for all other files, which are not fetched. */
function checkedFile(hub: Hub, id: string, entry: unknown): HubFile | undefined {
  const { type, path } = entrySchema.safeParse(entry).data ?? {};
  if (type !== "file" || path === undefined || !NEEDED.some((name) => name.test(path))) return undefined;
  const { data, error } = fileSchema.safeParse(entry);
  if (data === undefined) {
    const key = String(error.issues[0]?.path.at(-1));
    const what = key === "path" ? "name" : key === "size" ? "size" : "hash";
    throw untrusted(hub, `lists ${quoted(path)} of ${id} with a ${what} that cannot be one`);
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

/** The error for what a hub never does. */
function untrusted({ endpoint }: Hub, what: string): ModelError {
  const { host } = new URL(endpoint);
  const advice = "No hub does that, so nothing of it is used. Name another mirror in HF_ENDPOINT, or none.";
  return new ModelError("network", `${host} ${what}. ${advice}`);
}

function isOn(value = ""): boolean {
  return /^(1|on|yes|true)$/i.test(value);
}

function storedToken(home: string): string | undefined {
  try {
    return readFileSync(join(home, "token"), "utf8").trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new ModelError("storage", `${join(home, "token")} cannot be read (${reason(error)}).`, { cause: error });
  }
}
