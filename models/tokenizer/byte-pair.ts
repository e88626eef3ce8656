/** Byte-level byte-pair vocabularies in files older than tokenizer.json: CodeT5's, in RoBERTa's. */
import * as z from "zod";
import { ModelError } from "../errors.ts";
import type { TokenizerSettings } from "./special-tokens.ts";

/**
 * The tokenizer.json equivalent of older files of byte pairs: RoBERTa's, with which CodeT5 was published, and GPT-2's.
 * @param vocab vocab.json: piece -> id
 * @param merges merges.txt: two pieces per line, most frequent first
 * @param settings what the files beside them say, including later additions to the vocabulary
 * @throws ModelError "tokenizer" when a file is malformed
 */
export function bytePairTokenizerJson(vocab: unknown, merges: string, settings: TokenizerSettings): object {
  const base = table.safeParse(vocab);
  if (!base.success) throw refused("vocab.json is not a table of pieces", base.error);
  const names = new Set(Object.values(settings.names));
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const later = new Map(settings.added.map((token) => [token.content, token]));
  const usual = /^(?:<pad>|<s>|<\/s>|<unk>|<mask>|<extra_id_\d+>)$/;
  const ids = new Map([...Object.entries(base.data), ...[...later].map(([content, { id }]) => [content, id] as const)]);
  const added = [...ids]
    .filter(([content]) => usual.test(content) || names.has(content) || later.has(content))
    .sort(([, a], [, b]) => a - b)
    .map(([content, id]) => {
      const token = later.get(content) ?? { ...flags, id, content };
      return usual.test(content) || names.has(content) ? { ...token, special: true, normalized: false } : token;
    });
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const [start, end] = [ids.get("<s>"), ids.get("</s>")];
  const isRoberta = !settings.tokenizerClass?.startsWith("GPT2") && start !== undefined && end !== undefined;
  return {
    version: "1.0",
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: isRoberta ? { type: "RobertaProcessing", sep: ["</s>", end], cls: ["<s>", start] } : null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      unk_token: ids.has("<unk>") && isRoberta ? "<unk>" : null,
      vocab: base.data,
      merges: merges.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#version")),
    },
  };
}

const table = z.record(z.string(), z.int().nonnegative());

function refused(reason: string, cause: unknown): ModelError {
  return new ModelError(
    "tokenizer",
    `The byte-pair tokenizer cannot be used: ${reason}. Take tokenizer.json, or vocab.json and merges.txt, from the model's own repository.`,
    { cause },
  );
}
