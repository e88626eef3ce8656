import assert from "node:assert/strict";
import { test } from "node:test";
import { countVerdicts, writeSheet } from "../../bench/quality/reading.ts";

const FILES = Array.from({ length: 30 }, (_, i) => ({
  source: `a/b:${i}.md`,
  title: `Title ${i}`,
  prose: "One.\n\nTwo.",
}));
const OUTPUTS = new Map([
  ["new", FILES.map((_, i) => `New ${i}.`)],
  ["old", FILES.map((_, i) => (i === 0 ? "New 0." : `Old ${i}.`))],
  ["first sentence", FILES.map(() => "One.")],
]);

test("a sheet shows the first system beside each other one, on sides drawn by the seed, without a name", () => {
  const { sheet, key } = writeSheet(FILES, OUTPUTS, 1);
  // The two that wrote the same are not compared.
  assert.equal(key.length, 2 * FILES.length - 1);
  assert.doesNotMatch(sheet, /\b(?:old|new|first sentence)\b/);
  const onA = key.filter(({ sides }) => sides[0] === "new").length;
  assert.ok(onA > 15 && onA < 45, `${onA} of ${key.length} on the same side`);
  assert.deepEqual(writeSheet(FILES, OUTPUTS, 1), { sheet, key });
});

test("verdicts are counted for the system on whichever side it stood", () => {
  const { sheet, key } = writeSheet(FILES, OUTPUTS, 1);
  // The reader likes all that is new, except in the last pair, and leaves the first open.
  let number = 0;
  const filled = sheet.replace(/^- A: (.*)\n- B: .*\n\nBetter: $/gm, (pair, a: string) => {
    number += 1;
    if (number === 1) return pair;
    if (number === key.length) return `${pair}=`;
    return `${pair}${a.startsWith("New") ? "A" : "b"}`;
  });
  const [, ...rows] = countVerdicts(filled, key);
  const sum = (column: number) => rows.reduce((total, row) => total + Number(row[column]), 0);
  assert.deepEqual([sum(1), sum(2), sum(3), sum(4)], [key.length - 2, 0, 1, 1]);
  assert.throws(() => countVerdicts(sheet.replace("Better: ", "Better: both"), key), /none of A, B and =/);
});
