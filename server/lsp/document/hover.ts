/** Hovers in Markdown: the only place that writes them, so that text is always escaped and only our own command is a link. */
import type { Hover, Range } from "vscode-languageserver-protocol";
import { markdownText } from "../../../protocol/shown-text.ts";

/** A piece of Markdown that may stand in a hover; only the functions of this file make one. */
export type Markdown = string & { readonly [SAFE]: true };
declare const SAFE: unique symbol;

/** Text as it is. */
export function shownText(text: string): Markdown {
  return markdownText(text) as Markdown;
}

/** A link that runs the command which a click on another word stands for. @param title shown while the mouse is on it */
export function commandLink(label: string, command: ReplaceWord, argument: object, title: string): Markdown {
  // Parentheses would end the address.
  const given = encodeURIComponent(JSON.stringify([argument])).replace(
    /[()'!*~]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `[${markdownText(label)}](command:${command}?${given} "${markdownText(title).replaceAll('"', "")}")` as Markdown;
}

/** Two pieces, one after the other. */
export function joined(first: Markdown, second: Markdown): Markdown {
  return `${first} ${second}` as Markdown;
}

/** A hover of some pieces, and below it a note on where they come from. */
export function hover(pieces: readonly Markdown[], note: string, range: Range): Hover {
  return { contents: { kind: "markdown", value: `${pieces.join(" · ")}\n\n*${markdownText(note)}*` }, range };
}

/** The one command that clients trust in hovers (client/server/language-client.ts). */
type ReplaceWord = "spanfill.replaceWord";
