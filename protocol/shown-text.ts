/**
 * Text from outside, made fit to be shown. Documents, models, checkpoints, file names, hubs and engines say what they like; what reaches a
 * notification, status item, quick pick, log, hover or terminal has no link that we did not write, no control characters, no terminal
 * escapes, nothing invisible and nothing that turns the reading direction, and a bounded length. Every sink passes the whole text that it
 * shows through one of these functions, for two harmless parts may be a link together.
 */

/** A text for a notification, a progress message or a prompt: one line. VS Code cuts at the same length. */
export function messageText(text: string): string {
  return unlinked(cleaned(text, 4 * MOST.message, " "), MOST.message);
}

/** A label of a status item, quick pick, button or code action: one line, and no icon that we did not choose. */
export function labelText(text: string, most: number = MOST.label): string {
  return unlinked(cleaned(text, 4 * most, " "), most);
}

/** Lines of a tooltip, each a {@link labelText}. */
export function tooltipText(lines: readonly string[]): string {
  const shown = lines.slice(0, MOST.tooltipLines).map((line) => labelText(line));
  return [...shown, ...(lines.length > MOST.tooltipLines ? ["…"] : [])].join("\n");
}

/** An entry of a log: one line, so that no entry can pretend to be two. */
export function logText(text: string): string {
  return unlinked(cleaned(text, 2 * MOST.log, " ⏎ "), MOST.log);
}

/** A text for a terminal; its lines and tabs stay. */
export function terminalText(text: string, most: number = MOST.terminal): string {
  return bounded(cleaned(text, 2 * most, undefined), most);
}

/** JSON for a terminal: the same value, with everything that {@link terminalText} takes out written as an escape. */
export function terminalJson(json: string): string {
  return json.replace(UNPRINTABLE, (characters) =>
    characters
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** Text within Markdown that is shown as it is: nothing in it is a link, an image, HTML, a list or an icon. */
export function markdownText(text: string): string {
  return bounded(cleaned(text, 2 * MOST.markdown, undefined), MOST.markdown)
    .split("\n")
    .map((line) => line.trim().replace(MARKDOWN, "\\$&"))
    .join("\n")
    .replace(/\n{3,}/g, "\n\n");
}

/** Most characters (UTF-16 units) that a text has. */
const MOST = { message: 1000, label: 200, tooltipLines: 20, log: 8000, markdown: 4000, terminal: 1_000_000 } as const;

/**
 * Takes out what commands a terminal, is not seen, or turns the reading direction.
 * @param mostRead characters that are looked at; the rest is left out
 * @param lineBreak what stands for line breaks and the blanks around them; undefined: lines stay
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

/** Cuts a text, but not a character, and shows that. */
function bounded(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1).replace(CUT, "")}…`;
}

/** VS Code makes links of `[text](address)` and icons of `$(name)` in texts that are no Markdown. */
function unlinked(text: string, most: number): string {
  return bounded(text.replace(/\]\(/g, "] (").replace(/\$\(/g, "$ ("), most);
}

const LINE_ENDS = /\r\n?|[\v\f\u0085\u2028\u2029]/g;
/** Sequences of a terminal, whole, so that nothing of them is left to read: CSI; strings up to their end; two characters. */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0000-\u001f\u007f-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;
/** All but line ends and tabs. */
const CONTROLS = /(?![\n\t])\p{Cc}/gu;
const LONE_SURROGATE = /\p{Cs}/gu;
/** Scripts and emoji that joiners belong to, as in Persian words and families. */
const JOINED =
  "\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\p{scx=Arabic}\\p{scx=Syriac}\\p{scx=Mongolian}\\p{scx=Devanagari}\\p{scx=Bengali}\\p{scx=Gurmukhi}\\p{scx=Gujarati}\\p{scx=Oriya}\\p{scx=Tamil}\\p{scx=Telugu}\\p{scx=Kannada}\\p{scx=Malayalam}\\p{scx=Sinhala}\\p{scx=Khmer}\\p{scx=Myanmar}";
/**
 * What takes no room: zero-width spaces, direction marks, embeddings, overrides and isolates, fillers, tags, annotations. In $1 what may
 * stay: a joiner between two letters that join, and the one variation selector of a character.
 */
const IGNORABLE = new RegExp(
  `((?<=[${JOINED}]\\ufe0f?)[\\u200c\\u200d](?=[${JOINED}])|(?<=[^\\p{DI}\\s])[\\ufe00-\\ufe0f])|[\\p{DI}\\ufff9-\\ufffb]`,
  "gu",
);
/** More marks on one letter than any language has. */
const MARKS = /(\p{M}{8})\p{M}+/gu;
const BLANKS = /\s+/g;
/** What a cut leaves of a character. */
const CUT = /[\ud800-\udbff\u200c\u200d]+$/;
/** What JSON.stringify leaves as it is. */
const UNPRINTABLE = /[\p{Cc}\p{DI}\u2028\u2029\ufff9-\ufffb]+/gu;
/** Punctuation that means something, anywhere, after "www", or where a line begins. */
const MARKDOWN = /[\\`*_{}[\]<>()#+!|~&$:@]|(?<=www)\.|^[-=]|(?<=^\d{1,9})\./gi;
