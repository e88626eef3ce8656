import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chooseEncoding, documentModel, type PositionEncoding } from "../../server/lsp/positions.ts";

const ENCODINGS: readonly PositionEncoding[] = ["utf-8", "utf-16"];
const character = fc.constantFrom("a", " ", "é", "e\u0301", "€", "🙂", "👩‍🚀", "\n", "\r\n");
const someText = fc.array(character, { maxLength: 40 }).map((characters) => characters.join(""));

function size(text: string, encoding: PositionEncoding): number {
  return encoding === "utf-8" ? Buffer.byteLength(text) : text.length;
}

/** Where an offset is, the plain way. */
function plainPosition(text: string, offset: number, encoding: PositionEncoding) {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length - 1, character: size(before.slice(start), encoding) };
}

/** The offsets between characters, not inside a line break. */
function borders(text: string): number[] {
  const offsets = [0];
  for (const one of text) offsets.push((offsets.at(-1) ?? 0) + one.length);
  return offsets.filter((offset) => text[offset - 1] !== "\r");
}

test("a position and its offset are each other's, in both encodings", () => {
  fc.assert(
    fc.property(someText, fc.constantFrom(...ENCODINGS), (text, encoding) => {
      const document = documentModel(() => encoding).create("file:///a", "markdown", 1, text);
      for (const offset of borders(text)) {
        const position = plainPosition(text, offset, encoding);
        assert.deepEqual(document.positionAt(offset), position);
        assert.equal(document.offsetAt(position), offset);
      }
    }),
  );
});

test("changes in the client's encoding give the client's text, each counting in what the one before it left", () => {
  const change = fc.record({ from: fc.nat(), to: fc.nat(), text: someText });
  fc.assert(
    fc.property(
      someText,
      fc.array(change, { maxLength: 4 }),
      fc.constantFrom(...ENCODINGS),
      (text, changes, encoding) => {
        const model = documentModel(() => encoding);
        const document = model.create("file:///a", "markdown", 1, text);
        let expected = text;
        const sent = changes.map(({ from, to, text: inserted }) => {
          const places = borders(expected);
          const [start = 0, end = 0] = [places[from % places.length] ?? 0, places[to % places.length] ?? 0].sort(
            (a, b) => a - b,
          );
          const range = {
            start: plainPosition(expected, start, encoding),
            end: plainPosition(expected, end, encoding),
          };
          expected = expected.slice(0, start) + inserted + expected.slice(end);
          return { range, text: inserted };
        });
        const updated = model.update(document, sent, 2);
        assert.equal(updated.text, expected);
        if (sent.length > 0) assert.equal(updated.version, 2);
      },
    ),
  );
});

test("what lies beyond is cut back: a line's end, the last line, a character's start", () => {
  for (const encoding of ENCODINGS) {
    const document = documentModel(() => encoding).create("file:///a", "markdown", 1, "a🙂\r\nb");
    assert.equal(document.offsetAt({ line: 0, character: 99 }), 3);
    assert.equal(document.offsetAt({ line: 9, character: 0 }), 6);
    assert.equal(document.offsetAt({ line: 0, character: 2 }), 1);
  }
  const bytes = documentModel(() => "utf-8").create("file:///a", "markdown", 1, "a🙂b");
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((character) => bytes.offsetAt({ line: 0, character })),
    [1, 1, 1, 1, 3, 4],
  );
});

test("UTF-8 is chosen wherever it is offered", () => {
  assert.equal(chooseEncoding(undefined), "utf-16");
  assert.equal(chooseEncoding([]), "utf-16");
  assert.equal(chooseEncoding(["utf-32", "utf-16"]), "utf-16");
  assert.equal(chooseEncoding(["utf-16", "utf-8"]), "utf-8");
});
