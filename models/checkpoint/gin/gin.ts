/** Reads gin, in which T5's training code describes a model: `operative_config.gin`, T5X's `config.gin`. */
import { ModelError } from "../../errors.ts";

/** A value with its macros replaced. */
export type GinValue =
  | null
  | boolean
  | number
  | string
  | GinReference
  | readonly GinValue[]
  | ReadonlyMap<string, GinValue>;

/** A function or class of the training code: only its name, which is never resolved. */
export class GinReference {
  /** The name without scopes and modules: `SelfAttention`. */
  readonly name: string;

  constructor(path: string) {
    this.name = lastPart(path);
  }
}

/** The bindings of a file. */
export interface Gin {
  /** The file's name in messages. */
  readonly file: string;
  /** The files that it includes, which are not read. */
  readonly includes: readonly string[];
  /**
   * The value of a function's or class's `parameter` in a scope: the scope's own, or the one for every scope.
   * @param scope "" for none
   * @param target name without modules: `SelfAttention`
   * @returns undefined where the file has no binding
   * @throws ModelError "config" when macros refer to each other in a circle, have no value, or grow without bounds
   */
  value(scope: string, target: string, parameter: string): GinValue | undefined;
}

/** Far above the 17 kB of files that T5 and T5X write. */
export const MAX_GIN_BYTES = 1 << 20;

/**
 * Reads bindings, macros and blocks of them. Imports are ignored; included files are listed, not read.
 * @throws ModelError "config" with the number of the malformed line
 * @see gin/config_parser.py of google/gin-config for the grammar
 */
export function parseGin(text: string, file: string): Gin {
  if (text.length > MAX_GIN_BYTES) throw malformed(file, `is ${text.length} characters long`);
  const { bindings, includes } = new Parser(text, file).statements();
  return {
    file,
    includes,
    value(scope, target, parameter) {
      const keys = [`${scope}/${target}.${parameter}`, `/${target}.${parameter}`];
      const bound = bindings.get(keys.find((key) => bindings.has(key)) ?? "");
      return bound === undefined ? undefined : filled(bound, bindings, file);
    },
  };
}

/** `%name`, to be replaced by the macro's value. */
class Macro {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

type Raw = null | boolean | number | string | GinReference | Macro | readonly Raw[] | ReadonlyMap<string, Raw>;

const MAX_DEPTH = 32;
const MAX_VALUES = 10_000;

/** Replaces a value's macros and counts the parts of the result. */
function filled(bound: Raw, bindings: ReadonlyMap<string, Raw>, file: string): GinValue {
  let count = 0;
  const fill = (raw: Raw, open: readonly string[]): GinValue => {
    count += 1;
    if (count > MAX_VALUES) throw malformed(file, `has a value of more than ${MAX_VALUES} parts`);
    if (raw instanceof Macro) {
      const { name } = raw;
      if (open.includes(name) || open.length > MAX_DEPTH) {
        throw malformed(
          file,
          `defines ${[...open.slice(-3), name].map((each) => `%${each}`).join(" by ")}, without an end`,
        );
      }
      const value = bindings.get(name);
      if (value === undefined) throw malformed(file, `uses %${name.slice(0, 80)} without defining it`);
      return fill(value, [...open, name]);
    }
    if (raw === null || typeof raw !== "object" || raw instanceof GinReference) return raw;
    if (raw instanceof Map) return new Map([...raw].map(([key, each]): [string, GinValue] => [key, fill(each, open)]));
    return [...raw.values()].map((each) => fill(each, open));
  };
  return fill(bound, []);
}

class Parser {
  private readonly text: string;
  private readonly file: string;
  private at = 0;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
  }

