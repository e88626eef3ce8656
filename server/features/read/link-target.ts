/** What a relative link of a Markdown document leads to: a file of the workspace, or a section of one. */
import { type Section, sectionsOf } from "./section-summary.ts";

/** A link; offsets in UTF-16 units. */
export interface Link {
  readonly start: number;
  readonly end: number;
  /**
   * As it is written, percent signs resolved: the part before `#`, "" for the document itself, and the part after it.
   */
  readonly path: string;
  readonly fragment: string;
}

/**
 * The relative link at an offset: `[text](path#anchor)`, `[text][label]`, or a label's definition. undefined for
 * pictures and for links to elsewhere.
 */
export function linkAt(text: string, offset: number): Link | undefined {
  const from = text.lastIndexOf("\n", offset - 1) + 1;
  const newline = text.indexOf("\n", offset);
  const line = text.slice(from, newline < 0 ? text.length : newline);
  if (line.length > LONGEST_LINE || !line.includes("[")) return undefined;
  for (const pattern of [INLINE, REFERENCE, DEFINITION]) {
    for (const { 0: whole, index, groups = {} } of line.matchAll(pattern)) {
      const [start, end] = [from + index, from + index + whole.length];
      if (offset < start || offset > end) continue;
      const { target = "", label } = groups;
      const named = label === undefined ? target : (definitionOf(text, label) ?? "");
      const link = relative(named.replace(/^<(.*)>$/, "$1"));
      if (link !== undefined) return { start, end, ...link };
    }
  }
  return undefined;
}

/** Where a link leads. @param root the URI of the workspace's folder, for paths that begin with "/" */
export function resolveLink(path: string, document: string, root: string): string | undefined {
  try {
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    return path.startsWith("/") ? `${root.replace(/\/$/, "")}${encoded}` : new URL(encoded, document).href;
  } catch {
    return undefined; // such as from a document that is in no folder
  }
}

/** Whether a URI is in a folder. */
export function isWithin(uri: string, folder: string): boolean {
  const plain = (one: string) => decoded(one).replace(/\/$/, "");
  return plain(uri).startsWith(`${plain(folder)}/`);
}

/**
 * A URI's path within a folder, or its whole path, as patterns are matched with: percent signs resolved, no "/" in
 * front.
 */
export function pathWithin(uri: string, folder: string | undefined): string {
  const path =
    folder === undefined ? decoded(uri).replace(/^[^:]*:(\/\/[^/]*)?/, "") : decoded(uri).slice(decoded(folder).length);
  return path.replace(/^\/+/, "");
}

/** The URI of a path within a folder. @param path as it is, with "/" between names; "" is the folder itself */
export function uriWithin(folder: string, path: string): string {
  return path === "" ? folder : `${folder.replace(/\/$/, "")}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** The section that a fragment names, as GitHub and VS Code make names of headings. */
export function sectionNamed(text: string, fragment: string): Section | undefined {
  const seen = new Map<string, number>();
  const wanted = fragment.toLowerCase();
  return sectionsOf(text).find(({ title }) => {
    const name = slug(title);
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return (before === 0 ? name : `${name}-${before}`) === wanted;
  });
}

const LONGEST_LINE = 20_000;
const INLINE =
  /(?<!!)\[(?:[^[\]\\]|\\.|!?\[[^\]]*\](?:\([^)]*\))?)*\]\(\s*(?<target><[^<>]*>|[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)(?:\s+(?:"[^"]*"|'[^']*'|\([^)]*\)))?\s*\)/g;
const REFERENCE = /(?<!!)\[[^[\]]*\]\[(?<label>[^[\]]+)\]/g;
const DEFINITION = /^ {0,3}\[[^[\]]+\]:[ \t]*(?<target><[^<>]*>|\S+)/g;

function definitionOf(text: string, label: string): string | undefined {
  const name = label.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
  return new RegExp(`^ {0,3}\\[${name}\\]:[ \\t]*(<[^<>]*>|\\S+)`, "im").exec(text)?.[1];
}

function relative(target: string): { path: string; fragment: string } | undefined {
  if (target === "" || /^([a-z][a-z\d+.-]*:|\/\/)/i.test(target)) return undefined;
  const [, path = "", fragment = ""] = /^([^#?]*)(?:\?[^#]*)?(?:#(.*))?$/s.exec(target) ?? [];
  return path === "" && fragment === "" ? undefined : { path: decoded(path), fragment: decoded(fragment) };
}

function slug(title: string): string {
  return title
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
    .trim()
    .replace(/ /g, "-");
}

/** Percent signs resolved; as it is where they are none. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
