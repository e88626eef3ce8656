import assert from "node:assert/strict";
import { test } from "node:test";
import { defined } from "../../base/defined.ts";

test("leaves out what is undefined, and keeps every other value", () => {
  const properties = { absent: undefined, none: null, zero: 0, empty: "", off: false };
  assert.deepEqual(defined(properties), { none: null, zero: 0, empty: "", off: false });
  assert.deepEqual(Object.keys(defined({ absent: undefined })), []);
});
