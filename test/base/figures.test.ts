import assert from "node:assert/strict";
import { test } from "node:test";
import { percent, percentDone, sizeInWords } from "../../base/figures.ts";

test("sizes are in decimal units, with a digit after the point below ten", () => {
  const sizes = [500, 9_500, 123_456, 1_250_000, 30_000_000, 999_000_000, 1_500_000_000, 24_000_000_000];
  assert.deepEqual(sizes.map(sizeInWords), [
    "0.5 kB",
    "9.5 kB",
    "123 kB",
    "1.3 MB",
    "30 MB",
    "999 MB",
    "1.5 GB",
    "24 GB",
  ]);
});

test("a share is rounded, and what is not whole is never 100% done", () => {
  assert.deepEqual([percent(0.125), percent(0.1234, 1), percent(0.999)], ["13%", "12.3%", "100%"]);
  assert.deepEqual([percentDone(0.999), percentDone(1)], ["99%", "100%"]);
});
