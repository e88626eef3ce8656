/** Comments as prose. A bar marks the place, before and after. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { COMMENTED_LANGUAGES, commentAt } from "../../protocol/comments.ts";
import { growth } from "../support/growth.ts";

function proseAt(program: string, languageId: string): string | undefined {
  const offset = program.indexOf("|");
  const found = commentAt(program.replace("|", ""), offset, languageId);
  return found && `${found.text.slice(0, found.offset)}|${found.text.slice(found.offset)}`;
}

const cases: [string, string, string, string | undefined][] = [
  ["a line comment", "typescript", "const a = 1; // one |two\nb", "one |two"],
  ["lines of comments are one text", "typescript", "a\n  // one\n  // two |\n  // three\nb", "one\ntwo |\nthree"],
  ["code ends them", "rust", "/// One.\n/// Two |\nfn a() {} // no\n", "One.\nTwo |"],
  ["a block with stars", "java", "/**\n * One\n * two |three.\n */\nclass A {}", "\nOne\ntwo |three.\n"],
  ["a block on one line", "c", "int a; /* the | sum */", "the | sum "],
  ["a docstring", "python", 'def f():\n    """Adds |two.\n\n    More.\n    """\n', "Adds |two.\n\nMore.\n"],
  ["a docstring with a prefix, open at the end", "python", '    r"""Adds |', "Adds |"],
  ["a comment of Python", "python", "x = 1  # the |first", "the |first"],
  ["Windows' line breaks", "typescript", "// one |\r\n// two\r\n", "one |\ntwo"],
  ["a comment in HTML", "html", "<p>\n<!-- the |note -->", "the |note "],
  ["Lua's block", "lua", "--[[ the |note ]]", "the |note "],
  ["code", "typescript", "const a = |1; // no", undefined],
  ["a string that looks like a comment", "typescript", 'const url = "https://a|b";', undefined],
  ["an open string that looks like one", "typescript", 'const url = "https://a|b', undefined],
  ["a string in Python that is no docstring", "python", 'x = """a |b"""', undefined],
  ["after a block", "c", "/* a */ int |b;", undefined],
  ["after a docstring", "python", '"""a"""\nx = |1', undefined],
  ["inside the mark", "typescript", "/|/ a", undefined],
  ["a shell's variable", "shellscript", "echo $#| a", undefined],
  ["a quote in a comment opens no string", "typescript", "// don't\n// do |it", "don't\ndo |it"],
  ["an unknown language", "brainfuck", "// |a", undefined],
];
for (const [what, languageId, program, expected] of cases) {
  test(what, () => assert.equal(proseAt(program, languageId), expected));
}

test("whatever the text, what is found is text of the program, at the place", () => {
  const piece = fc.constantFrom(
    "//",
    "/*",
    "*/",
    "#",
    '"""',
    "'",
    '"',
    "\n",
    " ",
    "a",
    "--",
    "<!--",
    "-->",
    "\\",
    "`",
    "\r\n",
    "* ",
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }),
      fc.nat(),
      fc.constantFrom(...Object.keys(COMMENTED_LANGUAGES)),
      (pieces, n, id) => {
        const text = pieces.join("");
        const offset = text === "" ? 0 : n % (text.length + 1);
        const found = commentAt(text, offset, id);
        if (found === undefined) return;
        const line = found.text.slice(found.text.lastIndexOf("\n", found.offset - 1) + 1, found.offset);
        assert.equal(text.slice(offset - line.length, offset), line);
      },
    ),
  );
});

test("a program four times as long takes four times as long to read", () => {
  const read = (lines: number) => {
    const text = `${"const a = 'b'; // c\n".repeat(lines)}// the `;
    assert.equal(commentAt(text, text.length, "typescript")?.text.endsWith("the "), true);
  };
  assert.ok(growth(read, 25_000) < 8);
});
