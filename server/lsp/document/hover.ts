/** Creates all hovers in Markdown, so that text is always escaped and the only link is our own command. */
import type { Hover, Range } from "vscode-languageserver-protocol";
import { markdownText } from "../../../protocol/shown-text.ts";

/** Markdown that is safe in a hover; only the functions of this file create it. */
export type Markdown = string & { readonly [SAFE]: true };
declare const SAFE: unique symbol;

/** Literal text. */
export function shownText(text: string): Markdown {
  return markdownText(text) as Markdown;
}

/**
 * A link that runs the command for choosing another word.
 * @param title tooltip of the link
 */
export function commandLink(label: string, command: ReplaceWord, argument: object, title: string): Markdown {
  // Parentheses would end the address.
  const encoded = encodeURIComponent(JSON.stringify([argument])).replace(
    /[()'!*~]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `[${markdownText(label)}](command:${command}?${encoded} "${markdownText(title).replaceAll('"', "")}")` as Markdown;
}

/** Two pieces, separated by a space. */
export function joined(first: Markdown, second: Markdown): Markdown {
  return `${first} ${second}` as Markdown;
}

/** A hover with pieces, and below them a note on their source. */
export function hover(pieces: readonly Markdown[], note: string, range: Range): Hover {
  return { contents: { kind: "markdown", value: `${pieces.join(" · ")}\n\n*${markdownText(note)}*` }, range };
}

/** The only command that clients trust in hovers (client/server/language-client.ts). */
type ReplaceWord = "spanfill.replaceWord";
