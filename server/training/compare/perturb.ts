/** Perturbations of a text, seeded: slips as people make them, each of a share of the words. */

/** The perturbations by name. */
export const PERTURBATIONS = ["typos", "dropped", "swapped", "repeated", "case"] as const;

/** One of {@link PERTURBATIONS}. */
export type Perturbation = (typeof PERTURBATIONS)[number];

/**
 * Perturbs a text. typos: two neighboring letters change places, or one is left out or doubled; dropped: words are left
 * out; swapped: a word and the next change places; repeated: a word comes twice; case: a word changes to capitals, or
 * to small letters where it has any capital. Sentinels such as `<extra_id_0>` and the space between words stay.
 * @param share of the words, 0 to 1
 * @param random numbers from 0 to below 1
 * @see Neerudu et al., "On Robustness of Finetuned Transformer-based NLP Models" (arXiv 2305.14453), table of
 *   perturbations, of which these are those that need no other model
 */
export function perturbed(text: string, kind: Perturbation, share: number, random: () => number): string {
  // Spaces and words take turns; the text begins with a space, which may be empty.
  const parts = text.split(/(\S+)/);
  const result: string[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const [space = "", word = "", between = "", next = ""] = parts.slice(i, i + 4);
    if (word === "" || random() >= share || isSentinel(word)) result.push(space, word);
    else if (kind === "typos") result.push(space, withTypo(word, random));
    else if (kind === "case") result.push(space, /\p{Lu}/u.test(word) ? word.toLowerCase() : word.toUpperCase());
    else if (kind === "repeated") result.push(space, word, " ", word);
    else if (kind === "swapped" && next !== "" && !isSentinel(next)) {
      result.push(space, next, between, word);
      i += 2;
    } else if (kind === "swapped") result.push(space, word);
  }
  return result.join("");
}

function isSentinel(word: string): boolean {
  return /<extra_id_\d+>/.test(word);
}

function withTypo(word: string, random: () => number): string {
  const letters = [...word];
  const at = Math.floor(random() * letters.length);
  const [letter = "", next = ""] = [letters[at], letters[at + 1]];
  const slip = Math.floor(3 * random());
  if (slip === 0 && letters.length > 1) return letters.toSpliced(at, 1).join("");
  if (slip === 1 && next !== "" && next !== letter) return letters.toSpliced(at, 2, next, letter).join("");
  return letters.toSpliced(at, 0, letter).join("");
}
