/** Integers as pickles write them. */

/** The value of `7`, `7L`, `00` for false, or `01` for true. @throws Error when it is malformed */
export function decimal(line: string): number | bigint | boolean {
  if (line === "00" || line === "01") return line === "01";
  if (!/^-?\d{1,100}L?$/.test(line)) throw new Error("a decimal is malformed");
  const value = BigInt(line.replace("L", ""));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** The value of a little-endian two's complement integer; a bigint where a number cannot hold it. */
export function integer(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  const last = bytes[bytes.length - 1] ?? 0;
  if (last >= 128) value -= 1n << BigInt(8 * bytes.length);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
