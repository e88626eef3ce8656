import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import {
  assemble,
  findGaps,
  fitFill,
  type LengthHint,
  orderGaps,
  readSpans,
  spanInput,
} from "../../models/tokenizer/spans.ts";

const MARKS = [1, 2, 4, 8, 16, 32].map((leastWords, i) => ({ leastWords, id: 200 + i }));

test("finds gaps by their marker", () => {
  const rows: [string, string, [number, number][]][] = [
    [
      "a ___ b ___",
      "___",
      [
        [2, 5],
        [8, 11],
      ],
    ],
    ["a _____ b __ c", "___", [[2, 7]]],
    [
      "TODO, TODOTODO",
      "TODO",
      [
        [0, 4],
        [6, 10],
        [10, 14],
      ],
    ],
    [
      "[?] (.*) [?]",
      "[?]",
      [
        [0, 3],
        [9, 12],
      ],
    ],
    [
      "**** **",
      "**",
      [
        [0, 4],
        [5, 7],
      ],
    ],
    ["none", "___", []],
  ];
  for (const [text, marker, expected] of rows) {
    assert.deepEqual(
      findGaps(text, marker).map(({ start, end }) => [start, end]),
      expected,
      text,
    );
  }
  assert.throws(() => findGaps("a", ""), ModelError);
});

test("orders gaps, and rejects those outside the text or over each other", () => {
  const gap = (start: number, end: number) => ({ start, end });
  assert.deepEqual(orderGaps("abcdef", [gap(4, 5), gap(0, 0), gap(0, 2)]), [gap(0, 0), gap(0, 2), gap(4, 5)]);
  for (const gaps of [[gap(0, 7)], [gap(-1, 2)], [gap(3, 2)], [gap(0, 3), gap(2, 4)], [gap(0.5, 2)]]) {
    assert.throws(
      () => orderGaps("abcdef", gaps),
      (error) => error instanceof ModelError && error.code === "input",
    );
  }
});

test("the input has a sentinel for each gap, with the largest mark not above its hint", () => {
  const hints: [LengthHint | undefined, number | undefined][] = [
    [undefined, undefined],
    ["word", 200],
    ["phrase", 202],
    ["sentence", 204],
    [3, 201],
    [100, 205],
  ];
  for (const [hint, id] of hints) {
    const mark = id === undefined ? [] : [{ kind: "token", id }];
    assert.deepEqual(spanInput(["The ", " fox"], [hint], MARKS, "infill: "), [
      { kind: "text", text: "infill: ", special: true },
      { kind: "text", text: "The", continues: false },
      { kind: "sentinel", index: 0 },
      ...mark,
      { kind: "text", text: " fox", continues: true },
    ]);
  }
  assert.deepEqual(spanInput(["", "\n  ", ""], ["word", undefined], []), [
    { kind: "sentinel", index: 0 },
    { kind: "text", text: "\n ", continues: true },
    { kind: "sentinel", index: 1 },
  ]);
});

test("reads fills back, whatever the model did with its sentinels", () => {
  const [A, B, C, D, EOS] = [99, 98, 97, 96, 1];
  const rows: [string, number[], (number[] | undefined)[]][] = [
    ["as asked", [A, 5, 6, B, 7, C, EOS], [[5, 6], [7]]],
    ["overrun", [A, 5, B, 7, C, 8, 9, D, 4], [[5], [7]]],
    ["a repeated sentinel", [A, 5, A, 6, B, 7, C], [[5], [7]]],
    ["an empty one that comes again", [A, A, 6, B, 7, C], [[6], [7]]],
    ["a skipped sentinel", [B, 7, C], [undefined, [7]]],
    ["another order", [B, 7, A, 5, C], [[5], [7]]],
    ["no first sentinel", [5, 6, B, 7, C], [[5, 6], [7]]],
    ["text before the first sentinel", [4, A, 5, B, 7, C], [[5], [7]]],
    ["an early end", [A, 5, EOS, B, 7], [[5], undefined]],
    ["an end by length", [A, 5, B, 7, 8], [[5], [7, 8]]],
    ["nothing", [], [undefined, undefined]],
    ["only sentinels", [A, B, C], [undefined, undefined]],
  ];
  for (const [name, ids, expected] of rows) {
    const spans = readSpans(ids, [A, B, C, D], 2, EOS);
    assert.deepEqual(
      spans.map((span) => span && ids.slice(span.from, span.to)),
      expected,
      name,
    );
  }
  assert.deepEqual(
    readSpans([A, 5, B, 7], [A, B, C], 2, EOS).map((span) => span?.closed),
    [true, false],
  );
});

test("a fill reads right where it stands", () => {
  const rows: [string, string, string, string][] = [
    // before, the model's words, after, what stands in the gap
    ["the ", " quick ", " fox", "quick"],
    ["the ", "quick", " fox", "quick"],
    ["foo", "lish", "bar", "lish"],
    ["foo", " and", "bar", " and "],
    ["foo", " and", " bar", " and"],
    ["foo ", " and", "bar", "and "],
    ["end", " dog", ".", " dog"],
    ["end", " .", "", "."],
    ["the ", " dog.", ".", "dog"],
    ["the ", " dog", ".", "dog"],
    ["see (", " this", ")", "this"],
    ['said "', " this", '"', "this"],
    ["well-", " known", " man", "known"],
    ["Stop.", " Go", " on", " Go"],
    ["", " Now", " then", "Now"],
    ["line\n", " Now", "\n", "Now"],
    ["a ", "  \n ", " b", ""],
  ];
  for (const [before, raw, after, expected] of rows) {
    assert.equal(fitFill(raw, before, after, { spellsLayout: true }), expected, `${before}[${raw}]${after}`);
  }
});

test("a fill stays within the line and the sentence that go on after it", () => {
  const fit = (raw: string, after: string) => fitFill(raw, " ", after, { spellsLayout: true });
  assert.equal(fit(" file.\n\n## Next", " directory"), "file");
  assert.equal(fit(" file.\n\n## Next", " Then go on"), "file.");
  assert.equal(fit(" file.\n\n## Next", "\nThen go on"), "file.\n\n## Next");
  assert.equal(fit(" v1.2", " of it"), "v1.2");
});

test("a fill keeps its lines only where the vocabulary spells them, and its length where one was asked for", () => {
  const fit = (raw: string, spellsLayout: boolean, hint?: LengthHint) => fitFill(raw, " ", " ", { spellsLayout, hint });
  assert.equal(fit(" a\n  b", true), "a\n  b");
  assert.equal(fit(" a\n  b", false), "a b");
  const said = " One two three. Four v1.2 five\nsix";
  assert.equal(fit(said, true, "word"), "One");
  assert.equal(fit(said, true, 2), "One two three.");
  assert.equal(fit(said, true, 20), "One two three. Four v1.2 five");
  assert.equal(fit(said, true, "sentence"), "One two three.");
  assert.equal(fit(" no end", true, "sentence"), "no end");
});

test("assembling changes nothing outside the gaps", () => {
  const text = "a\r\n\t___ é <extra_id_0> ___";
  assert.equal(assemble(text, findGaps(text, "___"), ["x", undefined]), "a\r\n\tx é <extra_id_0> ___");
  assert.equal(assemble("ab", [{ start: 1, end: 1 }], ["-"]), "a-b");
});
