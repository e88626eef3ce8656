/**
 * Finds the comments and docstrings of programs by a lexer for each family of languages, which knows their strings,
 * regular expressions and here documents.
 */
import { type StreamParser, StringStream } from "@codemirror/streamparser";
import { type Tree, TreeFragment } from "@lezer/common";
import type { LRParser } from "@lezer/lr";
import { changeOf } from "../base/change.ts";
import { table } from "../base/table.ts";

/** A comment, with its marks, or the string of a docstring. */
export interface Comment {
  readonly start: number;
  readonly end: number;
  readonly isDocstring: boolean;
}

/** A text whose comments were found; Lezer's tree makes the next text of the same program quick. */
export interface Lexed {
  readonly text: string;
  readonly comments: readonly Comment[];
  readonly tree?: Tree;
}

/** Finds comments. @param before the same program, as it was before a change */
export type Lexer = (text: string, before?: Lexed) => Lexed;

const lexers = new Map<string, Promise<Lexer>>();

/** The lexer of a language, loaded once; undefined for a language without one. */
export function lexerOf(languageId: string): Promise<Lexer> | undefined {
  const load = Object.hasOwn(LOADERS, languageId) ? LOADERS[languageId] : undefined;
  if (load === undefined) return undefined;
  const lexer = lexers.get(languageId) ?? load();
  lexers.set(languageId, lexer);
  return lexer;
}

const script = (dialect: string) => async () =>
  treeLexer((await import("@lezer/javascript")).parser.configure({ dialect }));
const cpp = async () => treeLexer((await import("@lezer/cpp")).parser);
const clike = (name: "csharp" | "kotlin" | "scala" | "dart" | "objectiveC" | "objectiveCpp") => async () =>
  lineLexer((await import("@codemirror/legacy-modes/mode/clike"))[name]);
const style = (name: "css" | "sCSS" | "less") => async () =>
  lineLexer((await import("@codemirror/legacy-modes/mode/css"))[name]);
const markup = (name: "html" | "xml") => async () =>
  lineLexer((await import("@codemirror/legacy-modes/mode/xml"))[name]);
const ml = (name: "oCaml" | "fSharp") => async () =>
  lineLexer((await import("@codemirror/legacy-modes/mode/mllike"))[name]);
