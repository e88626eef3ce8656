/**
 * A simulated person who types a paragraph key by key and takes the next word of what is shown exactly when that word
 * is right.
 */
import type { Paragraph } from "./paragraphs.ts";

/** Something that suggests, as an editor shows it. */
export interface Suggester {
  /** Opens a document with the cursor after `before`. */
  open(document: OpenedDocument): Promise<void>;
  /** Takes away characters before the cursor, inserts others, and returns what is shown then. */
  type(removed: number, inserted: string): Promise<Shown>;
  close(): Promise<void>;
}

/** A document in which a paragraph is typed. */
export interface OpenedDocument {
  readonly name: string;
  readonly languageId: string;
  readonly before: string;
  readonly after: string;
}

/** The suggestion that is shown after a key. */
export interface Shown {
  /** The ghost text; absent if there is none. */
  readonly text?: string;
  /** The chance that its first word is right, if the suggester says. */
  readonly confidence?: number;
  /** Milliseconds from the key to the answer. */
  readonly ms: number;
}

/** Whether the text after the paragraph stands there while it is typed. */
export type Place = "within" | "end";

/** The cost of typing one paragraph. */
export interface Typed {
  /** Keys without any suggestion; an indent or comment mark that the editor repeats on a new line costs none. */
  readonly keysAlone: number;
  readonly keys: number;
  /** Suggestions shown; one that stays while matching letters are typed counts once. */
  readonly shown: number;
  readonly accepted: number;
  /** Suggestions of which every word was right. */
  readonly whole: number;
  /** Suggestions of which nothing was accepted. */
  readonly vain: number;
  /** Answers that came after the next key. */
  readonly late: number;
  readonly answers: readonly { readonly ms: number; readonly underWay: boolean }[];
  /** Each suggestion: its chance, and whether its first word was right. */
  readonly trials: readonly { readonly confidence: number; readonly right: boolean }[];
}

/**
 * Types a paragraph. What follows an accepted word counts as a new suggestion, since it has to be read.
 * @param paceMs time between two keys; an answer that takes longer is not seen
 */
export async function typeParagraph(
  { name, languageId, before, text, after }: Paragraph,
  place: Place,
  suggester: Suggester,
  paceMs: number,
): Promise<Typed> {
  const counts = { keys: 0, shown: 0, accepted: 0, whole: 0, vain: 0, late: 0 };
  const answers: { ms: number; underWay: boolean }[] = [];
  const trials: { confidence: number; right: boolean }[] = [];
  let position = 0;
  let ghost: string | undefined;

  const press = async (removed: number, inserted: string): Promise<Shown | undefined> => {
    counts.keys += 1;
    const shown = await suggester.type(removed, inserted);
    answers.push({ ms: shown.ms, underWay: /[\p{L}\p{N}]$/u.test(inserted) });
    if (shown.ms <= paceMs) return shown;
    counts.late += 1;
    return undefined;
  };
  /** Takes a look at what is shown at the position. */
  const read = (shown: Shown | undefined, stays: boolean) => {
    ghost = shown?.text === "" ? undefined : shown?.text;
    if (ghost === undefined || stays) return;
    const rest = text.slice(position);
    const right = rightWord(ghost, rest) !== undefined;
    counts.shown += 1;
    counts.vain += right ? 0 : 1;
    counts.whole += isWholeRight(ghost, rest) ? 1 : 0;
    if (shown?.confidence !== undefined) trials.push({ confidence: shown.confidence, right });
  };

  await suggester.open({ name, languageId, before, after: place === "within" ? after : "" });
  while (position < text.length) {
    const rest = text.slice(position);
    const word = ghost === undefined ? undefined : rightWord(ghost, rest);
    if (word === undefined) {
      const key = keyAt(rest);
      position += key.length;
      const shown = await press(0, key);
      if (position < text.length) read(shown, ghost?.startsWith(key) === true && stays(ghost.slice(key.length), shown));
      continue;
    }
    counts.accepted += 1;
    position += word.text.length;
    let shown = await press(0, word.text + word.space);
    if (word.space !== "" && rest[word.text.length] === word.space) position += 1;
    else if (word.space !== "") shown = await press(1, "");
    if (position < text.length) read(shown, false);
  }
  await suggester.close();
  return { ...counts, keysAlone: countKeys(text), answers, trials };
}

/** The next word of a suggestion, which one key accepts: the space before it included, the space after it apart. */
interface NextWord {
  readonly text: string;
  readonly space: string;
}

const WORD = /^\s*(?:[\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}\p{N}_]+)*|[^\s\p{L}\p{M}\p{N}_]+)/u;

/** The next word if the text goes on with it; the text must not go on within the word. */
function rightWord(ghost: string, rest: string): NextWord | undefined {
  const [text] = WORD.exec(ghost) ?? [];
  if (text === undefined || !rest.startsWith(text) || !ends(text, rest)) return undefined;
  return { text, space: ghost[text.length] === " " ? " " : "" };
}

function isWholeRight(ghost: string, rest: string): boolean {
  const text = ghost.trimEnd();
  return text !== "" && rest.startsWith(text) && ends(text, rest);
}

/** Whether the word at the end of `text`, with which `rest` begins, ends there. */
function ends(text: string, rest: string): boolean {
  return !/[\p{L}\p{M}\p{N}_]$/u.test(text) || !/^(?:['’-]?[\p{L}\p{M}\p{N}_])/u.test(rest.slice(text.length));
}

/** Whether what is left of a suggestion after a matching key is still shown. */
function stays(left: string, shown: Shown | undefined): boolean {
  const text = shown?.text ?? "";
  return left !== "" && text !== "" && (text.startsWith(left) || left.startsWith(text));
}

/** The text that one key inserts: a character, or a line break with what the editor repeats on the new line. */
function keyAt(rest: string): string {
  const [key = rest] = /^(?:\r?\n[ \t]*(?:(?:\*|\/\/|#) )?|[\s\S])/u.exec(rest) ?? [];
  return key;
}

function countKeys(text: string): number {
  let keys = 0;
  for (let at = 0; at < text.length; keys++) at += keyAt(text.slice(at)).length;
  return keys;
}
