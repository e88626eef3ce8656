/** Finds the comment or docstring at an offset of a program, as prose without the comment marks. */
import { COMMENTED_LANGUAGES } from "../protocol/comments.ts";
import type { Comment, Lexed } from "./lexers.ts";

/** The prose of a comment, and the offset within it; in UTF-16 units. */
export interface CommentProse {
  readonly text: string;
  readonly offset: number;
}

const known = new WeakMap<object, Lexed>();

/**
 * The comment or docstring at an offset; adjacent line comments count as one.
 * @param program an object that stays the same while the program's text changes, to read only what has changed
 * @returns undefined in code, in a string, and in an unknown language
 */
export async function commentAt(
  text: string,
  offset: number,
  languageId: string,
  program: object = {},
): Promise<CommentProse | undefined> {
  if (!Object.hasOwn(COMMENTED_LANGUAGES, languageId)) return undefined;
  const { lexerOf } = await import("./lexers.ts");
  const lexer = await lexerOf(languageId);
  if (lexer === undefined) return undefined;
  // Of a longer program a part is read, from the start of a line far enough back.
  const from = text.length <= MOST_READ || offset <= REACH ? 0 : text.indexOf("\n", offset - REACH) + 1;
  const part = text.length <= MOST_READ ? text : text.slice(from, offset + REACH);
  const before = known.get(program);
  const lexed = before?.text === part ? before : lexer(part, before);
  if (from === 0) known.set(program, lexed);
  return proseOf(part, lexed.comments, offset - from, languageId);
}

const MOST_READ = 400_000;
const REACH = 200_000;

function proseOf(
  text: string,
  comments: readonly Comment[],
  offset: number,
  languageId: string,
): CommentProse | undefined {
  const block = blockAt(text, comments, offset, languageId);
  if (block !== undefined) return joined(blockLines(text, block.start, block.end), offset);
  const at = comments.findIndex(({ start, end }) => start < offset && offset <= end);
  return at < 0 ? undefined : joined(lineComments(text, comments, at, languageId), offset);
}

/** A comment of a program: a block or docstring, or line comments one below the other. */
export interface CommentGroup {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly CommentLine[];
  readonly isDocstring: boolean;
}

/** All comments and docstrings of a program, in order; undefined in an unknown language. */
export async function commentsOf(text: string, languageId: string): Promise<CommentGroup[] | undefined> {
  if (!Object.hasOwn(COMMENTED_LANGUAGES, languageId)) return undefined;
  const { lexerOf } = await import("./lexers.ts");
  const comments = (await lexerOf(languageId))?.(text).comments;
  if (comments === undefined) return undefined;
  const groups: CommentGroup[] = [];
  for (let at = 0; at < comments.length; at++) {
    const first = comments[at] as Comment;
    if (first.start < (groups.at(-1)?.end ?? 0)) continue;
    const block = insideOf(text, first, languageId);
    if (block !== undefined) {
      const lines = blockLines(text, block.start, block.end);
      groups.push({ start: first.start, end: Math.max(first.end, block.after), lines, isDocstring: first.isDocstring });
      continue;
    }
    const lines = lineComments(text, comments, at, languageId, at);
    const last = lines.at(-1);
    if (last === undefined) continue;
    groups.push({ start: first.start, end: last.start + last.text.length, lines, isDocstring: false });
  }
  return groups;
}

