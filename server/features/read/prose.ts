/** What of a text is summarized: its prose, with headings and list marks as the model was taught them. */
import { ModelError } from "../../../models/errors.ts";
import { proseBlocks, readDocument } from "../../text/document.ts";

/**
 * The prose of a text, blocks with blank lines between; undefined where there is none to speak of.
 * @param language a language id or a file's name; told by the content where it is absent
 */
export async function proseOf(text: string, language?: string): Promise<string | undefined> {
  const blocks = proseBlocks((await readDocument(text, language)).blocks);
  if (!blocks.some(({ block, prose }) => block.kind === "paragraph" && saysSomething(prose.text))) return undefined;
  // What is quoted, as callouts are, says what the text is about only where there is nothing else.
  const own = blocks.filter(({ within }) => within !== "quotation");
  const hasOwn = own.some(({ block, prose }) => block.kind === "paragraph" && saysSomething(prose.text));
  const written = (hasOwn ? own : blocks).map(({ block, prose, within }) => {
    if (block.kind === "heading") return `${"#".repeat(Math.min(block.level ?? 1, 6))} ${prose.text}`;
    return within === "item" ? `- ${prose.text}` : prose.text;
  });
  return written.join("\n\n");
}

/** Whether a paragraph has more than a word; in scripts without blanks, more than a few characters. */
function saysSomething(text: string): boolean {
  return text.split(" ").length >= 2 || (UNSPACED.test(text) && text.length >= 6);
}

const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** A text has no prose that could be summarized. */
export class NoProse extends ModelError {
  constructor() {
    super(
      "input",
      "There is no prose to summarize here: front matter, headings, code, tables, comments and markup are left out.",
    );
  }
}
