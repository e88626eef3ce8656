/** Lines and characters to offsets and back in the encoding that the client agreed to: the one border of position encodings. */
import type { Position, Range, TextDocumentContentChangeEvent } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";

/** What a position's `character` counts: UTF-16 code units, or UTF-8 bytes. */
export type PositionEncoding = "utf-16" | "utf-8";

/** An open document; positions in the client's encoding, offsets in UTF-16 units (JavaScript's). */
export interface OpenDocument {
  readonly uri: string;
  readonly languageId: string;
  readonly version: number;
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
  return {
    create: (uri: string, languageId: string, version: number, content: string): OpenDocument =>
      new EncodedDocument(TextDocument.create(uri, languageId, version, content), encoding),
    update: (document: OpenDocument, changes: TextDocumentContentChangeEvent[], version: number): OpenDocument => {
      // Each change's positions count in the text that the one before it left.
      if (!(document instanceof EncodedDocument)) return document;
      for (const change of changes) document.apply(change, version);
      if (changes.length > 1) document.changeEnd = undefined;
      return document;
    },
  };
}

class EncodedDocument implements OpenDocument {
  changeEnd: number | undefined;
  private readonly document: TextDocument;
  private readonly encoding: () => PositionEncoding;

  constructor(document: TextDocument, encoding: () => PositionEncoding) {
    this.document = document;
    this.encoding = encoding;
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

  offsetAt({ line, character }: Position): number {
    const end = this.document.offsetAt({ line, character: Number.MAX_SAFE_INTEGER });
    if (this.encoding() === "utf-16") return this.outsideOfPair(this.document.offsetAt({ line, character }));
    const start = this.document.offsetAt({ line, character: 0 });
    return start + unitsOf(this.text.slice(start, end), character);
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
    const start = this.offsetAt(change.range.start);
    const end = this.document.positionAt(this.offsetAt(change.range.end));
    const range = { start: this.document.positionAt(start), end };
    this.changeEnd = start + change.text.length;
    TextDocument.update(this.document, [{ range, text: change.text }], version);
  }

  private outsideOfPair(offset: number): number {
    const code = this.text.charCodeAt(offset);
    const before = this.text.charCodeAt(offset - 1);
    const inside = code >= 0xdc00 && code <= 0xdfff && before >= 0xd800 && before <= 0xdbff;
    return inside ? offset - 1 : offset;
  }
}

/** The UTF-16 units of the characters that lie wholly within the first `bytes` of a line's UTF-8. */
function unitsOf(line: string, bytes: number): number {
  let units = 0;
  let left = bytes;
  for (const character of line) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    units += character.length;
  }
  return units;
}
