import assert from "node:assert/strict";
import { test } from "node:test";
import ignore from "ignore";
import { readIgnoreRules } from "../../server/text/ignore-rules.ts";

test("patterns of people match as in git", () => {
  const patterns =
    "# * a * comment * with * stars *\n**/node_modules/**/*.d.*\n**/dist/**/*.test.*\n/src/**/gen/**/*.ts\n*.log\n/build/\n!keep.log\n**/cache/**\ndoc/*-draft-*.md\n*_*_test*.txt\r\nnotes\\ \n# comment\n";
  const [ours, theirs] = [readIgnoreRules(patterns), ignore().add(patterns)];
  const paths = [
    ...["a.log", "keep.log", "build/x", "src/build/x", "a/cache/b/c", "doc/my-draft-2.md", "doc/draft.md"],
    ...["a_b_test1.txt", "a_test.txt", "notes ", "x"],
    ...[
      "README.md",
      "a/node_modules/b/c.d.ts",
      "node_modules/x.js",
      "b/dist/c/d.test.ts",
      "src/a/gen/b/c.ts",
      "src/a.ts",
    ],
  ];
  for (const path of paths) assert.equal(ours.ignores(path), theirs.ignores(path), path);
});

test("a pattern that would take years is wide instead, and brings nothing back", () => {
  const hostile = `${"*a".repeat(40)}*b`;
  const name = "a".repeat(255);
  for (const pattern of [hostile, `/${hostile}`])
    assert.deepEqual(
      [`${name}b`, name].map((one) => readIgnoreRules(pattern).ignores(one)),
      [true, false],
    );
  const below = readIgnoreRules(`drafts/${hostile}\n`);
  assert.deepEqual([below.ignores(`drafts/${name}b`), below.ignores(`${name}b`)], [true, false]);
  assert.ok(readIgnoreRules(`*\n!${hostile}`).ignores(`${name}b`));
  assert.ok(readIgnoreRules("a/**/".repeat(30)).ignores(`${"a/".repeat(800)}b`));
});

test("a wide pattern matches all that it stood for, and begins and ends as it did", () => {
  // More than the budget allows, so that all that follow are widened.
  const spent = `${Array.from({ length: 5 }, (_, i) => `*${i}*spent*`).join("\n")}\n`;
  const cases: readonly [pattern: string, ignored: readonly string[], others: readonly string[]][] = [
    ["*-*-*.log", ["a-b-c.log", "x/a-b-c.log"], ["a.md", "README.md"]],
    ["docs/*-*-*.md", ["docs/a-b-c.md"], ["src/a.md", "docs/a.txt"]],
    ["docs/*a*/b*/*.md", ["docs/xa/bc/d.md"], ["src/a.md", "docs/xa/bc/d.txt"]],
    ["*a*/*b*/*c*/", ["xa/yb/zc/file"], ["README.md"]],
    ["**/x/*/*/*.d.*", ["a/x/b/c/e.d.ts"], ["README.md", "a/x/b/c/e.ts"]],
  ];
  for (const [pattern, ignored, others] of cases) {
    const rules = readIgnoreRules(spent + pattern);
    for (const path of ignored) {
      assert.ok(ignore().add(pattern).ignores(path), `${pattern} should match ${path}`);
      assert.ok(rules.ignores(path), `${pattern} ${path}`);
    }
    for (const path of others) assert.ok(!rules.ignores(path), `${pattern} ${path}`);
  }
});

test("many patterns of several stars are bounded together", () => {
  const patterns = Array.from({ length: 20_000 }, (_, i) => `*a*a*a*${i}x`).join("\n");
  const many = readIgnoreRules(patterns);
  assert.deepEqual([many.ignores(`${"a".repeat(240)}19999x`), many.ignores("a".repeat(255))], [true, false]);
  const few = readIgnoreRules("*a*a*x\n*b*c*d");
  assert.deepEqual([few.ignores("aax"), few.ignores("zbzcd"), few.ignores("aa")], [true, true, false]);
});
