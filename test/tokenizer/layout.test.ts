import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromModelText, singleLine, toModelText } from "../../models/tokenizer/layout.ts";

test("a line's first word follows a space in the model's text, an empty line none", () => {
  assert.equal(toModelText("a\nb\r\n\r\n  c\n"), "a\n b\n\n   c\n");
});

test("every text of lines comes back", () => {
  const characters = fc.string({ unit: fc.constantFrom("\n", " ", "a", "-", "\t", "é", "😀") });
  fc.assert(fc.property(characters, (text) => assert.equal(fromModelText(toModelText(text)), text)));
});

test("white space becomes one space on a single line", () => {
  assert.equal(singleLine(" a\n\n b\t\tc "), "a b c");
});
