/** Inline syntax that people write beside CommonMark and GFM, as extensions of @lezer/markdown. */
import type { InlineContext, MarkdownConfig } from "@lezer/markdown";

/** An inline element that a regular expression finds; it looks at a bounded stretch of text only. */
function inline(
  name: string,
  first: string,
  pattern: RegExp,
  before: string,
  check?: (cx: InlineContext, pos: number) => boolean,
) {
  const code = first.charCodeAt(0);
  return {
    // A parser of the same name would replace this one.
    name: `${name} ${pattern.source}`,
    parse(cx: InlineContext, next: number, pos: number): number {
      if (next !== code || check?.(cx, pos) === false) return -1;
      const found = pattern.exec(cx.slice(pos, Math.min(cx.end, pos + MOST_INLINE)));
      return found === null ? -1 : cx.addElement(cx.elt(name, pos, pos + found[0].length));
    },
    before,
  };
}

const MOST_INLINE = 600;

function isFree(cx: InlineContext, pos: number): boolean {
  return pos === cx.offset || !/[\w\\$%]/.test(cx.slice(pos - 1, pos));
}

const highlight = { resolve: "Highlight", mark: "HighlightMark" };

/** Inline elements of all Markdown. */
export const inlines: MarkdownConfig = {
  defineNodes: [
    "Math",
    "Template",
    "TemplateLink",
    "CrossReference",
    "Wikilink",
    "CommentSpan",
    "NoteReference",
    "Attributes",
    "Role",
    "Highlight",
    "HighlightMark",
    "BlockId",
    "Emoji",
  ],
  parseInline: [
    inline("Math", "\\", /^\\\((?:[^\\]|\\(?!\)))+\\\)|^\\\[(?:[^\\]|\\(?!\]))+\\\]/, "Escape"),
    inline(
      "Math",
      "$",
      /^\$\$[^$]+\$\$|^\$(?![\s$\d][^$\s]*\s[^$]*\$)(?:[^$\\\n]|\\.|\n(?![^\S\n]*\n)){0,2000}?[^\s\\$]\$(?!\d)/,
      "Escape",
      isFree,
    ),
    inline("Template", "{", /^\{\{[\s\S]*?\}\}|^\{%[\s\S]*?%\}/, "Escape"),
    inline("TemplateLink", "[", /^\[[^\][\n]{1,200}\]\([^()\s]{0,300}\{\{[^{}]{0,200}\}\}[^()\s]{0,300}\)/, "Escape"),
    inline("CrossReference", "@", /^@(?:fig|tbl|sec|eq|lst|thm|lem|cor|prp|def|exm|exr)-[\w-]*\w/, "Escape", isFree),
    inline("CrossReference", "\\", /^\\@ref\((?:fig|tab|tbl|sec|eq|thm)?:?[\w-]+\)/, "Escape"),
    inline("Emoji", ":", /^:[a-z][a-z0-9_+-]{1,30}:(?![\w:`])/, "Escape", isFree),
    inline("Role", "{", /^\{[a-z][\w:+.-]*\}(?=`)/, "Escape"),
    inline("Attributes", "{", /^\{(?:[#.:=][^{}\n]*|[\w-]+=[^{}\n]*)\}/, "Escape"),
    inline("Wikilink", "[", /^\[\[[^[\]\n]+\]\]/, "Escape"),
    inline("Wikilink", "!", /^!\[\[[^[\]\n]+\]\]/, "Escape"),
    inline("NoteReference", "[", /^\[\^[^\]\s]{1,80}\]|^\[-?@[\w:.#$%&+?<>~/-][^\][]*\]/, "Escape"),
    inline("NoteReference", "^", /^\^\[[^\][]*\]/, "Escape"),
    inline("CommentSpan", "%", /^%%[\s\S]*?%%/, "Escape", isFree),
    inline(
      "BlockId",
      "^",
      /^\^[\w-]+\s*$/,
      "Escape",
      (cx, pos) => pos === cx.offset || /\s/.test(cx.slice(pos - 1, pos)),
    ),
    {
      name: "Highlight",
      parse(cx, next, pos) {
        if (next !== 61 || cx.char(pos + 1) !== 61 || cx.char(pos + 2) === 61) return -1;
        const [before, after] = [cx.slice(pos - 1, pos), cx.slice(pos + 2, pos + 3)];
        return cx.addDelimiter(highlight, pos, pos + 2, /\S/.test(after), /\S/.test(before));
      },
      after: "Emphasis",
    },
  ],
};

/** MDX's expressions and elements inside a line. */
export const mdxInlines: MarkdownConfig = {
  defineNodes: ["Expression", "JsxTag"],
  parseInline: [
    inline("Expression", "{", /^\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}/, "Escape"),
    inline(
      "JsxTag",
      "<",
      /^<\/?[A-Za-z](?:"[^"]*"|'[^']*'|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|[^<>"'{])*>|^<\/?>/,
      "Escape",
    ),
  ],
};