/** The text inside the marks of a block comment or docstring, and its end; undefined for a line comment. */
function insideOf(text: string, { start, end, isDocstring }: Comment, languageId: string) {
  const marks = COMMENTED_LANGUAGES[languageId]?.block ?? [];
  const opening = isDocstring ? /^\w{0,2}("""|''')/.exec(text.slice(start, start + 5)) : null;
  const [begin, close] =
    opening !== null ? [opening[0], opening[1]] : (marks.find(([mark]) => text.startsWith(mark, start)) ?? []);
  if (begin === undefined || close === undefined) return undefined;
  const inside = start + begin.length;
  const found = text.indexOf(close, inside);
  // Lezer knows where a comment ends that holds others.
  const isKnown = text.slice(end - close.length, end) === close && end - close.length >= inside;
  const stop = isKnown ? end - close.length : found;
  return { start: inside, end: stop < 0 ? text.length : stop, after: stop < 0 ? text.length : stop + close.length };
}

/** The text inside the marks of the block comment or docstring at an offset. */
function blockAt(
  text: string,
  comments: readonly Comment[],
  offset: number,
  languageId: string,
): { readonly start: number; readonly end: number } | undefined {
  let passed = 0;
  for (const comment of comments) {
    if (comment.start >= offset) return undefined;
    if (comment.start < passed) continue; // a line of a comment of several lines
    const inside = insideOf(text, comment, languageId);
    if (inside === undefined) continue;
    passed = inside.after;
    if (offset < inside.start) return undefined;
    if (inside.end === text.length || offset <= inside.end) return inside;
  }
  return undefined;
}

/** A line of a comment: the offset and text of its prose. */
export interface CommentLine {
  readonly start: number;
  readonly text: string;
}

/** The comment-only lines around one; that one may have code before it. @param least the first comment to look at */
function lineComments(
  text: string,
  comments: readonly Comment[],
  at: number,
  languageId: string,
  least = Math.max(0, at - MOST_LINES),
): CommentLine[] {
  const marks = (COMMENTED_LANGUAGES[languageId]?.line ?? []).map((mark) =>
    mark.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"),
  );
  const mark = new RegExp(`^(?:${marks.join("|")})[/!#-]*[ \\t]?`);
  const lineOf = ({ start, end }: Comment): CommentLine | undefined => {
    const whole = text.slice(start, end).replace(/\r$/, "");
    const found = mark.exec(whole)?.[0];
    return found === undefined ? undefined : { start: start + found.length, text: whole.slice(found.length) };
  };
  const isBlock = (comment: Comment) => insideOf(text, comment, languageId) !== undefined;
  const isAlone = ({ start }: Comment) => text.slice(text.lastIndexOf("\n", start - 1) + 1, start).trim() === "";
  const follows = (before: Comment | undefined, after: Comment | undefined) =>
    before !== undefined &&
    after !== undefined &&
    isAlone(before) &&
    isAlone(after) &&
    !isBlock(before) &&
    !isBlock(after) &&
    /^\s*$/.test(text.slice(before.end, after.start)) &&
    text.slice(before.end, after.start).split("\n").length === 2;
  let [first, last] = [at, at];
  while (first > least && follows(comments[first - 1], comments[first])) first -= 1;
  while (last - at < MOST_LINES && follows(comments[last], comments[last + 1])) last += 1;
  return comments.slice(first, last + 1).flatMap((comment) => lineOf(comment) ?? []);
}

const MOST_LINES = 200;

/** A block's lines without their leading stars and white space. */
function blockLines(text: string, begin: number, end: number): CommentLine[] {
  let start = begin;
  return text
    .slice(begin, end)
    .split("\n")
    .map((whole, i) => {
      const [mark = ""] = (i === 0 ? /^[*!]*[ \t]?/ : /^[ \t]*(?:\*(?!\*)[ \t]?)?/).exec(whole) ?? [];
      const line = { start: start + mark.length, text: whole.slice(mark.length).replace(/\r$/, "") };
      start += whole.length + 1;
      return line;
    });
}

/** The lines as one text; undefined if the offset is in a removed mark. */
function joined(lines: readonly CommentLine[], offset: number): CommentProse | undefined {
  const current = lines.findLastIndex(({ start, text }) => offset >= start && offset <= start + text.length);
  const line = lines[current];
  if (line === undefined) return undefined;
  const before = lines.slice(0, current).reduce((length, { text }) => length + text.length + 1, 0);
  return { text: lines.map(({ text }) => text).join("\n"), offset: before + offset - line.start };
}
