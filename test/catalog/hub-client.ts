/** A model on a loopback hub and a download of it, for the tests. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { defined } from "../../base/defined.ts";
import { ModelError, type ModelErrorCode } from "../../models/errors.ts";
import { type DownloadProgress, getModel } from "../../server/catalog/hub/get.ts";
import { hubOf } from "../../server/catalog/hub/hub.ts";
import { createFetch } from "../../server/catalog/hub/network.ts";
import { startHub } from "../support/hub-server.ts";

/** The model. */
export const ID = "google/t5-efficient-tiny";
/** Its weights. */
export const WEIGHTS = randomBytes(700_000);
const sizes = { vocab_size: 4, d_model: 8, d_ff: 8, d_kv: 4, num_heads: 2, num_layers: 1 };
const CONFIG = { model_type: "t5", ...sizes };
const TOKENIZER = {
  added_tokens: [],
  pre_tokenizer: { type: "WhitespaceSplit" },
  model: { type: "WordLevel", unk_token: "<unk>", vocab: { "<pad>": 0, "</s>": 1, "<unk>": 2, a: 3 } },
};
/** Its files. */
export const FILES = {
  ".gitattributes": Buffer.from("*.bin filter=lfs"),
  "config.json": Buffer.from(JSON.stringify(CONFIG)),
  "flax_model.msgpack": randomBytes(1000),
  "pytorch_model.bin": WEIGHTS,
  "spiece.model": randomBytes(5000),
  "tokenizer.json": Buffer.from(JSON.stringify(TOKENIZER)),
};
/** What of them is fetched. */
export const NEEDED = ["config.json", "pytorch_model.bin", "spiece.model", "tokenizer.json"];
/** How much that is. */
export const NEEDED_BYTES = NEEDED.reduce((sum, name) => sum + FILES[name as keyof typeof FILES].length, 0);

/** How a download is asked for. */
export interface Get {
  readonly id?: string;
  readonly token?: string;
  readonly proxy?: string;
  readonly silenceMs?: number;
  readonly signal?: AbortSignal;
  readonly longestWaitMs?: number;
  readonly environment?: NodeJS.ProcessEnv;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** A hub, folders that do not exist yet, and what downloads into them; all gone after the test. */
export async function setup(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-download-"));
  const hub = await startHub({ [ID]: FILES });
  t.after(async () => {
    await hub[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const places = { hub: join(folder, "hub"), own: join(folder, "own") };
  const get = async ({ id = ID, token, proxy, silenceMs = 1000, environment, ...options }: Get = {}) => {
    const fetch = createFetch({ silenceMs, ...defined({ proxy }) });
    const from = hubOf({ HF_ENDPOINT: `${hub.endpoint}/`, HF_HOME: folder, ...environment }, fetch, token);
    const signal = new AbortController().signal;
    return getModel(from, places, id, { signal, backoffMs: [10, 10, 10], ...options });
  };
  assert.ok(!existsSync(places.hub));
  return { hub, places, folder, get };
}

/** Checks an error's code and words. */
export function is(code: ModelErrorCode, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  };
}
