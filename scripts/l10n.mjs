// `npm run l10n`: what the translations lack, and what in them is stale. VS Code takes package.nls.LANGUAGE.json for
// package.json's texts and l10n/bundle.l10n.LANGUAGE.json for those of the code, each English text being its own key
// there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** Languages besides English, as VS Code names them. */
export const LANGUAGES = ["de", "fr"];

/**
 * The problems of a language's translations, a line each.
 * @param {string} language one of LANGUAGES
 * @returns {string[]}
 */
export function problemsOf(language) {
  const nls = `package.nls.${language}.json`;
  const bundle = `l10n/bundle.l10n.${language}.json`;
  const { texts, problems } = codeTexts();
  return [
    ...problems,
    ...compare(nls, readJson("package.nls.json"), readJson(nls)),
    ...compare(bundle, Object.fromEntries(texts.map((text) => [text, text])), readJson(bundle)),
  ];
}

/**
 * The texts that the extension's code hands to `l10n.t`, and the panel's page and the server to their own `t`, each
 * once.
 * @returns {{ texts: string[], problems: string[] }}
 */
export function codeTexts() {
  const texts = new Set();
  const problems = [];
  const files = ["client", "server", "protocol"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .sort()
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`),
  );
  for (const name of files) {
    const code = readFileSync(name, "utf8");
    const own = !name.startsWith("client/") || name.startsWith("client/panel/view/");
    const asked = own ? "(?<![\\w.]|function )(?:services\\s*\\.)?t" : "\\bl10n\\s*\\.t";
    const call = new RegExp(`${asked}\\(\\s*("(?:[^"\\\\]|\\\\.)*"|'(?:[^'\\\\]|\\\\.)*')?`, "g");
    for (const { 0: begun, 1: literal } of code.matchAll(call)) {
      if (literal === undefined) problems.push(`${name}: ${begun.trim()}... does not begin with a text in quotes`);
      else texts.add(stringOf(literal));
    }
  }
  return { texts: [...texts], problems };
}

/** The string that a literal of JavaScript's stands for. */
function stringOf(literal) {
  if (literal.startsWith('"')) return JSON.parse(literal);
  return JSON.parse(`"${literal.slice(1, -1).replaceAll('"', '\\"').replaceAll("\\'", "'")}"`);
}

/**
 * Compares a translation with the texts: missing keys, superfluous ones, and other placeholders, links or code than
 * they.
 */
function compare(file, texts, translated) {
  const lacks = Object.keys(texts).filter((key) => !Object.hasOwn(translated, key));
  const stale = Object.keys(translated).filter((key) => !Object.hasOwn(texts, key));
  const shared = Object.entries(texts).filter(([key]) => Object.hasOwn(translated, key));
  const different = shared.filter(([key, text]) => fixedParts(text) !== fixedParts(translated[key]));
  const empty = shared.filter(([key]) => translated[key].trim() === "");
  return [
    ...lacks.map(
      (key) => `${file} lacks ${JSON.stringify(key)}${key === texts[key] ? "" : `: ${JSON.stringify(texts[key])}`}`,
    ),
    ...stale.map((key) => `${file} has ${JSON.stringify(key)}, which no longer is`),
    ...empty.map(([key]) => `${file} says nothing for ${JSON.stringify(key)}`),
    ...different.map(
      ([key, text]) =>
        `${file}, ${JSON.stringify(key)}: has ${fixedParts(translated[key])}, and the English ${fixedParts(text)}`,
    ),
  ];
}

/** The parts of a text that no translation changes: places for values, links' targets, icons, code, paragraphs. */
function fixedParts(text) {
  return (text.match(/\{\d+\}|\]\([^)]*\)|\$\([\w-]+\)|`[^`]*`|\n/g) ?? []).sort().join(" ");
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = [...new Set(LANGUAGES.flatMap(problemsOf))];
  for (const problem of problems) console.log(problem);
  console.log(`${problems.length} to be mended in ${LANGUAGES.join(", ")}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
