/** Splits a stream into lines of bounded length, for a protocol of a message a line: one that is too long is dropped, and the next is heard. */
import { Transform } from "node:stream";

/** A line that was too long to be kept. */
export interface LongLine {
  readonly bytes: number;
  /** The id of the JSON-RPC request in it, where it stands at the message's very beginning or end; null where it cannot be told. */
  readonly id: string | number | null;
}

/**
 * A stream that passes on whole lines, each as one chunk, with its line feed.
 * @param dropped is told of each line that has more bytes than `mostBytes`
 */
export function boundedLines(mostBytes: number, dropped: (line: LongLine) => void): Transform {
  let parts: Buffer[] = [];
  let bytes = 0;

  /** Of a line that is too long, both ends are kept: its id may be there. */
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

/** Only places that no text inside of the message can imitate: right after the first brace, right before the last. */
function idIn(line: string): string | number | null {
  const value = String.raw`(\d{1,15}|"[^"\\]{0,200}")`;
  const version = String.raw`"jsonrpc"\s*:\s*"2\.0"\s*`;
  const first = new RegExp(String.raw`^\{\s*(?:${version},\s*)?"id"\s*:\s*${value}\s*,`).exec(line);
  const last = new RegExp(String.raw`,\s*"id"\s*:\s*${value}\s*(?:,\s*${version})?\}$`).exec(line);
  const found = first?.[1] ?? last?.[1];
  return found === undefined ? null : JSON.parse(found);
}
