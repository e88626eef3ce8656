import assert from "node:assert/strict";
import { test } from "node:test";
import { requestOf } from "../../server/cli/answers/generate-request.ts";

test("an option that begins with no is absent where commander says true", () => {
  assert.equal(requestOf([3, 1], { repeatNgramSize: true }).request.noRepeatNgramSize, 0);
  assert.equal(requestOf([3, 1], { repeatNgramSize: 2 }).request.noRepeatNgramSize, 2);
});
