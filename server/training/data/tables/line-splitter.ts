/** Lines of bytes as they come. */

/** A line without its end; undefined where it is too long to be kept. */
export type Line = Buffer | undefined;

/** Splits bytes into lines, without keeping more than one of them. */
export class LineSplitter {
  readonly #end: Buffer;
  readonly #mostBytes: number;
  #rest: Buffer[] = [];
  #size = 0;

  /** @param mostBytes of the longest line that is kept */
  constructor(end: "\n" | "\r" | "\r\n", mostBytes: number) {
    this.#end = Buffer.from(end);
    this.#mostBytes = mostBytes;
  }

  /** The lines that these bytes end. */
  *add(chunk: Buffer): Generator<Line> {
    let bytes = chunk;
    // The two bytes of a line end may come apart.
    const last = this.#rest.at(-1);
    if (this.#end.length > 1 && last !== undefined && last.at(-1) === this.#end[0] && bytes[0] === this.#end[1]) {
      this.#rest[this.#rest.length - 1] = last.subarray(0, -1);
      this.#size -= 1;
      yield this.#close();
      bytes = bytes.subarray(1);
    }
    let from = 0;
    for (let end = bytes.indexOf(this.#end); end >= 0; end = bytes.indexOf(this.#end, from)) {
      this.#collect(bytes.subarray(from, end));
      yield this.#close();
      from = end + this.#end.length;
    }
    this.#collect(bytes.subarray(from));
  }

  /** The last line, if it has no end. */
  *finish(): Generator<Line> {
    if (this.#size > 0) yield this.#close();
  }

  #collect(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#size += bytes.length;
    this.#rest.push(bytes);
    // The last byte may be half of a line end.
    if (this.#size >= this.#mostBytes + this.#end.length) this.#rest = [bytes.subarray(-1)];
  }

  #close(): Line {
    const [first] = this.#rest;
    const line =
      this.#size > this.#mostBytes
        ? undefined
        : first !== undefined && this.#rest.length === 1
          ? first
          : Buffer.concat(this.#rest);
    this.#rest = [];
    this.#size = 0;
    return line;
  }
}