/** A language of which only strings, here documents and comments are known. */
const plain = (line: RegExp) => async () => {
  const { simpleMode } = await import("@codemirror/legacy-modes/mode/simple-mode");
  const comment = { token: "comment" };
  return lineLexer(
    simpleMode({
      start: [
        { regex: /"""/, token: "string", push: "text" },
        { regex: /"(?:[^"\\]|\\.)*"?/, token: "string" },
        { regex: line, ...comment },
        { regex: /\/\*/, ...comment, push: "block" },
        { regex: /<<[-~]?"?[A-Z]\w*"?/, push: "here" },
        { regex: /[^\s"#/<]+|\s+|./, token: null },
      ],
      here: [
        { regex: /\s*[A-Z]\w*\s*$/, sol: true, pop: true },
        { regex: /.+/, token: "string" },
      ],
      text: [
        { regex: /.*?"""/, token: "string", pop: true },
        { regex: /.+/, token: "string" },
      ],
      block: [
        { regex: /.*?\*\//, ...comment, pop: true },
        { regex: /.+/, ...comment },
      ],
    }),
  );
};
const shell = async () => lineLexer((await import("@codemirror/legacy-modes/mode/shell")).shell);

/** By VS Code's language ids. */
const LOADERS: Readonly<Record<string, () => Promise<Lexer>>> = table({
  javascript: script("jsx"),
  javascriptreact: script("jsx"),
  typescript: script("ts"),
  typescriptreact: script("jsx ts"),
  java: async () => treeLexer((await import("@lezer/java")).parser),
  c: cpp,
  cpp,
  csharp: clike("csharp"),
  go: async () => treeLexer((await import("@lezer/go")).parser),
  rust: async () => treeLexer((await import("@lezer/rust")).parser),
  swift: async () => lineLexer((await import("@codemirror/legacy-modes/mode/swift")).swift),
  kotlin: clike("kotlin"),
  scala: clike("scala"),
  dart: clike("dart"),
  groovy: async () => lineLexer((await import("@codemirror/legacy-modes/mode/groovy")).groovy),
  "objective-c": clike("objectiveC"),
  "objective-cpp": clike("objectiveCpp"),
  proto3: plain(/\/\/.*/),
  zig: plain(/\/\/.*/),
  cmake: async () => lineLexer((await import("@codemirror/legacy-modes/mode/cmake")).cmake),
  coffeescript: async () => lineLexer((await import("@codemirror/legacy-modes/mode/coffeescript")).coffeeScript),
  graphql: plain(/#.*/),
  nix: plain(/#.*/),
  terraform: plain(/(?:#|\/\/).*/),
  hcl: plain(/(?:#|\/\/).*/),
  elm: async () => lineLexer((await import("@codemirror/legacy-modes/mode/elm")).elm),
  fsharp: ml("fSharp"),
  ocaml: ml("oCaml"),
  clojure: async () => lineLexer((await import("@codemirror/legacy-modes/mode/clojure")).clojure),
  erlang: async () => lineLexer((await import("@codemirror/legacy-modes/mode/erlang")).erlang),
  vb: async () => lineLexer((await import("@codemirror/legacy-modes/mode/vb")).vb),
  php: async () => treeLexer((await import("@lezer/php")).parser),
  python: async () => treeLexer((await import("@lezer/python")).parser),
  ruby: async () => lineLexer((await import("@codemirror/legacy-modes/mode/ruby")).ruby),
  shellscript: shell,
  makefile: shell,
  perl: async () => lineLexer((await import("@codemirror/legacy-modes/mode/perl")).perl),
  r: async () => lineLexer((await import("@codemirror/legacy-modes/mode/r")).r),
  julia: async () => lineLexer((await import("@codemirror/legacy-modes/mode/julia")).julia),
  elixir: async () => treeLexer((await import("lezer-elixir")).parser),
  powershell: async () => lineLexer((await import("@codemirror/legacy-modes/mode/powershell")).powerShell),
  dockerfile: async () => lineLexer((await import("@codemirror/legacy-modes/mode/dockerfile")).dockerFile),
  yaml: async () => treeLexer((await import("@lezer/yaml")).parser),
  toml: async () => lineLexer((await import("@codemirror/legacy-modes/mode/toml")).toml),
  sql: async () => lineLexer((await import("@codemirror/legacy-modes/mode/sql")).standardSQL),
  lua: async () => lineLexer((await import("@codemirror/legacy-modes/mode/lua")).lua),
  haskell: async () => lineLexer((await import("@codemirror/legacy-modes/mode/haskell")).haskell),
  css: style("css"),
  scss: style("sCSS"),
  less: style("less"),
  html: markup("html"),
  xml: markup("xml"),
});

/** A lexer by a Lezer grammar. */
function treeLexer(parser: LRParser): Lexer {
  return (text, before) => {
    const fragments = before?.tree === undefined ? [] : fragmentsAfter(before.text, before.tree, text);
    const comments: Comment[] = [];
    try {
      const tree = parser.parse(withoutRuns(text), fragments);
      tree.iterate({
        enter({ name, from, to, node }) {
          if (/Comment$/.test(name)) comments.push({ start: from, end: to, isDocstring: false });
          else if (name === "String" && isDocstring(text, from) && node.parent?.name === "ExpressionStatement")
            comments.push({ start: from, end: to, isDocstring: true });
          else return true;
          return false;
        },
      });
      return { text, comments, tree };
    } catch (error) {
      // Some grammars make trees of thousands of open lists that their own library cannot walk.
      if (error instanceof TypeError || error instanceof RangeError) return { text, comments };
      throw error;
    }
  };
}

/**
 * A text without a mark or two repeated five hundred times, which no program has: the parsers' recovery from as many
 * errors, and the depth of as many open lists, take time by the square of their number.
 */
function withoutRuns(text: string): string {
  return text.replace(/([^\w\s]{1,2}[ \t]?)\1{500,}/g, (run) => " ".repeat(run.length));
}

function fragmentsAfter(old: string, tree: Tree, text: string): readonly TreeFragment[] {
  const { from, oldTo, to } = changeOf(old, text);
  return TreeFragment.applyChanges(TreeFragment.addTree(tree), [{ fromA: from, toA: oldTo, fromB: from, toB: to }]);
}

/** Whether a string has triple quotes. */
function isDocstring(text: string, start: number): boolean {
  return /^[rRuUbBfF]{0,2}("""|''')/.test(text.slice(start, start + 5));
}

/** A lexer by a CodeMirror mode, which reads line by line. */
function lineLexer(mode: StreamParser<unknown>): Lexer {
  return (text) => {
    const comments: Comment[] = [];
    const state = mode.startState?.(INDENT) ?? {};
    let start = 0;
    for (const line of text.split("\n")) {
      readLine(mode, state, line, start, comments);
      start += line.length + 1;
    }
    return { text, comments };
  };
}

const INDENT = 2;
/** Modes are not made for longer lines, which no person wrote. */
const MOST_LINE = 5000;

function readLine(mode: StreamParser<unknown>, state: unknown, line: string, start: number, comments: Comment[]): void {
  if (line === "") {
    mode.blankLine?.(state, INDENT);
    return;
  }
  const stream = new StringStream(line.slice(0, MOST_LINE), 4, INDENT);
  for (let stalled = 0; !stream.eol(); ) {
    stream.start = stream.pos;
    const style = mode.token(stream, state);
    if (stream.pos === stream.start) {
      stalled += 1;
      if (stalled > MOST_STALLED) stream.next();
      continue;
    }
    stalled = 0;
    if (style === null || !/\bcomment\b/.test(style)) continue;
    const last = comments.at(-1);
    // A comment may come in several tokens.
    if (last?.end === start + stream.start) comments.splice(-1, 1, { ...last, end: start + stream.pos });
    else comments.push({ start: start + stream.start, end: start + stream.pos, isDocstring: false });
  }
}

/** A mode may change its state without reading; not for ever. */
const MOST_STALLED = 10;
