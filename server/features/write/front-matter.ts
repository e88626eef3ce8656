/** Writes a title or a description where a document has its own: in its front matter, or as its heading. */
import { ModelError } from "../../../models/errors.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { readDocument } from "../../text/document.ts";
import { frontMatterIn, frontMatterValues, keyIn } from "../../text/front-matter.ts";
import { type SummarizeOptions, summarize } from "../read/summarize.ts";
import type { Summary } from "../read/summary.ts";
import type { Field, FieldEdit } from "./fields/edit.ts";
import { headingEdit, titleHeading } from "./fields/heading.ts";
import { matterEdit, newMatter } from "./fields/matter.ts";
import { metadataEdit } from "./fields/metadata.ts";

/**
 * Proposes a field's value.
 * @throws ModelError "input" when there is no text but the front matter; what the model throws
 */
export async function proposeField(
  { model, ...window }: { readonly model: LoadedModel; readonly maxContextTokens?: number },
  { text, field, language }: { readonly text: string; readonly field: Field; readonly language: string },
  options: SummarizeOptions,
): Promise<Summary> {
  const style = field === "title" ? "title" : "sentence";
  return summarize({ model }, { text, language, style, ...window }, options);
}

/**
 * The edit that puts a value where the document has such a value: the front matter's key, everything else in it as it
 * was; for a title without such a key, the first heading; else a new key. Metadata without marks is treated likewise.
 * Without front matter a description begins one. An edit is read again before it is returned.
 * @param language a language id or a file's name
 * @throws ModelError "input" when the front matter is not valid, or the value cannot be put there safely
 */
export async function fieldEdit(text: string, field: Field, value: string, language: string): Promise<FieldEdit> {
  const newline = /\r\n|\n|\r/.exec(text)?.[0] ?? "\n";
  const line = value
    .replace(/\p{Cs}/gu, "\uFFFD")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  const matter = frontMatterIn(text);
  const document = await readDocument(text, language);
  if (matter !== undefined) {
    const key = keyIn(frontMatterValues(matter), [field]);
    if (key !== undefined || field !== "title" || titleHeading(document) === undefined)
      return matterEdit(text, matter, key ?? field, line, newline);
  } else checkStart(text);
  const metadata = await metadataEdit(document, field, line, language);
  if (metadata !== undefined) return metadata;
  if (field === "title") return headingEdit(document, language, line, newline);
  if (document.format !== "markdown" && document.format !== "mdx") {
    throw new ModelError(
      "input",
      "A description stands in front matter, which this document does not have. Add front matter, or write it by hand.",
    );
  }
  const start = text.startsWith("\uFEFF") ? 1 : 0;
  return { start, end: start, newText: newMatter(field, line, newline) };
}

/** @throws ModelError "input" when a text begins as front matter does that has no end, or is not valid */
function checkStart(text: string): void {
  const mark = /^\uFEFF?(?:(?:---|\+\+\+)(?=[ \t]*[\r\n])|\{(?=\s*["\r\n]))/.exec(text)?.[0].replace("\uFEFF", "");
  if (mark === undefined) return;
  if (mark !== "{" && text.split(/[\r\n]+/).filter((line) => line.trimEnd() === mark).length > 1) return;
  throw new ModelError(
    "input",
    `The text begins with "${mark}", as front matter does, but the front matter has no end or is not valid. Correct it, then try again.`,
  );
}
