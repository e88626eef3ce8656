/** The characters and the pieces that stand for bytes. @see bytes_char, src/pre_tokenizers/byte_level.rs */

const printable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
const others = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !printable(byte));
const characters = Array.from({ length: 256 }, (_, byte) =>
  String.fromCharCode(printable(byte) ? byte : 256 + others.indexOf(byte)),
);
const bytesOf = new Map(characters.map((character, byte) => [character, byte]));
const encoder = new TextEncoder();

/** The characters of the text's bytes. */
export function byteText(text: string): string {
  if (/^[!-~]*$/.test(text)) return text;
  return Array.from(encoder.encode(text), (byte) => characters[byte] ?? "").join("");
}

/** The bytes that a token's characters stand for; those of its text if one of them stands for none. */
export function bytesOfToken(token: string): number[] {
  const bytes = Array.from(token, (character) => bytesOf.get(character));
  const isComplete = (list: (number | undefined)[]): list is number[] => !list.includes(undefined);
  return isComplete(bytes) ? bytes : [...encoder.encode(token)];
}

/** The ids of `<0xE9>` ...; undefined if the vocabulary lacks one. */
export function byteIds(text: string, vocab: ReadonlyMap<string, number>): number[] | undefined {
  const ids: number[] = [];
  for (const byte of encoder.encode(text)) {
    const id = vocab.get(byteName(byte));
    if (id === undefined) return undefined;
    ids.push(id);
  }
  return ids;
}

/** `<0xE9>` */
export function byteName(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}
