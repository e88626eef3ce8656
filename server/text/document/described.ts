/**
 * Reads what settings in YAML say of themselves: the descriptions of an API, a chart, an action or a form, and the
 * names of a workflow's steps.
 */
import type { SyntaxNode } from "@lezer/common";
import { table } from "../../../base/table.ts";
import { lexerOf } from "../../../programs/lexers.ts";
import { type Block, plainBlock } from "./block.ts";
import { shifted } from "./shifted.ts";

/** The blocks of one value. */
export interface Described {
  readonly start: number;
  readonly end: number;
  readonly blocks: readonly Block[];
}

/** Keys whose values are texts, as OpenAPI, AsyncAPI, Helm, GitHub and Ansible have them; compared without marks. */
const TEXTS = new Set(
  "description summary about abstract details synopsis overview notes longdescription shortdescription usage".split(
    " ",
  ),
);
const NAMES = new Set(["title", "name"]);
/** Keys that stand beside the name of a step. */
const STEP = /^(?:run|uses|hosts|tasks|roles|steps|script|shell|command|task|bash|powershell|block|\w+(?:\.\w+)+)$/;

/**
 * The values of a YAML text that a person wrote for readers, in order.
 * @param read reads the Markdown that they are
 */
export async function describedValues(text: string, read: (text: string) => Block[]): Promise<Described[]> {
  const tree = (await lexerOf("yaml"))?.(text).tree;
  const values: Described[] = [];
  /** Whether mappings are steps, by their places. */
  const steps = new Map<number, boolean>();
  let depth = 0;
  tree?.iterate({
    enter({ name, node }) {
      if (/Mapping$/.test(name)) depth += 1;
      if (name !== "Pair") return;
      const value = node.lastChild;
      const key = keyOf(text, node);
      if (value === null || key === "") return;
      const isText = TEXTS.has(key.toLowerCase().replace(/[_-]/g, ""));
      if (isText) add(value, depth > MOST_DEPTH || isInSequence(node));
      else if (NAMES.has(key)) addName(node, value);
    },
    leave({ name }) {
      if (/Mapping$/.test(name)) depth -= 1;
    },
  });
  return values;

  function add(value: SyntaxNode, isItem: boolean): void {
    const written = writtenIn(text, value);
    if (written === undefined) return;
    const at = (offset: number) => written.starts[Math.min(offset, written.starts.length - 1)] ?? value.from;
    const blocks = read(written.units).map((block) => shifted(block, at));
    // Its headings are not the file's.
    const prose = blocks.map((block) =>
      block.kind === "heading" ? plainBlock("directive", block.start, block.end, { inner: () => [block] }) : block,
    );
    const { from: start, to: end } = value;
    values.push({ start, end, blocks: isItem ? [plainBlock("item", start, end, { children: prose })] : prose });
  }

  function addName(pair: SyntaxNode, value: SyntaxNode): void {
    const { from: start, to: end } = value;
    const words = text.slice(start, Math.min(end, start + MOST_NAME));
    const isTitle =
      depth === 1 ? !isInSequence(pair) : depth === 2 && keyOf(text, pair.parent?.parent ?? pair) === "info";
    if (isTitle && /Literal$/.test(value.name)) {
      const mark = /^["']/.test(words) ? 1 : 0;
      values.push({
        start,
        end,
        blocks: [plainBlock("data", start, end, { name: "title", content: { start: start + mark, end: end - mark } })],
      });
    } else if (/\S\s\S/.test(words) && !/\{\{/.test(words) && isStep(pair)) add(value, true);
  }

  function isStep({ parent }: SyntaxNode): boolean {
    if (parent === null) return false;
    const known = steps.get(parent.from);
    if (known !== undefined) return known;
    const found = parent.getChildren("Pair").some((pair) => STEP.test(keyOf(text, pair)));
    steps.set(parent.from, found);
    return found;
  }
}

/** Mappings below which descriptions are those of the file's parts. */
const MOST_DEPTH = 2;
const MOST_NAME = 200;

function isInSequence(pair: SyntaxNode): boolean {
  return pair.parent?.parent?.name === "Item";
}

function keyOf(text: string, pair: SyntaxNode): string {
  const key = pair.getChild("Key");
  return key === null || key.to - key.from > MOST_NAME ? "" : text.slice(key.from, key.to).replace(/^["']|["']$/g, "");
}

/** The text of a scalar, with the place of each of its units, and the place after the last. */
function writtenIn(text: string, value: SyntaxNode): { units: string; starts: number[] } | undefined {
  const content = value.getChild("BlockLiteralContent");
  if (content === null && !/Literal$/.test(value.name)) return undefined;
  const { from, to } = content ?? value;
  const quote = content === null ? (/^["']/.exec(text.slice(from, from + 1))?.[0] ?? "") : "";
  const indent =
    content === null ? Number.POSITIVE_INFINITY : (/^\n*( *)/.exec(text.slice(from, to))?.[1]?.length ?? 0);
  const [parts, starts]: [string[], number[]] = [[], []];
  const end = quote === "" ? to : to - 1;
  let column = 0;
  let isIndent = content !== null;
  for (let at = from + quote.length; at < end; ) {
    const unit = text[at] ?? "";
    isIndent = isIndent && unit === " " && column < indent;
    column += 1;
    const escaped = quote === '"' && unit === "\\" ? (ESCAPES[text[at + 1] ?? ""] ?? text[at + 1]) : undefined;
    const isDoubled = quote === "'" && unit === "'";
    if (!isIndent) {
      parts.push(escaped ?? unit);
      starts.push(at);
    }
    if (unit === "\n") [column, isIndent] = [0, true];
    at += escaped !== undefined || isDoubled ? 2 : 1;
  }
  starts.push(end);
  return { units: parts.join(""), starts };
}

const ESCAPES: Readonly<Record<string, string>> = table({ n: "\n", t: "\t", "\n": "" });
