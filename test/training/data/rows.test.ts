import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRows, type RowFormat } from "../../../server/training/data/tables/rows.ts";

const lines = (...rows: unknown[]): string => rows.map((row) => JSON.stringify(row)).join("\n");

test("finds columns by their usual names, skips blank lines and counts lines as an editor does", () => {
  const text = `\uFEFF${lines({ body: "a text", description: "a summary", path: "x/y" })}\r\n\n${lines({ body: "b", description: " ", title: "t" })}\n`;
  const { rows, empty, columns } = parseRows("summarize", text, "d.jsonl");
  assert.deepEqual(rows, [{ text: "a text", summary: "a summary", title: "", source: "x/y", row: 1 }]);
  assert.deepEqual(empty, [3]);
  assert.deepEqual(columns, { text: "body", summary: "description", title: "title", source: "path" });
});

test("takes the columns that are named", () => {
  const text = lines({ text: "wrong", mine: "right", label: 3, input: "x" });
  assert.deepEqual(parseRows("classify", text, "d", { text: "mine" }).rows, [
    { text: "right", label: "3", source: "", row: 1 },
  ]);
});

test("reads answers as a text, as texts, and as SQuAD has them", () => {
  const row = { question: "q", context: "c" };
  const text = lines(
    { ...row, answers: "one" },
    { ...row, answers: ["one", "two"] },
    { ...row, answers: { text: ["one"], answer_start: [4] } },
    { ...row, answers: { text: [], answer_start: [] } },
  );
  const { rows, empty } = parseRows("qa", text, "d");
  assert.deepEqual(
    rows.map(({ answers }) => answers),
    [["one"], ["one", "two"], ["one"]],
  );
  assert.deepEqual(empty, [4]);
});

const bad: [string, RowFormat, string, RegExp][] = [
  ["no rows", "infill", "\n \n", /d\.jsonl has no rows/],
  ["rows that are no JSON", "infill", '{"text": "a"}\n{"text": \n', /row 2 is not JSON/],
  [
    "rows that are no objects",
    "infill",
    '{"text": "a"}\n[1]\n"b"',
    /row 2 is not a JSON object; row 3 is not a JSON object/,
  ],
  [
    "a column that is nowhere",
    "classify",
    lines({ text: "a", group: "b" }),
    /no column for the label. Its columns are text, group.*--columns label=/,
  ],
  [
    "a value that is missing",
    "infill",
    lines({ text: "a" }, {}, { text: null }),
    /row 2, column "text": there is nothing; row 3/,
  ],
  [
    "a value of another kind",
    "summarize",
    lines({ text: "a", summary: ["b"] }),
    /row 1, column "summary": this is not a text/,
  ],
  [
    "answers of another kind",
    "qa",
    lines({ question: "a", context: "b", answers: 3 }),
    /row 1, column "answers": these are not answers/,
  ],
  ["nothing to compare with", "title", lines({ text: "a", title: "" }), /in every row a text or its target is empty/],
  ["many bad rows", "infill", lines({ text: "a" }, ...Array(9).fill({ text: 1 })), /row 6, .*; and 4 more/],
];
for (const [what, task, text, message] of bad) {
  test(`tells ${what}`, () =>
    assert.throws(() => parseRows(task, text, "d.jsonl"), { name: "ModelError", code: "input", message }));
}

test("tells a named column that is nowhere", () => {
  assert.throws(
    () => parseRows("infill", lines({ text: "a" }), "d", { text: "mine" }),
    /no column "mine" for the text/,
  );
});
