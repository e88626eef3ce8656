/**
 * Opens what is being imported: the part of an import that reads what strangers wrote. The language server has it done
 * by another process.
 */
import { ModelError } from "../../models/errors.ts";
import { encoderShapes, tensorShapes } from "../../models/t5/weights.ts";
import { checkVocabulary } from "../../models/tokenizer/tokenizer.ts";
import { NotRegularError } from "../files/regular-file.ts";
import { readTensor, storedTensor, verifySums } from "./folder/checkpoint.ts";
import { endTokenOf, readGenerationSettings } from "./folder/generation.ts";
import { openEncoderOnly, openModel } from "./folder/open.ts";
import { readTokenizer } from "./folder/tokenizer.ts";
import { type ImportTask, notImported, type OpenedImport } from "./import-task.ts";

/**
 * Reads every tensor of a model, and encodes and decodes a sentence; of an adapter, merges it with its base first.
 * @throws ModelError that says why the model would not load; the signal's reason when it aborts
 */
export async function openImported({ to, adapter }: ImportTask, signal: AbortSignal): Promise<OpenedImport> {
  try {
    if (adapter !== undefined) {
      const { importAdapter } = await import("./import-adapter.ts");
      const { folder, ...options } = adapter;
      if (await importAdapter(to, folder, { ...options, signal })) return { prefix: "", apart: true };
    }
    return { prefix: await tryModel(to, signal), apart: false };
  } catch (error) {
    if (!(error instanceof NotRegularError || (error instanceof Error && "syscall" in error))) throw error;
    throw notImported(to, error);
  }
}

/** @returns the prefix of the tensors' names, which was left out */
async function tryModel(directory: string, signal: AbortSignal): Promise<string> {
  const encoder = await openEncoderOnly(directory);
  const { config, form, checkpoint, prefix } = encoder ?? (await openModel(directory, "float"));
  const tokenizer = await readTokenizer(directory);
  const generation = await readGenerationSettings(directory);
  checkVocabulary(tokenizer, config.vocabSize, endTokenOf(generation, tokenizer, config));
  await verifySums(checkpoint, signal);
  for (const name of form === "float" ? (encoder ? encoderShapes(config) : tensorShapes(config)).keys() : []) {
    signal.throwIfAborted();
    await readTensor(name, storedTensor(name, checkpoint));
  }
  const ids = tokenizer.encode("This is a sentence.");
  if (ids.length > 0 && tokenizer.decode(ids, { keepSpecial: true }) !== "") return prefix;
  throw new ModelError(
    "tokenizer",
    `The tokenizer in ${directory} reads a sentence as nothing. Take the one from the model's own repository.`,
  );
}
