/** Finds the sentence of an English text that stands best for all of it. */
import type { LoadedModel } from "../../engine/engine.ts";
import { writtenProse } from "./prose.ts";
import { bestOf } from "./sentences/choose.ts";
import { rankSentences } from "./sentences/rank.ts";
import { documentSentences } from "./sentences/sentences.ts";

/** The best sentence of a text's prose, on one line; undefined when it has no whole sentence. */
export async function bestSentence(
  model: Pick<LoadedModel, "rank">,
  text: string,
  format?: string,
): Promise<string | undefined> {
  const prose = await writtenProse(text, format);
  if (prose === undefined) return undefined;
  const sentences = documentSentences(prose.blocks, "en");
  const { scores } = await rankSentences({ model, isEnglish: true }, prose, sentences);
  return bestOf(sentences, scores)?.text;
}
