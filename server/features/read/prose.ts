/** Selects what of a text is summarized: its prose, with headings and list marks as the model saw them in training. */
import { ModelError } from "../../../models/errors.ts";
import { titleIn } from "../../text/document/metadata.ts";
import { type ProseBlock, proseBlocks, readDocument, type TextDocument } from "../../text/document.ts";
import { languageName } from "../../text/languages.ts";
import { endsSentence } from "../../text/sentences.ts";
import { type WrittenProse, writeProse } from "../../text/written-prose.ts";
import { namesAnyPart } from "./judge.ts";

/**
 * The prose of a text; undefined where there is none to speak of.
 * @param language a language id or a file's name; told by the content where it is absent
 */
export async function writtenProse(text: string, language?: string): Promise<WrittenProse | undefined> {
  const document = await readDocument(text, language);
  const { withoutHints, withoutNotices } = await import("./hints.ts");
  const shown = proseBlocks(document.blocks).filter((each) => !isNavigation(each));
  const blocks = withoutHints(text, shown);
  if (!blocks.some(isTelling)) return undefined;
  // What is quoted, as callouts are, what surrounds an article, and notices say what the text is about only where there
  // is nothing else.
  const read = [withoutQuotations, (all: readonly ProseBlock[]) => articleOf(document, all), withoutNotices].reduce(
    (all, less) => {
      const some = less(all);
      return some.some(isTelling) ? some : all;
    },
    blocks,
  );
  const [first] = read;
  const isTitled = first?.block.kind === "heading" && first.block.level === 1 && !namesAnyPart(first.prose.text);
  return writeProse(read, isTitled ? "" : await matterTitle(document));
}

/** The blocks without quotations, but for one at the top without a stop, which READMEs have below their titles. */
function withoutQuotations(blocks: readonly ProseBlock[]): ProseBlock[] {
  const begins = blocks.findIndex(({ block }) => block.kind !== "heading");
  return blocks.flatMap((each, i): ProseBlock[] => {
    if (each.within !== "quotation") return [each];
    const { block, prose } = each;
    const isCode = prose.runs.some(({ kind, start, end }) => kind === "code" && end - start > prose.text.length / 2);
    return i === begins && !isCode && !endsSentence(prose.text) ? [{ block, prose }] : [];
  });
}

/** The blocks of a page's main part. */
function articleOf({ format, text }: TextDocument, blocks: readonly ProseBlock[]): readonly ProseBlock[] {
  if (format !== "html") return blocks;
  const name = /<main\b/i.test(text) ? "main" : "article";
  const begins = Array.from(text.matchAll(new RegExp(`<${name}\\b`, "gi")), ({ index }) => index);
  const end = text.toLowerCase().lastIndexOf(`</${name}`);
  const [start, other] = begins;
  // Of several articles none is the page's.
  if (start === undefined || end < 0 || (name === "article" && other !== undefined)) return blocks;
  return blocks.filter(({ block }) => start <= block.start && block.end <= end);
}

/** The title in a document's front matter or metadata, or among settings; empty where there is none. */
async function matterTitle({ text, format, blocks }: TextDocument): Promise<string> {
  const [first] = blocks;
  if (format === "program") {
    const title = blocks.find(({ name }) => name === "title")?.content;
    return title === undefined ? "" : text.slice(title.start, title.end);
  }
  if (first?.name === "metadata") return titleIn(text.slice(first.start, first.end));
  if (first?.kind !== "frontMatter") return "";
  const { frontMatterIn, frontMatterValues, keyIn } = await import("../../text/front-matter.ts");
  try {
    const matter = frontMatterIn(text);
    const values = matter === undefined ? {} : frontMatterValues(matter);
    const title = values[keyIn(values, ["title"]) ?? "title"];
    return typeof title === "string" ? title.replace(/\s+/g, " ").trim() : "";
  } catch (error) {
    if (error instanceof ModelError) return ""; // it is not valid; Write Title says so
    throw error;
  }
}

/** The text of {@link writtenProse}. */
export async function proseOf(text: string, language?: string): Promise<string | undefined> {
  return (await writtenProse(text, language))?.text;
}

/** Whether a block is a paragraph of more than a word; in scripts without blanks, of more than a few characters. */
function isTelling({ block, prose: { text } }: ProseBlock): boolean {
  return block.kind === "paragraph" && (text.split(" ").length >= 2 || (UNSPACED.test(text) && text.length >= 6));
}

/** Whether a paragraph is two links or more between marks, each behind a label such as "Next:" at most. */
function isNavigation({ block, prose: { text, runs, starts } }: ProseBlock): boolean {
  const links = runs.filter(({ kind }) => kind === "link");
  if (block.kind !== "paragraph" || links.length < 2) return false;
  let [outside, at] = ["", 0];
  for (const [i, place] of starts.entries()) {
    while (at < links.length && (links[at]?.end ?? 0) <= place) at += 1;
    const isLinked = at < links.length && (links[at]?.start ?? 0) <= place;
    if (!isLinked) outside += text[i];
    else if (!outside.endsWith(LINK)) outside += LINK;
  }
  return NAVIGATION.test(outside);
}

/** Stands for a link in {@link NAVIGATION}. */
const LINK = "\0";
const NAVIGATION =
  /^(?:[^\p{L}\p{N}\0]{0,6}(?:\p{L}[\p{L} ]{0,19}: ?)?\0)+[^\p{L}\p{N}\0]*$|^[\p{L} ]{0,20}\0(?: [|·•/»›←→–—] [\p{L} ]{0,20}\0)+$/u;

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
      "There is no prose to summarize here: front matter, headings, code, data, tables, comments, markup and the hints of templates are left out.",
    );
  }
}
