/**
 * Extracts messages from a stream that may contain anything: other data is dropped, so that the next message is still
 * read.
 */
import { Transform } from "node:stream";

/**
 * Creates a stream of well-formed messages (a Content-Length header, a blank line, that many bytes) for
 * vscode-jsonrpc, whose own reader hangs after unreadable input and treats text before a header as part of it.
 * @param dropped receives the size of each dropped piece, in bytes
 * @param largestBody size of the largest message that is passed on, in bytes; larger ones are dropped as a whole
 */
export function messageFrames(dropped: (bytes: number) => void, largestBody = LARGEST_BODY_BYTES): Transform {
  let pending: Buffer = Buffer.alloc(0);
  /** Bytes of the current body that are still missing, and of one that is dropped. */
  let [body, excess] = [0, 0];

  /** The next piece to pass on; undefined if more input is needed. */
  function next(): Buffer | undefined {
    while (pending.length > 0) {
      if (body > 0) {
        const piece = pending.subarray(0, body);
        body -= piece.length;
        pending = pending.subarray(piece.length);
        return piece;
      }
      if (excess > 0) {
        const size = Math.min(excess, pending.length);
        excess -= size;
        drop(size);
        continue;
      }
      const end = pending.indexOf("\r\n\r\n");
      if (end < 0) {
        if (pending.length > LARGEST_HEADER_BYTES) drop(pending.length - LARGEST_HEADER_BYTES);
        return undefined;
      }
      const length = lengthIn(pending.toString("latin1", Math.max(0, end - LARGEST_HEADER_BYTES), end));
      if (length > 0 && length <= largestBody) {
        pending = pending.subarray(end + 4);
        body = length;
        return Buffer.from(`Content-Length: ${length}\r\n\r\n`);
      }
      drop(end + 4);
      if (length > largestBody && length <= LARGEST_DROPPED_BYTES) excess = length;
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

/** The length that a header states; NaN where it states none, or two that differ. */
function lengthIn(header: string): number {
  const stated = Array.from(header.matchAll(/Content-Length:([^\r\n]*)/gi), ([, length = ""]) => length.trim());
  const [first = ""] = stated;
  return /^\d+$/.test(first) && stated.every((length) => length === first) ? Number(first) : Number.NaN;
}

const LARGEST_HEADER_BYTES = 8192;
/** Documents above 50 MB are not synchronized by VS Code. */
const LARGEST_BODY_BYTES = 64 * 1024 * 1024;
/** A longer body is a wrong header: to leave it out would leave out all messages to come. */
const LARGEST_DROPPED_BYTES = 1024 * 1024 * 1024;
