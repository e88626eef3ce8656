/**
 * Extracts messages from a stream that may contain anything: other data is dropped, so that the next message is still
 * read.
 */
import { Transform } from "node:stream";

/**
 * Creates a stream of well-formed messages (a Content-Length header, a blank line, that many bytes) for
 * vscode-jsonrpc, whose own reader hangs after unreadable input and treats text before a header as part of it.
 * @param dropped receives the size of each dropped piece, in bytes
 */
export function messageFrames(dropped: (bytes: number) => void): Transform {
  let pending: Buffer = Buffer.alloc(0);
  /** Bytes of the current body that are still missing. */
  let body = 0;

  /** The next piece to pass on; undefined if more input is needed. */
  function next(): Buffer | undefined {
    while (pending.length > 0) {
      if (body > 0) {
        const piece = pending.subarray(0, body);
        body -= piece.length;
        pending = pending.subarray(piece.length);
        return piece;
      }
      const end = pending.indexOf("\r\n\r\n");
      if (end < 0) {
        if (pending.length > LARGEST_HEADER_BYTES) drop(pending.length - LARGEST_HEADER_BYTES);
        return undefined;
      }
      const header = pending.toString("latin1", 0, end);
      const length = Number(/Content-Length:[ \t]*(\d+)[ \t]*(?:\r\n|$)/i.exec(header)?.[1] ?? Number.NaN);
      if (length <= LARGEST_BODY_BYTES) {
        pending = pending.subarray(end + 4);
        body = length;
        return Buffer.from(`Content-Length: ${length}\r\n\r\n`);
      }
      drop(end + 4);
    }
    return undefined;
  }

  function drop(bytes: number): void {
    pending = pending.subarray(bytes);
    dropped(bytes);
  }

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      for (let piece = next(); piece !== undefined; piece = next()) this.push(piece);
      done();
    },
  });
}

const LARGEST_HEADER_BYTES = 8192;
const LARGEST_BODY_BYTES = 512 * 1024 * 1024;
