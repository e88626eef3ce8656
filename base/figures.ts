/** Figures in words. */

/** A size in decimal units, with a digit after the point below ten: "1.2 GB", "340 MB". */
export function sizeInWords(bytes: number): string {
  const [unit, one] = bytes >= 1e9 ? ["GB", 1e9] : bytes >= 1e6 ? ["MB", 1e6] : ["kB", 1e3];
  return `${(bytes / one).toFixed(bytes < 10 * one ? 1 : 0)} ${unit}`;
}

/** A share in percent, rounded. */
export function percent(share: number, digits = 0): string {
  return `${(100 * share).toFixed(digits)}%`;
}

/** A share in percent, rounded down: nothing unfinished reads as 100%. */
export function percentDone(share: number): string {
  return `${Math.floor(100 * share)}%`;
}
