/**
 * Splits a stream into lines of bounded length, for line-based protocols; drops lines that are too long and continues
 * with the next.
 */
import { Transform } from "node:stream";

/** A line that was too long. */
export interface LongLine {
  readonly bytes: number;
  /** The id of the JSON-RPC request in it, if it is at the message's very beginning or end; otherwise null. */
  readonly id: string | number | null;
}

/**
 * Creates a stream that passes on complete lines, each as one chunk with its line feed.
 * @param dropped called for each line of more than `mostBytes` bytes
 */
export function boundedLines(mostBytes: number, dropped: (line: LongLine) => void): Transform {
  let parts: Buffer[] = [];
  let bytes = 0;

  /** Keeps a piece; of a line that is too long, only both ends, since its id may be there. */
  function keep(piece: Buffer): void {
    bytes += piece.length;
    parts.push(piece);
    if (bytes <= mostBytes) return;
    const all = parts.length === 1 ? piece : Buffer.concat(parts);
    const ends = all.length <= 2 * END_BYTES ? [all] : [all.subarray(0, END_BYTES), all.subarray(-END_BYTES)];
    parts = ends.map((end) => Buffer.from(end)); // copies, so that the rest can go
  }

  function end(push: (line: Buffer) => void): void {
    if (bytes > 0 && bytes <= mostBytes) push(Buffer.concat(parts));
    else if (bytes > 0) dropped({ bytes, id: idIn(Buffer.concat(parts).toString("utf8").trim()) });
    parts = [];
    bytes = 0;
  }

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.length; ) {
        const feed = chunk.indexOf(10, at);
        keep(chunk.subarray(at, feed < 0 ? chunk.length : feed + 1));
        at = feed < 0 ? chunk.length : feed + 1;
        if (feed >= 0) end((line) => this.push(line));
      }
      done();
    },
    flush(done) {
      end((line) => this.push(line));
      done();
    },
  });
}

const END_BYTES = 512;

/** Finds an id only where no text inside the message can imitate it: after the first brace or before the last. */
function idIn(line: string): string | number | null {
  const value = String.raw`(\d{1,15}|"[^"\\]{0,200}")`;
  const version = String.raw`"jsonrpc"\s*:\s*"2\.0"\s*`;
  const first = new RegExp(String.raw`^\{\s*(?:${version},\s*)?"id"\s*:\s*${value}\s*,`).exec(line);
  const last = new RegExp(String.raw`,\s*"id"\s*:\s*${value}\s*(?:,\s*${version})?\}$`).exec(line);
  const id = first?.[1] ?? last?.[1];
  return id === undefined ? null : JSON.parse(id);
}
