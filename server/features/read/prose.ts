/** What of a text is summarized: its prose, with headings and list marks as the model was taught them. */
import { ModelError } from "../../../models/errors.ts";
import { type ProseBlock, proseBlocks, readDocument } from "../../text/document.ts";
import { languageName } from "../../text/languages.ts";

/** A heading, paragraph or item of the prose, and where it stands in it. */
export interface WrittenBlock {
  readonly kind: "heading" | "paragraph";
  /** Of a heading, from 1; else 0. */
  readonly level: number;
  readonly text: string;
  readonly within?: "item" | "quotation";
  /** Where `text` begins in the written prose. */
  readonly start: number;
}

/** The prose of a document as the model reads it. */
export interface WrittenProse {
  /** Blocks with blank lines between, with marks of headings and items. */
  readonly text: string;
  readonly blocks: readonly WrittenBlock[];
  /** The heading that stands before anything else; empty where there is none. */
  readonly title: string;
}

/**
 * The prose of a text; undefined where there is none to speak of.
 * @param language a language id or a file's name; told by the content where it is absent
 */
export async function writtenProse(text: string, language?: string): Promise<WrittenProse | undefined> {
  const blocks = proseBlocks((await readDocument(text, language)).blocks);
  if (!blocks.some(isTelling)) return undefined;
  // What is quoted, as callouts are, says what the text is about only where there is nothing else.
  const own = blocks.filter(({ within }) => within !== "quotation");
  return written(own.some(isTelling) ? own : blocks);
}

/** The text of {@link writtenProse}. */
export async function proseOf(text: string, language?: string): Promise<string | undefined> {
  return (await writtenProse(text, language))?.text;
}

function written(blocks: readonly ProseBlock[]): WrittenProse {
  const parts: string[] = [];
  const writtenBlocks: WrittenBlock[] = [];
  let length = 0;
  for (const { block, prose, within } of blocks) {
    const isHeading = block.kind === "heading";
    const level = isHeading ? Math.min(block.level ?? 1, 6) : 0;
    const mark = isHeading ? `${"#".repeat(level)} ` : within === "item" ? "- " : "";
    const start = length + mark.length;
    const kind = isHeading ? "heading" : "paragraph";
    writtenBlocks.push({ kind, level, text: prose.text, start, ...(within !== undefined && { within }) });
    parts.push(mark + prose.text);
    length = start + prose.text.length + SEPARATOR.length;
  }
  const [first] = writtenBlocks;
  return {
    text: parts.join(SEPARATOR),
    blocks: writtenBlocks,
    title: first?.kind === "heading" ? first.text : "",
  };
}

const SEPARATOR = "\n\n";

/** Whether a block is a paragraph of more than a word; in scripts without blanks, of more than a few characters. */
function isTelling({ block, prose: { text } }: ProseBlock): boolean {
  return block.kind === "paragraph" && (text.split(" ").length >= 2 || (UNSPACED.test(text) && text.length >= 6));
}

const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** The model does not know a text's language, and there is no sentence or heading in it to quote. */
export class NothingToQuote extends ModelError {
  /** @param language an ISO 639-1 code, if it is known */
  constructor(language: string | undefined) {
    const name = language === undefined ? "in a language" : languageName(language);
    super(
      "input",
      `The text is ${name}${language === undefined ? " that" : ", which"} the model does not know, and has no sentence to quote. Use a model of that language.`,
    );
  }
}

/** A text has no prose that could be summarized. */
export class NoProse extends ModelError {
  constructor() {
    super(
      "input",
      "There is no prose to summarize here: front matter, headings, code, tables, comments and markup are left out.",
    );
  }
}
