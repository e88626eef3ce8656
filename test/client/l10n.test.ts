/**
 * The translations: whole, not stale, with the same places for values; and taken by what VS Code itself would look up.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

interface L10n {
  readonly LANGUAGES: readonly string[];
  readonly problemsOf: (language: string) => readonly string[];
  readonly codeTexts: () => { readonly texts: readonly string[] };
}
const { LANGUAGES, problemsOf, codeTexts }: L10n = await import(pathToFileURL(resolve("scripts/l10n.mjs")).href);

for (const language of LANGUAGES) {
  test(`${language}: every text is there, none is stale, and places for values, links and code are as in English`, () => {
    assert.deepEqual(problemsOf(language), [], "npm run l10n says the same");
  });
}

test("package.json's texts are all in package.nls.json, and no others", () => {
  const { scripts: _, ...manifest } = JSON.parse(readFileSync("package.json", "utf8"));
  const asked = new Set([...JSON.stringify(manifest).matchAll(/"%([^"%]+)%"/g)].map(([, key]) => key));
  const there = Object.keys(JSON.parse(readFileSync("package.nls.json", "utf8")));
  assert.deepEqual(there.toSorted(), [...asked].toSorted());
});

test("the texts are found wherever they are asked for", () => {
  const { texts } = codeTexts();
  assert.ok(texts.includes("Spanfill: {0} gaps filled"), "on one line");
  assert.ok(
    texts.some((text) => text.startsWith("Spanfill filled {0} of {1} gaps")),
    "over several lines",
  );
  assert.ok(texts.includes("Fine-tuning"), "in the panel's page");
});
