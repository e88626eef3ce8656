/** Checks a model of a hub by its small files, before its weights are downloaded. */
import { lstat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { refuseHeads, refuseOtherHeads } from "../../../models/t5/refusals.ts";
import { unwrapped } from "../../../models/t5/wrappers.ts";
import { createFolder } from "../../files/create-folder.ts";
import { makeDraftFolder } from "../../files/draft.ts";
import { copyRegularFile } from "../../files/regular-file.ts";
import { isSame, removeOwn } from "../../files/removal.ts";
import { readJson } from "../../files/whole-file.ts";
import { isShardIndex, readShardIndex } from "../folder/find.ts";
import { endTokenOf, readGenerationSettings } from "../folder/generation.ts";
import { isSmall } from "../folder/model-files.ts";
import { declaredShape, shapeFile } from "../folder/shape.ts";
import type { HubFile } from "./hub.ts";

/**
 * Checks the configuration, the tokenizer, and the list of weights against what Spanfill can read.
 * @param files all needed files; the small ones are downloaded
 * @param blobOf path of a downloaded file
 * @param own Spanfill's own folder, where the check has a folder for a moment
 * @throws ModelError "config", "checkpoint" or "tokenizer" when the model could not be used
 */
export async function refuseUnusable(
  id: string,
  files: readonly HubFile[],
  blobOf: (file: HubFile) => string,
  own: string,
): Promise<void> {
  createFolder(own);
  const folder = await makeDraftFolder(own, "checking");
  const created = await lstat(folder, { bigint: true });
  try {
    for (const file of files.filter(({ path }) => isSmall(path))) {
      const path = join(folder, file.path);
      // Links need privileges on some systems (Windows).
      await symlink(blobOf(file), path).catch(() => copyRegularFile(blobOf(file), path));
    }
    await checkFolder(folder, files);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const message = error.message.replaceAll(folder, id);
    throw new ModelError(error.code, `${message} Its weights were not downloaded.`, { cause: error });
  } finally {
    await removeOwn(folder, own, isSame(created));
  }
}

async function checkFolder(folder: string, files: readonly HubFile[]): Promise<void> {
  for (const { path } of files.filter((file) => isShardIndex(file.path))) {
    const places = await readShardIndex(join(folder, path));
    const missing = Object.values(places).find((shard) => !files.some((file) => file.path === shard));
    if (missing !== undefined)
      throw new ModelError("checkpoint", `${join(folder, path)} names ${missing}, which the repository lacks.`);
    refuseOtherHeads(unwrapped(new Map(Object.entries(places))).keys());
  }
  if (shapeFile(folder) === undefined) return; // a GGUF file contains everything
  refuseHeads(await readJson(join(folder, "config.json"), "config"));
  const config = await (await declaredShape(folder))(new Map());
  if (files.some(({ path }) => path.endsWith(".gguf")) && !files.some(({ path }) => path.startsWith("tok"))) return;
  // Tokenizers are loaded only here, to keep the start of a server fast.
  const [{ readTokenizer }, { checkVocabulary }] = await Promise.all([
    import("../folder/tokenizer.ts"),
    import("../../../models/tokenizer/tokenizer.ts"),
  ]);
  const tokenizer = await readTokenizer(folder);
  checkVocabulary(tokenizer, config.vocabSize, endTokenOf(await readGenerationSettings(folder), tokenizer, config));
}