  /** Returns bindings by `scope/Target.parameter` (`/Target.parameter` without a scope) and macros by name. */
  statements(): { bindings: Map<string, Raw>; includes: string[] } {
    const bindings = new Map<string, Raw>();
    const includes: string[] = [];
    let block: string | undefined;
    for (this.space(true); this.at < this.text.length; this.space(true)) {
      const indented = this.at > 0 && /[ \t]/.test(this.text[this.at - 1] ?? "");
      if (!indented) block = undefined;
      const word = this.match(/[\w./-]+/y) ?? this.fail("a name is expected");
      if (/^(import|from|include)$/.test(word)) {
        const rest = this.match(/.*/y) ?? "";
        if (word === "include") includes.push(rest.replace(/#.*/, "").replace(/["']/g, "").trim());
        continue;
      }
      this.space(false);
      if (this.match(/:/y) !== undefined) {
        block = word;
        continue;
      }
      if (this.match(/=/y) === undefined) this.fail(`"=" is expected after ${word}`);
      this.space(false);
      bindings.set(bindingKey(block === undefined ? word : `${block}.${word}`), this.value(0, false));
      this.space(false);
      if (this.match(/\r?\n|$/y) === undefined) this.fail("something follows the value");
    }
    return { bindings, includes };
  }

  private value(depth: number, bracketed: boolean): Raw {
    if (depth > MAX_DEPTH) this.fail("brackets are nested too deeply");
    const open = this.match(/[[({]/y);
    if (open === "{") return this.map(depth);
    if (open !== undefined) return this.list(open === "[" ? "]" : ")", depth);
    const reference = this.match(/@[\w./-]+(\(\))?/y);
    if (reference !== undefined) return new GinReference(reference.slice(1).replace("()", ""));
    const macro = this.match(/%[\w./-]+/y);
    if (macro !== undefined) return new Macro(macro.slice(1));
    const quoted = this.string(bracketed);
    if (quoted !== undefined) return quoted;
    const word = this.match(/[-+\w.]+/y);
    if (word === "None") return null;
    if (word === "True" || word === "False") return word === "True";
    const number = Number(word?.replace(/(?<=\d)_(?=\d)/g, ""));
    return word === undefined || Number.isNaN(number) ? this.fail("a value is expected") : number;
  }

  private list(close: string, depth: number): Raw {
    const items: Raw[] = [];
    let commas = 0;
    for (this.space(true); this.text[this.at] !== close; this.space(true)) {
      items.push(this.value(depth + 1, true));
      this.space(true);
      if (this.match(/,/y) !== undefined) commas += 1;
      else if (this.text[this.at] !== close) this.fail(`"${close}" is expected`);
    }
    this.at += 1;
    const [only] = items;
    return close === ")" && commas === 0 && only !== undefined ? only : items;
  }

  private map(depth: number): Raw {
    const map = new Map<string, Raw>();
    for (this.space(true); this.match(/\}/y) === undefined; this.space(true)) {
      const key = this.value(depth + 1, true);
      this.space(true);
      if (this.match(/:/y) === undefined) this.fail('":" is expected');
      this.space(true);
      map.set(String(key), this.value(depth + 1, true));
      this.space(true);
      if (this.match(/,/y) === undefined && this.text[this.at] !== "}") this.fail('"}" is expected');
    }
    return map;
  }

  /** A quoted text. Adjacent texts are one, within brackets also across lines. */
  private string(bracketed: boolean): string | undefined {
    let text: string | undefined;
    for (;;) {
      const piece = this.match(/[rb]?(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")/y);
      if (piece === undefined) return text;
      text = (text ?? "") + piece.replace(/^[rb]/, "").slice(1, -1).replace(/\\(.)/g, "$1");
      this.space(bracketed);
    }
  }

  /** Skips spaces, comments and continued lines. @param lines whether to skip line ends too */
  private space(lines: boolean): void {
    this.match(lines ? /(?:\s|#.*(?!.)|\\\r?\n)+/y : /(?:[ \t]|#.*(?!.)|\\\r?\n)+/y);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.text) ?? [];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private fail(what: string): never {
    const line = this.text.slice(0, this.at).split("\n").length;
    throw malformed(this.file, `is malformed in line ${line}: ${what}`);
  }
}

/** `encoder/layers.SelfAttention.num_heads` -> `encoder/SelfAttention.num_heads`; a macro's name stays as it is. */
function bindingKey(path: string): string {
  const [, scope = "", target, parameter] = /^(?:(.*)\/)?([^/]*)\.([^/.]+)$/.exec(path) ?? [];
  return target === undefined ? path : `${scope}/${lastPart(target)}.${parameter}`;
}

function lastPart(path: string): string {
  return path.split(/[./]/).at(-1) ?? path;
}

function malformed(file: string, what: string): ModelError {
  return new ModelError("config", `${file} ${what}. Take the operative_config.gin that came with the weights.`);
}
