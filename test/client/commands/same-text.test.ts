import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyPlaceOf } from "../../../client/commands/same-text.ts";

test("a part is found where it stands, and nowhere when it could be meant in two places or has changed", () => {
  assert.equal(onlyPlaceOf("b c", "a b c d"), 2);
  assert.equal(onlyPlaceOf("b", "a b c b"), undefined);
  assert.equal(onlyPlaceOf("aba", "ababa"), undefined, "places that overlap");
  assert.equal(onlyPlaceOf("b\r\nc", "b\nc"), undefined);
  assert.equal(onlyPlaceOf("", ""), undefined);
});
