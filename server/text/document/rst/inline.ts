/** Reads the inline markup of reStructuredText: the text that a reader sees in a paragraph or heading. */
import { ProseBuilder, type RunKind } from "../block.ts";

/** Writes ranges of one text. */
export class RstInline {
  readonly #text: string;
  readonly #substitutions: ReadonlyMap<string, string>;

  /** @param substitutions what `|name|` stands for, by its name in lower case */
  constructor(text: string, substitutions: ReadonlyMap<string, string>) {
    this.#text = text;
    this.#substitutions = substitutions;
  }

  /** Writes a range. */
  write(builder: ProseBuilder, from: number, to: number): void {
    const text = this.#text;
    let at = from;
    for (const found of text.slice(from, to).matchAll(INLINE)) {
      const start = from + (found.index ?? 0);
      const end = start + found[0].length;
      builder.add(text, at, start);
      this.#writeInline(builder, found[0], start, end);
      at = end;
    }
    builder.add(text, at, to);
  }

  #writeInline(builder: ProseBuilder, found: string, start: number, end: number): void {
    const text = this.#text;
    const kind = kindOf(found);
    if (kind !== undefined) builder.run(kind, start, end);
    if (found.startsWith("``")) builder.add(text, start + 2, end - 2);
    else if (found.startsWith("**")) builder.add(text, start + 2, end - 2);
    else if (found.startsWith("*")) builder.add(text, start + 1, end - 1);
    else if (found.startsWith("\\")) {
      if (/\S/.test(found[1] ?? "")) builder.add(text, start + 1, end);
    } else if (found.startsWith("|")) {
      const name = found.replace(/^\||\|_{0,2}$/g, "");
      const words = this.#substitutions.get(name.toLowerCase());
      if (words === undefined) builder.value(start, end);
      else builder.replace(shown(words), start, end);
    } else if (found.startsWith("[")) builder.reference(start, end);
    else this.#writeInterpreted(builder, found, start);
  }

  /** A role or a link: its title, or its target's last part where "~" says so. */
  #writeInterpreted(builder: ProseBuilder, found: string, start: number): void {
    const open = found.indexOf("`");
    if (open < 0) {
      builder.add(this.#text, start, start + found.replace(/_{1,2}$/, "").length);
      return;
    }
    const close = found.lastIndexOf("`");
    const role = found.slice(0, open);
    const content = found.slice(open + 1, close);
    if (/^:(cite(:\w+)?|footcite|index|raw-\w+):$/.test(role)) {
      builder.reference(start, start + found.length);
      return;
    }
    if (role === ":math:") {
      if (/^[\w\s.,%+=<>/()-]{1,30}$/.test(content)) builder.add(this.#text, start + open + 1, start + close);
      else builder.drop();
      return;
    }
    const target = /(?<=\s|^)<[^<>]*>$/.exec(content);
    const title = content.slice(0, target?.index).trimEnd();
    let [from, to] = [start + open + 1, start + close];
    if (target !== null && title !== "") to = from + title.length;
    else if (role !== "") {
      const skip = content.startsWith("~") ? content.lastIndexOf(".") + 1 || 1 : /^[!]/.test(content) ? 1 : 0;
      from += skip;
    }
    const standard = /^:(rfc|pep|cve|cwe):$/.exec(role)?.[1];
    if (standard !== undefined && target === null) builder.replace(`${standard.toUpperCase()} `, start, from);
    builder.add(this.#text, from, to);
  }
}

/** The words that a reader sees of what a substitution stands for. */
function shown(words: string): string {
  const builder = new ProseBuilder();
  new RstInline(words, new Map()).write(builder, 0, words.length);
  return builder.finish().text;
}

function kindOf(found: string): RunKind | undefined {
  if (found.startsWith("``")) return "code";
  if (found.startsWith("*")) return "emphasis";
  if (found.startsWith("\\")) return undefined;
  if (/^[|[]/.test(found)) return undefined;
  if (!found.startsWith(":")) return found.endsWith("_") ? "link" : "code";
  if (found.startsWith(":math:")) return "math";
  return /^:(emphasis|strong|sub|sup|subscript|superscript|title):/.test(found) ? undefined : "link";
}

/** Inline markup, each within a paragraph; bounded, so that no stretch is looked at twice. */
const INLINE =
  /``(?:[^`]|`(?!`)){1,500}?``|(?<![\w*])\*\*(?=\S)(?:[^*]|\*(?!\*)){1,500}?\*\*|(?<![\w*])\*(?=[^\s*])[^*]{1,500}?\*(?!\w)|(?<![\w`])(?::[\w:+.-]{1,60}:)?`(?=\S)[^`]{1,500}?`(?::[\w:+.-]{1,60}:|__?)?|(?<![\w|])\|(?=\S)[^|\n]{1,80}\|_{0,2}|\[(?:\d+|#[\w-]*|\*|[A-Za-z][\w.:-]*)\]_|(?<![\w_`])[A-Za-z][\w.-]{0,100}?[A-Za-z0-9]__?(?!\w)|\\[\s\S]/g;
