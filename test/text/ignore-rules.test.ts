import assert from "node:assert/strict";
import { test } from "node:test";
import ignore from "ignore";
import { readIgnoreRules } from "../../server/text/ignore-rules.ts";

test("patterns of people match as in git", () => {
  const patterns = "*.log\n/build/\n!keep.log\n**/cache/**\ndoc/*-draft-*.md\n*_*_test*.txt\r\nnotes\\ \n# comment\n";
  const [ours, theirs] = [readIgnoreRules(patterns), ignore().add(patterns)];
  const paths = [
    ...["a.log", "keep.log", "build/x", "src/build/x", "a/cache/b/c", "doc/my-draft-2.md", "doc/draft.md"],
    ...["a_b_test1.txt", "a_test.txt", "notes ", "x"],
  ];
  for (const path of paths) assert.equal(ours.ignores(path), theirs.ignores(path), path);
});

test("a pattern that would take years is wide instead, and brings nothing back", () => {
  const hostile = `${"*a".repeat(40)}*b`;
  const name = "a".repeat(255);
  assert.ok(readIgnoreRules(hostile).ignores(name));
  assert.ok(readIgnoreRules(`/${hostile}`).ignores(name));
  const below = readIgnoreRules(`drafts/${hostile}\n`);
  assert.deepEqual([below.ignores(`drafts/${name}`), below.ignores(name)], [true, false]);
  assert.ok(readIgnoreRules(`*\n!${hostile}`).ignores(`${name}b`));
  assert.ok(readIgnoreRules("a/**/".repeat(30)).ignores(`${"a/".repeat(800)}b`));
});

test("many patterns of several stars are bounded together", () => {
  const patterns = Array.from({ length: 20_000 }, (_, i) => `*a*a*a*${i}x`).join("\n");
  assert.ok(readIgnoreRules(patterns).ignores("a".repeat(255)));
  const few = readIgnoreRules("*a*a*x\n*b*c*d");
  assert.deepEqual([few.ignores("aax"), few.ignores("zbzcd"), few.ignores("aa")], [true, true, false]);
});
