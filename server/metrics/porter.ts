/** Porter's stemmer in NLTK's variant, because ROUGE figures are published with that variant and differ with others. */

const irregular: ReadonlyMap<string, string> = new Map([
  ["sky", "sky"],
  ["skies", "sky"],
  ["dying", "die"],
  ["lying", "lie"],
  ["tying", "tie"],
  ["news", "news"],
  ["innings", "inning"],
  ["inning", "inning"],
  ["outings", "outing"],
  ["outing", "outing"],
  ["cannings", "canning"],
  ["canning", "canning"],
  ["howe", "howe"],
  ["proceed", "proceed"],
  ["exceed", "exceed"],
  ["succeed", "succeed"],
]);

/**
 * The stem of a lower-case word; words of one or two letters stay the same.
 * @see M. Porter, "An algorithm for suffix stripping", Program 14.3 (1980), and nltk.stem.porter's NLTK_EXTENSIONS
 * mode
 */
export function porterStem(word: string): string {
  const irregularStem = irregular.get(word);
  if (irregularStem !== undefined) return irregularStem;
  if (word.length <= 2) return word;
  const endings = yToI(past(plural(word)));
  return tidy(replaceSuffix(replaceSuffix(doubleSuffixes(endings), step3), step4));
}

/** A suffix, its replacement, and a condition on the rest. The first suffix that matches decides. */
type Rule = readonly [suffix: string, replacement: string, allowed?: (stem: string, word: string) => boolean];

const longer = (stem: string): boolean => measure(stem) > 1;
const positive = (stem: string): boolean => measure(stem) > 0;
const rules = (allowed: (stem: string) => boolean, pairs: string): Rule[] =>
  pairs.split(" ").map((pair) => {
    const [suffix = "", replacement = ""] = pair.split(">");
    return [suffix, replacement, allowed];
  });

const step2: readonly Rule[] = [
  ...rules(positive, "ational>ate tional>tion enci>ence anci>ance izer>ize bli>ble alli>al entli>ent eli>e ousli>ous"),
  ...rules(positive, "ization>ize ation>ate ator>ate alism>al iveness>ive fulness>ful ousness>ous aliti>al iviti>ive"),
  ...rules(positive, "biliti>ble fulli>ful"),
  ["logi", "log", (_, word) => positive(word.slice(0, -3))],
];
const step3 = rules(positive, "icate>ic ative> alize>al iciti>ic ical>ic ful> ness>");
const step4: readonly Rule[] = [
  ...rules(longer, "al> ance> ence> er> ic> able> ible> ant> ement> ment> ent>"),
  ["ion", "", (stem) => longer(stem) && /[st]$/.test(stem)],
  ...rules(longer, "ou> ism> ate> iti> ous> ive> ize>"),
];

function replaceSuffix(word: string, list: readonly Rule[]): string {
  for (const [suffix, replacement, allowed] of list) {
    if (!word.endsWith(suffix)) continue;
    const stem = word.slice(0, word.length - suffix.length);
    return allowed === undefined || allowed(stem, word) ? stem + replacement : word;
  }
  return word;
}

/** Step 1a: plurals. */
function plural(word: string): string {
  if (word.length === 4 && word.endsWith("ies")) return `${word[0]}ie`;
  return replaceSuffix(word, [
    ["sses", "ss"],
    ["ies", "i"],
    ["ss", "ss"],
    ["s", ""],
  ]);
}

/** Step 1b: -ed and -ing, and repairs after removing them. */
function past(word: string): string {
  if (word.endsWith("ied")) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith("eed")) return positive(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const suffix = ["ed", "ing"].find((end) => word.endsWith(end) && hasVowel(word.slice(0, -end.length)));
  if (suffix === undefined) return word;
  const stem = word.slice(0, -suffix.length);
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (/(.)\1$/.test(stem) && isConsonant(stem, stem.length - 1)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem;
}

/** Step 1c: -y after a consonant. */
function yToI(word: string): string {
  const stem = word.slice(0, -1);
  return word.endsWith("y") && stem.length > 1 && isConsonant(stem, stem.length - 1) ? `${stem}i` : word;
}

/** Step 2, after a first pass for -alli. */
function doubleSuffixes(word: string): string {
  if (word.endsWith("alli") && positive(word.slice(0, -4))) return doubleSuffixes(word.slice(0, -2));
  return replaceSuffix(word, step2);
}

/** Step 5: a last -e, and -ll. */
function tidy(word: string): string {
  const stem = word.slice(0, -1);
  const m = measure(stem);
  const bare = word.endsWith("e") && (m > 1 || (m === 1 && !endsShort(stem))) ? stem : word;
  return bare.endsWith("ll") && measure(bare.slice(0, -1)) > 1 ? bare.slice(0, -1) : bare;
}

function isConsonant(word: string, at: number): boolean {
  const letter = word[at] ?? "";
  if ("aeiou".includes(letter)) return false;
  return letter !== "y" || at === 0 || !isConsonant(word, at - 1);
}

/** "c" or "v" for each letter. */
function pattern(word: string): string {
  let letters = "";
  for (const letter of word) {
    const vowel = "aeiou".includes(letter) || (letter === "y" && letters.endsWith("c"));
    letters += vowel ? "v" : "c";
  }
  return letters;
}

/** The number of consonants that follow a vowel: the paper's m. */
function measure(stem: string): number {
  return pattern(stem).split("vc").length - 1;
}

function hasVowel(stem: string): boolean {
  return pattern(stem).includes("v");
}

/** The paper's *o: consonant, vowel, consonant other than w, x, y; or just vowel, consonant. */
function endsShort(stem: string): boolean {
  const letters = pattern(stem);
  return letters === "vc" || (letters.endsWith("cvc") && !/[wxy]$/.test(stem));
}
