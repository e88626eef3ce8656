/** A field among the lines of metadata that a text begins with, read again before the edit is returned. */
import { ModelError } from "../../../../models/errors.ts";
import { valueIn } from "../../../text/document/metadata.ts";
import { proseText, readDocument, type TextDocument } from "../../../text/document.ts";
import type { Field, FieldEdit } from "./edit.ts";

/** Names of fields, as Pelican and MultiMarkdown have them. */
const KEYS: Readonly<Record<Field, readonly string[]>> = { title: ["title"], description: ["description", "summary"] };

/**
 * The edit that puts a value where the metadata has such a field; undefined where the document has no metadata, or for
 * a title that it lacks.
 * @throws ModelError "input" when a description is missing there, or the edit would change something else
 */
export async function metadataEdit(
  document: TextDocument,
  field: Field,
  value: string,
  language: string,
): Promise<FieldEdit | undefined> {
  const { text, blocks } = document;
  const [metadata] = blocks;
  if (metadata?.name !== "metadata") return undefined;
  const lines = text.slice(metadata.start, metadata.end);
  const found = KEYS[field].map((key) => valueIn(lines, key)).find((range) => range !== undefined);
  if (found === undefined) {
    if (field === "title") return undefined;
    throw new ModelError("input", "The metadata above the text has no description. Write it there by hand.");
  }
  const edit = { start: metadata.start + found.start, end: metadata.start + found.end, newText: value };
  const edited = await readDocument(text.slice(0, edit.start) + value + text.slice(edit.end), language);
  if (edited.blocks[0]?.name === "metadata" && proseText(edited) === proseText(document)) return edit;
  throw new ModelError(
    "input",
    `The metadata's ${field} cannot be changed without changing something else. Change it by hand.`,
  );
}
