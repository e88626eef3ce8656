/** Unpacks Zstandard, which TensorStore uses for arrays and databases, within a limit of memory. */
import { Decompress, decompress } from "fzstd";

/**
 * Unpacks one frame.
 * @param limit the largest unpacked size in bytes
 * @throws Error when its unpacked size is larger, its window is larger than TensorStore's, or it is malformed
 * @see RFC 8878, 3.1.1.1
 */
export function unpackZstd(stored: Uint8Array, limit: number): Uint8Array {
  const flags = stored[4] ?? 0;
  const single = (flags >> 5) & 1;
  const width = flags >> 6 === 0 ? single : 1 << (flags >> 6);
  if ((flags & 3) !== 0) throw new Error("it needs a dictionary");
  if (width === 0) return unpackPieces(stored, limit);
  const field = stored.subarray(6 - single, 6 - single + width).toReversed();
  const size = field.reduce((sum, byte) => sum * 256 + byte, 0) + (width === 2 ? 256 : 0);
  if (size > limit) throw new Error(`it would become ${size} bytes`);
  return decompress(stored, new Uint8Array(size));
}

/** 8 MB, the largest window of the usual compression levels. */
const MAX_WINDOW_LOG = 23;

/** Unpacks a frame that does not state its unpacked size. */
function unpackPieces(stored: Uint8Array, limit: number): Uint8Array {
  if (10 + ((stored[5] ?? 0) >> 3) > MAX_WINDOW_LOG) throw new Error("its window is too large");
  const pieces: Uint8Array[] = [];
  let size = 0;
  const stream = new Decompress((piece) => {
    size += piece.length;
    if (size > limit) throw new Error(`it would become over ${limit} bytes`);
    pieces.push(piece);
  });
  stream.push(stored, true);
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
