/** The vocabulary that a GGUF file contains, where no tokenizer's files lie beside it. */
import { ModelError } from "../../../../models/errors.ts";
import type { GgufVocabulary } from "../../../../models/tokenizer/sentencepiece/gguf.ts";
import type { TokenizerSettings } from "../../../../models/tokenizer/special-tokens.ts";
import { createTokenizer, type Tokenizer } from "../../../../models/tokenizer/tokenizer.ts";
import { openSource } from "../source.ts";

/** A vocabulary in the layout of tokenizer.json, or as SentencePiece's. */
type Vocabulary = { readonly json: unknown } | GgufVocabulary;

/** Reads a file's vocabulary. @throws ModelError "tokenizer" when it has none, or one of another kind */
export async function ggufVocabularyOf(path: string): Promise<Vocabulary> {
  const [{ readGgufMetadata }, { ggufVocabulary }] = await Promise.all([
    import("../../../../models/checkpoint/gguf/gguf.ts"),
    import("../../../../models/tokenizer/sentencepiece/gguf.ts"),
  ]);
  const metadata = await readGgufMetadata(await openSource(path));
  const json = metadata.get("tokenizer.huggingface.json");
  if (typeof json === "string") return { json: parsedJson(json, path) };
  const prefix = "tokenizer.ggml.";
  const own = [...metadata].filter(([key]) => key.startsWith(prefix));
  return ggufVocabulary(Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])), path);
}

/** The files of a tokenizer that has the ids of the one in a GGUF file, by name. @throws ModelError "tokenizer" */
export async function ggufTokenizerFiles(path: string): Promise<[string, Uint8Array][]> {
  const text = (json: unknown) => Buffer.from(`${JSON.stringify(json)}\n`);
  const vocabulary = await ggufVocabularyOf(path);
  if ("json" in vocabulary) return [["tokenizer.json", text(vocabulary.json)]];
  const { encodeModel } = await import("../../../../models/tokenizer/sentencepiece.ts");
  const { model, added, extraIds } = vocabulary;
  return [
    ["spiece.model", encodeModel(model)],
    ["added_tokens.json", text(Object.fromEntries(added.map(({ content, id }) => [content, id])))],
    [
      "tokenizer_config.json",
      text({ tokenizer_class: "T5Tokenizer", extra_ids: extraIds, additional_special_tokens: [] }),
    ],
  ];
}

/** The tokenizer that a file contains. @throws ModelError "tokenizer" that names the file */
export async function ggufTokenizer(path: string, settings: TokenizerSettings): Promise<Tokenizer> {
  try {
    return await tokenizerIn(path, settings);
  } catch (cause) {
    if (!(cause instanceof ModelError) || cause.message.includes(path)) throw cause;
    const [reason] = cause.message.replace(/^(spiece\.model|tokenizer\.json) cannot be used: /, "").split(/(?<=\.) /);
    const message = `The vocabulary in ${path} cannot be used: ${reason} Put the model's tokenizer.json or spiece.model beside it.`;
    throw new ModelError("tokenizer", message, { cause });
  }
}

async function tokenizerIn(path: string, settings: TokenizerSettings): Promise<Tokenizer> {
  const vocabulary = await ggufVocabularyOf(path);
  if ("json" in vocabulary) return createTokenizer(vocabulary.json, settings);
  const { createSentencePieceTokenizer } = await import("../../../../models/tokenizer/sentencepiece/tokenizer.ts");
  const { model, added, extraIds, addsStart, addsEnd } = vocabulary;
  const { bos_id, eos_id, pad_id } = model.trainer_spec;
  const nameOf = (id: number) => model.pieces[id]?.piece;
  const names = { eos_token: nameOf(eos_id), pad_token: nameOf(pad_id), ...settings.names };
  const all = { ...settings, names, added: [...added, ...settings.added], extraIds: settings.extraIds ?? extraIds };
  const tokenizer = createSentencePieceTokenizer(model, all);
  return {
    ...tokenizer,
    frame: { before: addsStart && bos_id >= 0 ? [bos_id] : [], after: addsEnd ? tokenizer.frame.after : [] },
  };
}

function parsedJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ModelError("tokenizer", `${path} has a tokenizer that is not JSON. Download the file again.`, { cause });
  }
}
