/** Finds the target of a relative link in a Markdown document: a file of the workspace, or a section of one. */
import type { Block } from "../../text/document.ts";
import { decoded, encodedPath } from "../../text/file-behind.ts";
import { readingAt, type WrittenDocument } from "../../text/reading.ts";
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
export async function linkAt(
  document: WrittenDocument,
  offset: number,
  text = document.text,
): Promise<Link | undefined> {
  const { around } = await readingAt(document, offset, text);
  const links = around(offset).flatMap((block) => linksIn(block, text, offset));
  // The innermost is the last.
  return links
    .toReversed()
    .map(({ start, end, target }) => ({ start, end, link: relative(target.replace(/^<(.*)>$/, "$1")) }))
    .flatMap(({ start, end, link }) => (link === undefined ? [] : [{ start, end, ...link }]))[0];
}

interface Target {
  readonly start: number;
  readonly end: number;
  readonly target: string;
}

/** The links of a block that an offset lies in, as they are written. */
function linksIn(block: Block, text: string, offset: number): Target[] {
  const { start, end, content, children, inner, prose } = block;
  if (offset < start || offset > end) return [];
  if (block.name === "reference" && content !== undefined)
    return [{ start, end, target: text.slice(content.start, content.end) }];
  const runs = prose?.().runs ?? [];
  const here = runs.flatMap((run) =>
    run.target !== undefined && run.start <= offset && offset <= run.end
      ? [{ start: run.start, end: run.end, target: run.target }]
      : [],
  );
  return [...here, ...[...children, ...(inner?.() ?? [])].flatMap((child) => linksIn(child, text, offset))];
}

/** Where a link leads. @param root the URI of the workspace's folder, for paths that begin with "/" */
export function resolveLink(path: string, document: string, root: string): string | undefined {
  try {
    const encoded = encodedPath(path);
    // A URL's path has no "..".
    return new URL(path.startsWith("/") ? `${root.replace(/\/$/, "")}${encoded}` : encoded, document).href;
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
  return path === "" ? folder : `${folder.replace(/\/$/, "")}/${encodedPath(path)}`;
}

/** The section that a fragment names, as GitHub and VS Code make names of headings. */
export async function sectionNamed(document: WrittenDocument, fragment: string): Promise<Section | undefined> {
  const seen = new Map<string, number>();
  const wanted = fragment.toLowerCase();
  return (await sectionsOf(document)).find(({ title }) => {
    const name = slug(title);
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return (before === 0 ? name : `${name}-${before}`) === wanted;
  });
}

function relative(target: string): { path: string; fragment: string } | undefined {
  if (target === "" || /^([a-z][a-z\d+.-]*:|\/\/)/i.test(target)) return undefined;
  const [, path = "", fragment = ""] = /^([^#?]*)(?:\?[^#]*)?(?:#(.*))?$/s.exec(target) ?? [];
  return path === "" && fragment === "" ? undefined : { path: decoded(path), fragment: decoded(fragment) };
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
    .trim()
    .replace(/ /g, "-");
}
