import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chooseEncoding, documentModel, type PositionEncoding } from "../../../server/lsp/document/positions.ts";

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

test("a change of half a pair of UTF-16 is the client's, to the unit", () => {
  const anywhere = fc.record({
    from: fc.nat(),
    to: fc.nat(),
    text: fc.constantFrom("", "x", "\udE00", "\ud83d", "🙂"),
  });
  const line = fc
    .array(fc.constantFrom("a", "é", "🙂", "👩‍🚀"), { maxLength: 8 })
    .map((characters) => characters.join(""));
  fc.assert(
    fc.property(line, fc.array(anywhere, { maxLength: 4 }), (text, changes) => {
      const model = documentModel(() => "utf-16");
      const document = model.create("file:///a", "markdown", 1, text);
      let expected = text;
      for (const [i, { from, to, text: inserted }] of changes.entries()) {
        const places = [from % (expected.length + 1), to % (expected.length + 1)].sort((a, b) => a - b);
        const [start = 0, end = 0] = places;
        expected = expected.slice(0, start) + inserted + expected.slice(end);
        const range = { start: { line: 0, character: start }, end: { line: 0, character: end } };
        model.update(document, [{ range, text: inserted }], i + 2);
        assert.equal(document.text, expected);
        assert.equal(document.changeEnd, start + inserted.length);
      }
    }),
  );
});

test("a change of a part of a character in UTF-8 is of the whole character, and an insertion takes nothing away", () => {
  const changed = (from: number, to: number, text: string) => {
    const model = documentModel(() => "utf-8");
    const document = model.create("file:///a", "markdown", 1, "a🙂b");
    const range = { start: { line: 0, character: from }, end: { line: 0, character: to } };
    return model.update(document, [{ range, text }], 2).text;
  };
  assert.equal(changed(2, 5, "é"), "aéb");
  assert.equal(changed(1, 3, "é"), "aéb");
  assert.equal(changed(2, 3, "é"), "aéb");
  assert.equal(changed(3, 3, "é"), "aé🙂b");
});

test("a text's name is another after each change, and when it is opened again", () => {
  const model = documentModel(() => "utf-16");
  const first = model.create("file:///a", "markdown", 1, "one");
  const names = [first.edition];
  // A client may send a change without another version, or a change of nothing.
  model.update(first, [{ text: "two" }], 1);
  names.push(first.edition);
  names.push(model.create("file:///a", "markdown", 1, "one").edition);
  names.push(documentModel(() => "utf-16").create("file:///a", "markdown", 1, "one").edition);
  assert.equal(new Set(names).size, 4, names.join());
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

test("what an editor takes for plain text has the language that the file's name tells", () => {
  const model = documentModel(() => "utf-16");
  const languages = ["a.adoc", "b/a.org", "a.mdx?x=1", "a.typ", "a.txt", "a.md.bak", "a.py"].map(
    (name) => model.create(`file:///${name}`, "plaintext", 1, "= Title").languageId,
  );
  assert.deepEqual(languages, ["asciidoc", "org", "mdx", "typst", "plaintext", "plaintext", "plaintext"]);
  assert.equal(model.create("file:///a.adoc", "markdown", 1, "").languageId, "markdown");
});
