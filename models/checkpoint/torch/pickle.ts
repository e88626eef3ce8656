/**
 * Reads Python's pickles as data: interprets their instructions with a list of known globals, and never runs code of
 * the file.
 */
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../errors.ts";
import { ByteCursor, EndOfBytes } from "../cursor.ts";
import { malformed } from "../tensor.ts";
import { decimal, integer } from "./integers.ts";
import { unknownGlobal } from "./unknown-global.ts";

/** The names that a pickle may use in addition to plain values. */
export interface PickleNames {
  /**
   * "module.name" -> its replacement: a value, or a function of ours, which the pickle may call with any arguments. A
   * pickle that names any other global is refused.
   */
  readonly globals: ReadonlyMap<string, unknown>;
  /** Returns the replacement of an object stored outside the pickle. */
  readonly persistent: (id: unknown) => unknown;
}

/**
 * Reads one pickle of protocols 1 to 5, with the instructions that data needs. Lists and tuples become arrays,
 * dictionaries Maps, byte strings Uint8Arrays, integers numbers, or bigints where a number cannot hold them.
 * @param bytes may continue after the pickle
 * @param file the file's name in messages
 * @returns the value and the offset of its pickle's end; undefined when the bytes end before the pickle does
 * @throws ModelError "checkpoint" when it is malformed, too long, or names an unknown global
 * @see pickletools.py of CPython; torch/_weights_only_unpickler.py
 */
export function readPickle(
  bytes: Uint8Array,
  begin: number,
  names: PickleNames,
  file: string,
): { readonly value: unknown; readonly end: number } | undefined {
  try {
    return interpret(bytes, begin, names, file);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    if (error instanceof EndOfBytes) return undefined;
    throw malformed(file, `holds a malformed pickle (${reason(error)})`, error);
  }
}

/** A tensor takes 40. This bounds the memory that a hostile file can request. */
const MAX_INSTRUCTIONS = 500_000;

/** Characters of a tensor's name, and arguments of a call: many times those of any model. */
const MOST_NAME = 1000;
const MOST_ARGUMENTS = 32;

