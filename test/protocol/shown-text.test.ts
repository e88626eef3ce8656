import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  labelText,
  logText,
  markdownText,
  messageText,
  terminalJson,
  terminalText,
  tooltipText,
} from "../../protocol/shown-text.ts";
import { growth } from "../support/growth.ts";
import { assertPlain, assertShown, HOSTILE, LINK } from "../support/hostile.ts";

/** Any text, mostly of pieces that matter together. */
const anyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ..."[]()$\u001b\u009b\u009d\\;:/ \n\r\t\u200b\u200d\ufe0f\u202e\u0301\u2764é",
        "](",
        "$(copy)",
        "command:x",
        "https://e.example",
        "www.",
        "\u001b]8;;",
        "\u001b\\",
        "\ud83d",
        "\udc4d",
        LINK,
      ),
      fc.string({ unit: "binary" }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));
const check = (holds: (text: string) => void) => fc.assert(fc.property(anyText, holds), { numRuns: 2000, seed: 7 });

test("a message has no link and no control character, is one line, and no longer than VS Code shows", () => {
  assertShown(messageText(HOSTILE), 1000);
  check((text) => assertShown(messageText(text), 1000));
  check((text) => assertShown(messageText(`[${text}](command:${text})`), 1000));
});

test("a label has no icon either, and the length that is asked for", () => {
  assertShown(labelText(HOSTILE), 200);
  check((text) => assertShown(labelText(text, 20), 20));
});

test("a tooltip has a line for each that it was given, and not too many", () => {
  check((text) => assert.equal(tooltipText([text, text]).split("\n").length, 2));
  assert.equal(tooltipText(Array.from({ length: 100 }, () => HOSTILE)).split("\n").length, 21);
});

test("an entry of the log is one line", () => {
  assert.equal(logText("one\r\n  two"), "one ⏎ two");
  assertShown(logText(HOSTILE), 8000);
  check((text) => assertShown(logText(text), 8000));
});

test("a terminal gets no escape; lines and tabs stay", () => {
  assert.equal(terminalText("\u001b[31mred\u001b[0m\n\ttwo\r\nthree\rfour\n"), "red\n\ttwo\nthree\nfour\n");
  assert.equal(terminalText("\u001b]8;;https://evil.example\u001b\\here\u001b]8;;\u0007"), "here");
  assert.equal(
    terminalText("a\u001b]0;never ended"),
    "a0;never ended",
    "text after a sequence without an end is shown",
  );
  assertPlain(terminalText(HOSTILE), "\n\t");
  check((text) => assertPlain(terminalText(text), "\n\t"));
});

test("JSON for a terminal is the same value", () => {
  assertPlain(terminalJson(JSON.stringify([HOSTILE.replaceAll("\u0301", "")])));
  check((text) => {
    const json = terminalJson(JSON.stringify([text]));
    assert.deepEqual(JSON.parse(json), [text]);
    assert.doesNotMatch(json, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
  });
});

test("text in Markdown is all escaped: no link, address, image, HTML, list or heading is left", () => {
  assert.equal(markdownText("See [a](b) at https://e.example, www.e.example or a@e.example."), SEE);
  assert.equal(markdownText("1. one\n- two\n    three\n===\n\n\n\nfour"), "1\\. one\n\\- two\nthree\n\\===\n\nfour");
  check((text) => {
    const bare = markdownText(text).replace(/\\[!-/:-@[-`{-~]/g, "");
    assert.doesNotMatch(bare, /[[\]<>()`*_#+!|~&$:@\\]|www\.|^\s*([-=]|\d+\.)/im);
    assertPlain(bare, "\n\t");
  });
});
const SEE = "See \\[a\\]\\(b\\) at https\\://e.example, www\\.e.example or a\\@e.example.";

const harmless = [
  "Spanfill: 3 gaps filled",
  "« Résumé : 50 % »",
  "می‌خواهم",
  "क्‍ष",
  "👨‍👩‍👧 ❤️‍🔥 1️⃣",
  "naïve café, Ångström, 日本語",
];
for (const text of harmless) {
  test(`what is harmless stays: ${text}`, () => {
    for (const shown of [messageText, labelText, logText, terminalText]) assert.equal(shown(text), text);
  });
}

test("joiners between other letters, and more than one, go", () => {
  assert.equal(messageText("pay\u200dpal \u200c 👍\u200d\u200d👍"), "paypal 👍👍");
});

test("two parts that are harmless alone are no link together", () => {
  assert.equal(messageText(`${"[Repair]"}${"(command:x)"}`), "[Repair] (command:x)");
});

test("long text is cut between characters, and says so; what is endless is not read to its end", () => {
  assert.equal(labelText("👍".repeat(20), 10), `${"👍".repeat(4)}…`);
  const show = (length: number) => {
    for (const piece of ["a", " ", "\n", "\u001b]0;", "[", "](", "\u0301", "\u200d", "\u001b[", "$("]) {
      const endless = piece.repeat(length / piece.length);
      for (const shown of [messageText, labelText, logText, markdownText]) assert.ok(shown(endless).length <= 20_000);
      assert.ok(terminalText(endless).length <= 1_000_000);
    }
  };
  assert.ok(growth(show, 5_000_000) < 3);
});
