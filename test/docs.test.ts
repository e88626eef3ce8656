/** What the pages say that the code knows. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { configurationProperties } from "../protocol/settings.ts";

const page = (path: string) => readFileSync(path, "utf8").replace(/\s+/g, " ");

test("the pages count the catalog's models as they are", () => {
  const { models }: { models: { hub: string | null }[] } = JSON.parse(readFileSync("models/catalog.json", "utf8"));
  const elsewhere = models.filter(({ hub }) => hub === null).length;
  const readme = page("README.md");
  assert.ok(
    readme.includes(`${models.length} published T5 models, ${elsewhere} of which are not on the Hugging Face hub`),
  );
  const counts = ["README.md", "client/README.md", "CHANGELOG.md"].flatMap((path) => [
    ...page(path).matchAll(/(\d+) (?:published )?(?:T5 )?models(?= in a table|,| )/g),
  ]);
  assert.deepEqual(
    counts.map(([, count]) => Number(count)).filter((count) => count > 100 && count !== models.length),
    [],
  );
});

test("SECURITY.md names tests that there are", () => {
  const rows = readFileSync("SECURITY.md", "utf8").matchAll(/^\|.*\| ([^|]+) \|$/gm);
  const named = Array.from(rows).flatMap(([, tests = ""]) =>
    Array.from(tests.matchAll(/`([^`]+)`/g), ([, name = ""]) => name),
  );
  const files = readdirSync("test", { recursive: true, encoding: "utf8" }).map((path) => path.replaceAll("\\", "/"));
  assert.ok(named.length > 20);
  assert.deepEqual(
    named.filter((name) => !files.some((path) => path.startsWith(name.replace("*", "")))),
    [],
  );
});

test("vscode-remote.md names the settings that belong to the window, and no others", () => {
  const [, row = ""] =
    /\| Several folders in a window \| (.*?)belong to the window/.exec(page("docs/editors/vscode-remote.md")) ?? [];
  const named = [...row.matchAll(/`([\w.]+)`/g)].map(([, name = ""]) => name.replace(/^spanfill\./, ""));
  const whole = Object.entries(configurationProperties())
    .filter(([, { scope }]) => scope !== "resource" && scope !== "language-overridable")
    .map(([name]) => name.replace(/^spanfill\./, ""));
  assert.deepEqual(named.toSorted(), whole.toSorted());
});

for (const id of ["t5-efficient-tiny-nl2-spanfill", "t5-efficient-tiny-nl4-spanfill"]) {
  test(`the shares in the words of ${id}'s card are those of its tables`, () => {
    const card = page(`models/builtin/${id}/README.md`);
    const [, content, names, copied] =
      /([\d.]+)% of the content words and ([\d.]+)% of the names stand in the text; but ([\d.]+)% of the 4-grams/.exec(
        card,
      ) ?? [];
    const row = card.slice(card.indexOf("found in the text, %")).match(new RegExp(`\\| ${id} +\\|([^\\n]*?)\\| first`));
    const shares = [...(row?.[1] ?? "").matchAll(/([\d.]+) \(/g)].map(([, share]) => share);
    assert.deepEqual([content, names, copied], [shares[0], shares[2], shares[3]]);
    const [, made = (100 - Number(names)).toFixed(1)] = /\(([\d.]+)% of the names in its summaries/.exec(card) ?? [];
    assert.equal(made, (100 - Number(names)).toFixed(1));
    assert.doesNotMatch(card, /one in twenty/);
  });
}
