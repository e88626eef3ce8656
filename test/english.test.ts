/**
 * The mechanical part of the style guide's English: American spelling, and turns of phrase that a native writer avoids.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const files = (...patterns: readonly string[]) =>
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", ...patterns], { encoding: "utf8" })
    .split("\n")
    .filter((path) => path !== "" && path !== "test/english.test.ts");

const BRITISH =
  /colour|favour|behaviour|neighbour|honour\b|harbour|catalogue|licence|judgement|artefact|\b(?:grey|centre|defence|whilst|learnt)\b|(?:summar|optim|initial|serial|normal|token|recogn|organ|quant|special|minim|maxim|capital|author|custom|penal|equal|categor|visual|synchron|general|local|random)is(?:e[drs]?\b|ing\b|ation)/gi;

/** Accepted words, by file or folder: names that others chose, and texts that are data. */
const ALLOWED: readonly (readonly [path: string, word: RegExp])[] = [
  ["server/cli/answers/summarize.ts", /^summarise$/], // an alias for those who spell it so
  ["server/text/document/program.ts", /^licence$/i], // a comment's word
  ["models/words/", /./],
  ["bench/speed/editor.ts", /^centre$/i],
  ["scripts/catalog.mjs", /^catalogue$/], // the lists' own name
];

test("users and readers see American spelling", () => {
  const sources = files("protocol", "models/*.ts", "server", "client", "bench/*.ts", "scripts/*.mjs", "base");
  const pages = files("*.md", "package.json", "package.nls.json", "docs");
  const british = [...sources, ...pages]
    .filter(
      (path) =>
        /\.(ts|mjs|md|json|css)$/.test(path) &&
        !/^(CHANGELOG|test\/|bench\/data|models\/builtin\/sample|scripts\/editor\/package)/.test(path),
    )
    .flatMap((path) =>
      found(path, BRITISH).filter(
        ({ word }) => !ALLOWED.some(([allowed, pattern]) => path.startsWith(allowed) && pattern.test(word)),
      ),
    );
  assert.deepEqual(british.map(told), []);
});

/** What a rewritten folder must not fall back to. */
const TICS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["is no X", /(?<!there )\b(?:is|was) no (?!longer\b|more\b|such\b|repository\b)[a-z]+/gi],
  ["of its own", /\bof (?:its|their|one's) own\b/g],
  ["a docstring without a subject", /\/\*\*\s*(?:\* )?(?:What|Whose|Of|That) (?!optional\b)[a-z]+/g],
];

const REWRITTEN = ["base", "bench", "client", "models", "programs", "protocol", "scripts", "server"];

test("rewritten folders keep to plain turns of phrase", () => {
  const tics = files(...REWRITTEN)
    .filter((path) => /\.(ts|mjs)$/.test(path))
    .flatMap((path) => TICS.flatMap(([name, pattern]) => found(path, pattern).map((hit) => `${told(hit)} (${name})`)));
  assert.deepEqual(tics, []);
});

interface Hit {
  readonly path: string;
  readonly line: number;
  readonly word: string;
}

function found(path: string, pattern: RegExp): Hit[] {
  const text = readFileSync(path, "utf8");
  return Array.from(text.matchAll(pattern), ({ 0: word, index }) => ({
    path,
    line: text.slice(0, index).split("\n").length,
    word,
  }));
}

function told({ path, line, word }: Hit): string {
  return `${path}:${line}: ${word.replace(/\s+/g, " ")}`;
}
