import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutLearning } from "../../client/server/untrusted.ts";

test("in an untrusted workspace nothing is learned from its files, and other settings stay", () => {
  const other = { model: "a", inlineCompletion: { enabled: true } };
  const asked = { model: "a", inlineCompletion: { enabled: true, learnFrom: "workspace" } };
  assert.deepEqual(withoutLearning([asked, other, null, { inlineCompletion: { learnFrom: "off" } }]), [
    { model: "a", inlineCompletion: { enabled: true, learnFrom: "document" } },
    ...[other, null, { inlineCompletion: { learnFrom: "off" } }],
  ]);
});
