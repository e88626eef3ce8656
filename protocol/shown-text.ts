/**
 * Makes text from outside fit to be shown. Documents, models, checkpoints, file names, hubs and engines can contain
 * anything. What reaches a notification, status item, quick pick, log, hover or terminal has no links except our own,
 * no control characters, no terminal escapes, nothing invisible, no direction overrides, and a bounded length. Every
 * sink passes its whole text through one of these functions, because two harmless parts may form a link together.
 */

/** A text for a notification, a progress message or a prompt: one line. VS Code truncates at the same length. */
export function messageText(text: string): string {
  return unlinked(cleaned(text, 4 * MOST.message, " "), MOST.message);
}

/** A label of a status item, quick pick, button or code action: one line, and no icons except our own. */
export function labelText(text: string, most: number = MOST.label): string {
  return unlinked(cleaned(text, 4 * most, " "), most);
}

/** Lines of a tooltip, each a {@link labelText}. */
export function tooltipText(lines: readonly string[]): string {
  const shown = lines.slice(0, MOST.tooltipLines).map((line) => labelText(line));
  return [...shown, ...(lines.length > MOST.tooltipLines ? ["…"] : [])].join("\n");
}

/** A log entry: one line, so that an entry cannot pretend to be two. */
export function logText(text: string): string {
  return unlinked(cleaned(text, 2 * MOST.log, " ⏎ "), MOST.log);
}

/** A text for a terminal; keeps line breaks and tabs. */
export function terminalText(text: string, most: number = MOST.terminal): string {
  return bounded(cleaned(text, 2 * most, undefined), most);
}

/** JSON for a terminal: the same value, with everything that {@link terminalText} removes written as an escape. */
export function terminalJson(json: string): string {
  return json.replace(UNPRINTABLE, (characters) =>
    characters
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** Text for use within Markdown, shown literally: nothing in it becomes a link, an image, HTML, a list or an icon. */
export function markdownText(text: string): string {
  return bounded(cleaned(text, 2 * MOST.markdown, undefined), MOST.markdown)
    .split("\n")
    .map((line) => line.trim().replace(MARKDOWN, "\\$&"))
    .join("\n")
    .replace(/\n{3,}/g, "\n\n");
}

/** Maximum lengths in characters (UTF-16 units). */
const MOST = { message: 1000, label: 200, tooltipLines: 20, log: 8000, markdown: 4000, terminal: 1_000_000 } as const;

/**
 * Removes what controls a terminal, is invisible, or changes the reading direction.
 * @param mostRead number of characters that are processed; the rest is dropped
 * @param lineBreak replacement for line breaks and the blanks around them; undefined keeps the lines
 */
function cleaned(text: string, mostRead: number, lineBreak: string | undefined): string {
  const plain = text
    .slice(0, mostRead)
    .replace(LINE_ENDS, "\n")
    .replace(ESCAPES, "")
    .replace(CONTROLS, "")
    .replace(LONE_SURROGATE, "\ufffd")
    .replace(IGNORABLE, "$1")
    .replace(MARKS, "$1");
  const lines = text.length > mostRead ? `${plain}…` : plain;
  if (lineBreak === undefined) return lines;
  return lines.trim().replace(BLANKS, (blanks) => {
    if (blanks.includes("\n")) return lineBreak;
    return blanks.length > 1 || blanks === "\t" ? " " : blanks;
  });
}

/** Truncates a text between characters and marks the cut. */
function bounded(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1).replace(CUT, "")}…`;
}

/** Breaks up `[text](address)` and `$(name)`, which VS Code turns into links and icons even in plain text. */
function unlinked(text: string, most: number): string {
  return bounded(text.replace(/\]\(/g, "] (").replace(/\$\(/g, "$ ("), most);
}

const LINE_ENDS = /\r\n?|[\v\f\u0085\u2028\u2029]/g;
/** Whole terminal sequences, so that no part of them remains: CSI; strings up to their end; two characters. */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0000-\u001f\u007f-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;
/** All control characters except line ends and tabs. */
const CONTROLS = /(?![\n\t])\p{Cc}/gu;
const LONE_SURROGATE = /\p{Cs}/gu;
/** Scripts and emoji that use joiners, as in Persian words and families. */
const JOINED =
  "\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\p{scx=Arabic}\\p{scx=Syriac}\\p{scx=Mongolian}\\p{scx=Devanagari}\\p{scx=Bengali}\\p{scx=Gurmukhi}\\p{scx=Gujarati}\\p{scx=Oriya}\\p{scx=Tamil}\\p{scx=Telugu}\\p{scx=Kannada}\\p{scx=Malayalam}\\p{scx=Sinhala}\\p{scx=Khmer}\\p{scx=Myanmar}";
/**
 * Characters without width: zero-width spaces, direction marks, embeddings, overrides and isolates, fillers, tags,
 * annotations. $1 holds what may stay: a joiner between two joinable letters, and one variation selector per
 * character.
 */
const IGNORABLE = new RegExp(
  `((?<=[${JOINED}]\\ufe0f?)[\\u200c\\u200d](?=[${JOINED}])|(?<=[^\\p{DI}\\s])[\\ufe00-\\ufe0f])|[\\p{DI}\\ufff9-\\ufffb]`,
  "gu",
);
/** More marks on one letter than any language uses. */
const MARKS = /(\p{M}{8})\p{M}+/gu;
const BLANKS = /\s+/g;
/** The remains of a character at a cut. */
const CUT = /(?<![\ud800-\udbff\u200c\u200d])[\ud800-\udbff\u200c\u200d]+$/;
/** Characters that JSON.stringify does not escape. */
const UNPRINTABLE = /[\p{Cc}\p{DI}\u2028\u2029\ufff9-\ufffb]+/gu;
/** Punctuation with a meaning in Markdown: anywhere, after "www", or at the beginning of a line. */
const MARKDOWN = /[\\`*_{}[\]<>()#+!|~&$:@]|(?<=www)\.|^[-=]|(?<=^\d{1,9})\./gi;
