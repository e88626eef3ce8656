import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const FOLDER = "client/panel/view";
const sources = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".ts") && name !== "texts.ts")
  .map((name) => ({ name, text: readFileSync(join(FOLDER, name), "utf8").replace(/^\s*(\/\/|\*|\/\*).*$/gm, "") }));

test("every text that can be translated is a literal, so that all can be collected", () => {
  for (const { name, text } of sources) {
    const calls = text.match(/\bt\(/g)?.length ?? 0;
    const literal = text.match(/\bt\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*[,)]/g)?.length ?? 0;
    assert.equal(literal, calls, name);
  }
});

test("no words stand in the pages outside of t()", () => {
  const found = sources.flatMap(({ name, text }) => outside(text).map((words) => `${name}: ${words}`));
  // Names, formats and commands are the same in every language.
  const same = /Spanfill$|: (spanfill export|--to hf)|Tay et al|: M$|: ms$/;
  assert.deepEqual(
    found.filter((one) => !same.test(one)),
    [],
  );
});

test("a text takes its values, and another language's words where the page has them", async () => {
  const words = { "{0} of {1}": "{1} zu {0}" };
  Object.assign(globalThis, { document: { querySelector: () => ({ textContent: JSON.stringify(words) }) } });
  try {
    const { t } = await import("../../../../../client/panel/view/ui/texts.ts");
    assert.equal(t("{0} of {1}", 3, "{0}"), "{0} zu 3");
    assert.equal(t("constructor {0}", 1), "constructor 1");
    assert.equal(t("{0} and {1}", 1), "1 and {1}");
  } finally {
    Reflect.deleteProperty(globalThis, "document");
  }
});

/** What stands between tags, or in attributes that people read, outside of braces. */
function outside(text: string): string[] {
  const found: string[] = [];
  for (const { index } of text.matchAll(/html`/g)) {
    let [depth, markup] = [0, ""];
    for (let at = index + 5; at < text.length; at += 1) {
      if (depth === 0 && text[at] === "`") break;
      if (text.startsWith("${", at)) depth += 1;
      else if (depth > 0 && text[at] === "{") depth += text[at - 1] === "$" ? 0 : 1;
      if (depth === 0) markup += text[at];
      if (depth > 0 && text[at] === "}") {
        depth -= 1;
        if (depth === 0) markup += "§";
      }
    }
    found.push(
      ...[...markup.matchAll(/\s(?:aria-label|title|placeholder|label)="([^"§]*)"/g)].map(([, words = ""]) => words),
    );
    found.push(...markup.replace(/<[^>]*>/g, "§").split("§"));
  }
  return found
    .map((words) => words.replace(/&\w+;/g, "").replace(/\s+/g, " ").trim())
    .filter((words) => /\p{L}/u.test(words));
}