function interpret(bytes: Uint8Array, begin: number, names: PickleNames, file: string) {
  const cursor = new ByteCursor(bytes, { at: begin });
  let stack: unknown[] = [];
  const marked: unknown[][] = [];
  const memo = new Map<number, unknown>();

  const u8 = () => cursor.uint(1);
  const u32 = () => cursor.uint(4);
  const data = (count: number) => new Uint8Array(cursor.bytes(count));
  const text = (count: number) => utf8.decode(cursor.bytes(count));
  const line = () => {
    const end = bytes.indexOf(10, cursor.at);
    if (end < 0) throw new EndOfBytes();
    const value = text(end - cursor.at);
    cursor.skip(1);
    return value;
  };
  const pop = (): unknown => {
    if (stack.length === 0) throw new Error("the stack is empty");
    return stack.pop();
  };
  const top = () => stack[stack.length - 1];
  const sinceMark = (): unknown[] => {
    const items = stack;
    const below = marked.pop();
    if (below === undefined) throw new Error("there is no mark");
    stack = below;
    return items;
  };
  const find = (module: unknown, name: unknown): unknown => {
    // A list as text could be long without an end: two of its items may be one list, and so on.
    if (typeof module !== "string" || typeof name !== "string") throw new Error("a global's name is not a text");
    const full = `${module}.${name}`;
    if (names.globals.has(full)) return names.globals.get(full);
    throw unknownGlobal(full, file);
  };
  const recall = (key: number): unknown => {
    if (!memo.has(key)) throw new Error(`nothing was stored under ${key}`);
    return memo.get(key);
  };
  const append = (items: readonly unknown[]) => {
    const list = top();
    if (!Array.isArray(list)) throw new Error("items are added to something that is not a list");
    for (const item of items) list.push(item);
  };
  const put = (items: readonly unknown[]) => {
    const map = top();
    if (!(map instanceof Map) || items.length % 2 !== 0)
      throw new Error("keys are added to something that is not a map");
    for (let i = 0; i < items.length; i += 2) {
      checkKey(map, items[i]);
      map.set(items[i], items[i + 1]);
    }
  };
  const call = () => {
    const given = pop();
    const callee = pop();
    if (typeof callee !== "function" || !Array.isArray(given))
      throw new Error("something that is not a function is called");
    if (given.length > MOST_ARGUMENTS) throw new Error(`a function is called with ${given.length} arguments`);
    stack.push(callee(...given));
  };

  for (let count = 0; count < MAX_INSTRUCTIONS; count += 1) {
    const code = u8();
    switch (String.fromCharCode(code)) {
      case "\x80": // PROTO
        if (u8() > 5) throw malformed(file, "is a pickle of a protocol later than 5");
        break;
      case "\x95": // FRAME
        cursor.skip(8);
        break;
      case ".": // STOP
        return { value: pop(), end: cursor.at };
      case "N":
        stack.push(null);
        break;
      case "\x88":
        stack.push(true);
        break;
      case "\x89":
        stack.push(false);
        break;
      case "I": // INT, of protocol 1: a decimal, or a truth value of two digits
      case "L":
        stack.push(decimal(line()));
        break;
      case "J":
        stack.push(cursor.int(4));
        break;
      case "K":
        stack.push(u8());
        break;
      case "M":
        stack.push(cursor.uint(2));
        break;
      case "\x8a": // LONG1
        stack.push(integer(data(u8())));
        break;
      case "G": // BINFLOAT
        stack.push(cursor.float(8, false));
        break;
      case "X": // BINUNICODE
        stack.push(text(u32()));
        break;
      case "\x8c": // SHORT_BINUNICODE
        stack.push(text(u8()));
        break;
      case "\x8d": // BINUNICODE8
        stack.push(text(cursor.uint(8)));
        break;
      case "U": // SHORT_BINSTRING, texts of Python 2
        stack.push(text(u8()));
        break;
      case "T": // BINSTRING
        stack.push(text(u32()));
        break;
      case "C": // SHORT_BINBYTES
        stack.push(data(u8()));
        break;
      case "B": // BINBYTES
        stack.push(data(u32()));
        break;
      case "]":
        stack.push([]);
        break;
      case ")":
        stack.push([]);
        break;
      case "}":
        stack.push(new Map());
        break;
      case "(":
        marked.push(stack);
        stack = [];
        break;
      case "l": // LIST
      case "t": {
        const items = sinceMark();
        stack.push(items);
        break;
      }
      case "\x85": // TUPLE1
        stack.push([pop()]);
        break;
      case "\x86": {
        const second = pop();
        stack.push([pop(), second]);
        break;
      }
      case "\x87": {
        const [third, second] = [pop(), pop()];
        stack.push([pop(), second, third]);
        break;
      }
      case "d": {
        const items = sinceMark();
        stack.push(new Map());
        put(items);
        break;
      }
      case "a":
        append([pop()]);
        break;
      case "e":
        append(sinceMark());
        break;
      case "s": {
        const value = pop();
        put([pop(), value]);
        break;
      }
      case "u":
        put(sinceMark());
        break;
      case "0":
        pop();
        break;
      case "1":
        sinceMark();
        break;
      case "2":
        stack.push(top());
        break;
      case "q":
        memo.set(u8(), top());
        break;
      case "r":
        memo.set(u32(), top());
        break;
      case "\x94": // MEMOIZE
        memo.set(memo.size, top());
        break;
      case "h":
        stack.push(recall(u8()));
        break;
      case "j":
        stack.push(recall(u32()));
        break;
      case "c": // GLOBAL
        stack.push(find(line(), line()));
        break;
      case "\x93": {
        const name = pop();
        stack.push(find(pop(), name));
        break;
      }
      case "R":
        call();
        break;
      case "b": // BUILD: attributes of a dictionary, which do not concern the weights
        pop();
        break;
      case "Q":
        stack.push(names.persistent(pop()));
        break;
      case "p":
      case "P":
        throw malformed(file, "is a pickle of protocol 0, from which PyTorch itself cannot read tensors");
      default:
        throw malformed(
          file,
          `uses the pickle instruction 0x${code.toString(16).padStart(2, "0")}, which a table of weights does not need`,
        );
    }
  }
  throw malformed(file, `holds a pickle of more than ${MAX_INSTRUCTIONS} instructions, many times a model's`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws Error when a map has a key already, or it is longer than any name */
function checkKey(map: ReadonlyMap<unknown, unknown>, key: unknown): void {
  const name = typeof key === "string" ? key : undefined;
  if (name !== undefined && name.length > MOST_NAME) throw new Error(`a key has ${name.length} characters`);
  if (map.has(key)) throw new Error(name === undefined ? "a key occurs twice" : `the key ${name} occurs twice`);
}
