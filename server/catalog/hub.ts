/** The Hugging Face hub: where it is, what a model's repository holds, and which of its files are worth fetching. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HubApiError, listFiles, modelInfo } from "@huggingface/hub";
import { ModelError } from "../../models/errors.ts";
import { isMissing, reason } from "./files.ts";
import { patient } from "./network.ts";
import { hubHome } from "./store.ts";

/** Which hub, and as whom. */
export interface Hub {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly token?: string;
  /** Whether HF_HUB_OFFLINE forbids every request. */
  readonly offline: boolean;
  readonly fetch: typeof fetch;
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
 * left behind, HF_HUB_OFFLINE.
 * @param token goes before the environment's
 */
export function hubOf(environment: NodeJS.ProcessEnv, fetch: Hub["fetch"], token?: string): Hub {
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE } = environment;
  const known = token || HF_TOKEN || storedToken(hubHome(environment));
  return {
    endpoint: (HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, ""),
    offline: /^(1|on|yes|true)$/i.test(HF_HUB_OFFLINE ?? ""),
    fetch,
    ...(known ? { token: known } : {}),
  };
}

/**
 * Which files of a model's main branch to fetch: the configuration, the tokenizer, and the weights once, in the best format.
 * @throws ModelError "network" when the hub cannot be asked or refuses, "config" when it holds no such model
 */
export async function hubModel(hub: Hub, id: string): Promise<HubModel> {
  if (hub.offline) {
    throw new ModelError("network", `HF_HUB_OFFLINE is set, so ${id} is not looked for. Unset it to download models.`);
  }
  // Not the library's accessToken, which takes none but huggingface.co's own: mirrors have others.
  const access = {
    hubUrl: hub.endpoint,
    fetch: patient((url, init) =>
      hub.fetch(url, { ...init, headers: { accept: "application/json", ...authorization(hub) } }),
    ),
  };
  try {
    const { sha } = await modelInfo({ name: id, additionalFields: ["sha"], ...access });
    const found: HubFile[] = [];
    for await (const { type, path, size, oid, lfs } of listFiles({ repo: id, revision: sha, ...access })) {
      const hash = lfs?.oid ?? oid;
      if (type === "file" && hash !== undefined) found.push({ path, sizeBytes: lfs?.size ?? size, hash });
    }
    return { id, commit: sha, files: neededFiles(id, found) };
  } catch (error) {
    throw hubError(hub, id, error);
  }
}

/**
 * The needed ones among a repository's files.
 * @throws ModelError "config" when it lacks a configuration, weights or a tokenizer
 */
export function neededFiles(id: string, files: readonly HubFile[]): HubFile[] {
  const whole = WEIGHTS.map((name) => files.filter(({ path }) => name.test(path))).find((found) => found.length > 0);
  const tokenizer = files.filter(({ path }) => /^(tokenizer\.json|spiece\.model)$/.test(path));
  const lacks = (what: string) =>
    new ModelError("config", `${id} holds no ${what} that Spanfill reads. Choose another model, or import its files.`);
  if (!files.some(({ path }) => path === "config.json")) throw lacks("config.json");
  if (whole === undefined) throw lacks("weights");
  const bytes = files.some(({ path }) => path === "tokenizer_config.json"); // a byte-level model has no vocabulary to read
  if (tokenizer.length === 0 && !bytes) throw lacks("tokenizer");
  const rest = files.filter(({ path }) => /^(generation_config|tokenizer_config|config)\.json$/.test(path));
  // The configuration last: a model counts as there once it is.
  return [...tokenizer, ...whole, ...rest].toSorted(
    (a, b) => +(a.path === "config.json") - +(b.path === "config.json"),
  );
}

/** Where a file of a model is. */
export function fileUrl({ endpoint }: Hub, { id, commit }: HubModel, path: string): string {
  return `${endpoint}/${id}/resolve/${commit}/${path}`;
}

/** The header that says who asks. */
export function authorization({ token }: Hub): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** What a status of the hub means for a person. */
export function statusError(hub: Hub, id: string, status: number): ModelError {
  const { host } = new URL(hub.endpoint);
  const words =
    status === 401 || status === 403
      ? `${host} does not let you read ${id} (${status}): it does not exist, or wants a token. ${hub.token === undefined ? "Accept its conditions on the hub and give a token (HF_TOKEN, or the panel's Token button)." : "The token that was given may not read it."}`
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

function hubError(hub: Hub, id: string, error: unknown): unknown {
  if (error instanceof ModelError || (error instanceof Error && error.name === "AbortError")) return error;
  if (error instanceof HubApiError) return statusError(hub, id, error.statusCode);
  return new ModelError("network", `${hub.endpoint} gave no answer that can be read (${reason(error)}). Try again.`, {
    cause: error,
  });
}

function storedToken(home: string): string | undefined {
  try {
    return readFileSync(join(home, "token"), "utf8").trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new ModelError("storage", `${join(home, "token")} cannot be read (${reason(error)}).`, { cause: error });
  }
}
