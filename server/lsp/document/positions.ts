/**
 * Converts positions to offsets and back in the encoding agreed with the client; the only place that knows encodings.
 */
import { randomUUID } from "node:crypto";
import type { Position, Range, TextDocumentContentChangeEvent } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import { formatOf } from "../../text/document.ts";

/** Units of a position's `character`: UTF-16 code units or UTF-8 bytes. */
export type PositionEncoding = "utf-16" | "utf-8";

/** An open document; positions are in the client's encoding, offsets in UTF-16 units (JavaScript's). */
export interface OpenDocument {
  readonly uri: string;
  readonly languageId: string;
  /**
   * The client's version number, for messages to it. It restarts when the document is reopened, so `edition`
   * identifies texts.
   */
  readonly version: number;
  /** Identifies this text of this open document; changes with every edit and when the document is reopened. */
  readonly edition: string;
  readonly text: string;
  /** The end of the last change, in UTF-16 units; undefined if there was none, or several at once. */
  readonly changeEnd: number | undefined;
  /**
   * The offset of a position. A position beyond a line's end is its end; one inside a character is the character's
   * start.
   */
  offsetAt(position: Position): number;
  positionAt(offset: number): Position;
  rangeOf(start: number, end: number): Range;
}

/** UTF-8 if the client offers it, else UTF-16, which every client must support. */
export function chooseEncoding(offered: readonly string[] | undefined): PositionEncoding {
  return offered?.includes("utf-8") ? "utf-8" : "utf-16";
}

/** Formats of prose for which an editor may have no language: AsciiDoc, Org and MDX need extensions in VS Code. */
const NAMED: ReadonlySet<string> = new Set([
  "asciidoc",
  "org",
  "typst",
  "mdx",
  "restructuredtext",
  "latex",
  "markdown",
]);

/** A document's language; where its editor takes it for plain text, the one that the file's name tells. */
function languageOf(uri: string, languageId: string): string {
  if (languageId !== "plaintext") return languageId;
  const format = formatOf("", uri.replace(/[?#][\s\S]*$/, "").replace(/^.*\//, ""));
  return NAMED.has(format) ? format : languageId;
}

/**
 * Creates and changes documents (for vscode-languageserver's TextDocuments, whose own documents count only in
 * UTF-16).
 * @param encoding called each time, because it is agreed on after the document store is created
 */
export function documentModel(encoding: () => PositionEncoding) {
  // A client may keep editions that an earlier server named.
  const server = randomUUID();
  let editions = 0;
  const nextEdition = () => `${server}/${editions++}`;
  return {
    create: (uri: string, languageId: string, version: number, content: string): OpenDocument =>
      new EncodedDocument(
        TextDocument.create(uri, languageOf(uri, languageId), version, content),
        encoding,
        nextEdition(),
      ),
    update: (document: OpenDocument, changes: TextDocumentContentChangeEvent[], version: number): OpenDocument => {
      // The positions of each change refer to the text after the previous one.
      if (!(document instanceof EncodedDocument)) return document;
      document.edition = nextEdition();
      for (const change of changes) document.apply(change, version);
      if (changes.length > 1) document.changeEnd = undefined;
      return document;
    },
  };
}

class EncodedDocument implements OpenDocument {
  changeEnd: number | undefined;
  edition: string;
  private readonly document: TextDocument;
  private readonly encoding: () => PositionEncoding;

  constructor(document: TextDocument, encoding: () => PositionEncoding, edition: string) {
    this.document = document;
    this.encoding = encoding;
    this.edition = edition;
  }

  get uri(): string {
    return this.document.uri;
  }

  get languageId(): string {
    return this.document.languageId;
  }

  get version(): number {
    return this.document.version;
  }

  get text(): string {
    return this.document.getText();
  }

  offsetAt(position: Position): number {
    if (this.encoding() === "utf-16") return this.outsideOfPair(this.document.offsetAt(position));
    return this.charactersAt(position).start;
  }

  positionAt(offset: number): Position {
    const position = this.document.positionAt(offset);
    if (this.encoding() === "utf-16") return position;
    const start = this.document.offsetAt({ line: position.line, character: 0 });
    return { line: position.line, character: Buffer.byteLength(this.text.slice(start, start + position.character)) };
  }

  rangeOf(start: number, end: number): Range {
    return { start: this.positionAt(start), end: this.positionAt(end) };
  }

  apply(change: TextDocumentContentChangeEvent, version: number): void {
    if (!("range" in change)) {
      TextDocument.update(this.document, [change], version);
      this.changeEnd = undefined;
      return;
    }
    const [start, end] = this.changed(change.range);
    const range = { start: this.document.positionAt(start), end: this.document.positionAt(end) };
    this.changeEnd = start + change.text.length;
    TextDocument.update(this.document, [{ range, text: change.text }], version);
  }

  /**
   * The units that a change replaces. A client that counts in UTF-16 may replace half a surrogate pair, as when one
   * emoji becomes another; half a UTF-8 character cannot be sent, so the whole character is replaced.
   */
  private changed(range: Range): readonly [number, number] {
    if (this.encoding() === "utf-16") {
      const ends = [this.document.offsetAt(range.start), this.document.offsetAt(range.end)];
      return [Math.min(...ends), Math.max(...ends)];
    }
    const [from, to] = [this.charactersAt(range.start), this.charactersAt(range.end)];
    const isEmpty = range.start.line === range.end.line && range.start.character === range.end.character;
    return isEmpty ? [from.start, from.start] : [Math.min(from.start, to.start), Math.max(from.end, to.end)];
  }

  /**
   * The UTF-8 character that contains a position, or the empty range between two characters; offsets in UTF-16 units.
   */
  private charactersAt({ line, character }: Position): { readonly start: number; readonly end: number } {
    const start = this.document.offsetAt({ line, character: 0 });
    const text = this.text.slice(start, this.document.offsetAt({ line, character: Number.MAX_SAFE_INTEGER }));
    const { before, after } = unitsOf(text, character);
    return { start: start + before, end: start + after };
  }

  private outsideOfPair(offset: number): number {
    const code = this.text.charCodeAt(offset);
    const before = this.text.charCodeAt(offset - 1);
    const inside = code >= 0xdc00 && code <= 0xdfff && before >= 0xd800 && before <= 0xdbff;
    return inside ? offset - 1 : offset;
  }
}

/**
 * The UTF-16 length of the characters that lie completely within a line's first `bytes` bytes of UTF-8, and of those
 * that lie at least partly within them.
 */
function unitsOf(line: string, bytes: number): { readonly before: number; readonly after: number } {
  let units = 0;
  let left = bytes;
  for (const character of line) {
    if (left <= 0) break;
    left -= Buffer.byteLength(character);
    if (left < 0) return { before: units, after: units + character.length };
    units += character.length;
  }
  return { before: units, after: units };
}
