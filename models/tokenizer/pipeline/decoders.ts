/** Decoders of tokenizer.json. @see huggingface/tokenizers, src/decoders */
import { bytesOfToken } from "./byte-level.ts";
import { flag, inTurn, numberField, type Part, partsOf, patternOf, replacer, textField, unsupported } from "./part.ts";
import { prependScheme } from "./pre-tokenizers.ts";

/** Turns tokens into the parts of a text. */
export type Decoder = (tokens: readonly string[]) => readonly string[];

/**
 * Creates a decoder.
 * @throws ModelError "tokenizer" that names the part which is not known
 */
export function createDecoder(part: Part): Decoder {
  const { type } = part;
  switch (type) {
    case "Sequence": {
      const steps = partsOf(part, "decoders", "decoder").map(createDecoder);
      return inTurn(steps, (tokens) => tokens.reduce((sum, token) => sum + token.length, 0), "decoder");
    }
    case "Metaspace": {
      const replacement = textField(part, "replacement", "decoder", "▁");
      const drops = prependScheme(part) !== "never";
      return (tokens) => tokens.map((token, i) => token.replaceAll(replacement, i === 0 && drops ? "" : " "));
    }
    case "ByteLevel":
      return (tokens) => [utf8.decode(Uint8Array.from(tokens.flatMap(bytesOfToken)))];
    case "ByteFallback":
      return byteFallback;
    case "Fuse":
      return (tokens) => [tokens.join("")];
    case "Replace": {
      const pattern = patternOf(part, "decoder");
      const content = textField(part, "content", "decoder");
      const replaced = replacer(pattern, content, "decoder");
      return (tokens) => tokens.map(replaced);
    }
    case "Strip":
      return stripper(part);
    case "WordPiece": {
      const prefix = textField(part, "prefix", "decoder", "##");
      const cleans = flag(part, "cleanup", true);
      return (tokens) =>
        tokens.map((token, i) => {
          const joined = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
          return cleans ? cleaned(i === 0 ? token : joined) : i === 0 ? token : joined;
        });
    }
    case "BPEDecoder": {
      const suffix = textField(part, "suffix", "decoder", "</w>");
      return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? "" : " "));
    }
    default:
      throw unsupported(`its decoder has the type ${String(type)}, which is not known`);
  }
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Tokens of bytes (`<0xE9>`) as text; each byte of a run that is not UTF-8 as U+FFFD. */
function byteFallback(tokens: readonly string[]): string[] {
  const decoded: string[] = [];
  let run: number[] = [];
  const flush = () => {
    if (run.length > 0) decoded.push(...textOfBytes(run));
    run = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (byte !== undefined) run.push(Number.parseInt(byte, 16));
    else {
      flush();
      decoded.push(token);
    }
  }
  flush();
  return decoded;
}

function textOfBytes(bytes: readonly number[]): string[] {
  try {
    return [new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))];
  } catch {
    return bytes.map(() => "\uFFFD");
  }
}

function stripper(part: Part): Decoder {
  const content = textField(part, "content", "decoder");
  const [start, stop] = [numberField(part, "start", "decoder"), numberField(part, "stop", "decoder")];
  return (tokens) =>
    tokens.map((token) => {
      const characters = Array.from(token);
      let from = 0;
      while (from < Math.min(start, characters.length) && characters[from] === content) from += 1;
      let to = characters.length;
      while (characters.length - to < stop && to > from && characters[to - 1] === content) to -= 1;
      return characters.slice(from, to).join("");
    });
}

function cleaned(text: string): string {
  return text
    .replaceAll(" .", ".")
    .replaceAll(" ?", "?")
    .replaceAll(" !", "!")
    .replaceAll(" ,", ",")
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" do not", " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
