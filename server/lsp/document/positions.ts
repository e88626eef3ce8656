/** Lines and characters to offsets and back in the encoding that the client agreed to: the one border of position encodings. */
import { randomUUID } from "node:crypto";
import type { Position, Range, TextDocumentContentChangeEvent } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";

/** What a position's `character` counts: UTF-16 code units, or UTF-8 bytes. */
export type PositionEncoding = "utf-16" | "utf-8";

/** An open document; positions in the client's encoding, offsets in UTF-16 units (JavaScript's). */
export interface OpenDocument {
  readonly uri: string;
  readonly languageId: string;
  /** The client's number, for what is sent to it. It begins anew when the document is opened again: `edition` tells texts apart. */
  readonly version: number;
  /** The name of this text of this opened document: another one after each change, and after it was closed and opened again. */
  readonly edition: string;
  readonly text: string;
  /** Where the last change ended, in UTF-16 units; undefined when there was none, or when it was in several places. */
  readonly changeEnd: number | undefined;
  /** A position beyond a line's end is its end; one inside a character is the character's start. */
  offsetAt(position: Position): number;
  positionAt(offset: number): Position;
  rangeOf(start: number, end: number): Range;
}

/** UTF-8 where the client offers it, else UTF-16, which every client must speak. */
export function chooseEncoding(offered: readonly string[] | undefined): PositionEncoding {
  return offered?.includes("utf-8") ? "utf-8" : "utf-16";
}

/**
 * How documents are made and changed (for vscode-languageserver's TextDocuments, whose own documents count UTF-16 only).
 * @param encoding asked each time, because it is agreed on after the documents' store is made
 */
export function documentModel(encoding: () => PositionEncoding) {
  // A client may keep what an earlier server named.
  const server = randomUUID();
  let editions = 0;
  const nextEdition = () => `${server}/${editions++}`;
  return {
    create: (uri: string, languageId: string, version: number, content: string): OpenDocument =>
      new EncodedDocument(TextDocument.create(uri, languageId, version, content), encoding, nextEdition()),
    update: (document: OpenDocument, changes: TextDocumentContentChangeEvent[], version: number): OpenDocument => {
      // Each change's positions count in the text that the one before it left.
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
   * The units that a change takes the place of. A client that counts in UTF-16 may well exchange half a pair, as where one emoji
   * becomes another; half a character of UTF-8 cannot be sent, so the whole one is meant.
   */
  private changed(range: Range): readonly [number, number] {
    if (this.encoding() === "utf-16") {
      const ends = [this.document.offsetAt(range.start), this.document.offsetAt(range.end)];
      return [Math.min(...ends), Math.max(...ends)];
    }
    const [from, to] = [this.charactersAt(range.start), this.charactersAt(range.end)];
    const isPlace = range.start.line === range.end.line && range.start.character === range.end.character;
    return isPlace ? [from.start, from.start] : [Math.min(from.start, to.start), Math.max(from.end, to.end)];
  }

  /** The character of UTF-8 that a position is in, or the place between two; offsets in UTF-16 units. */
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

/** The UTF-16 units of a line's characters that lie wholly within its first bytes of UTF-8, and of those that do so in part, too. */
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
