/** Comments as prose. A bar marks the place, before and after. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commentAt } from "../../programs/comments.ts";
import { lexerOf } from "../../programs/lexers.ts";
import { COMMENTED_LANGUAGES } from "../../protocol/comments.ts";
import { growthOf } from "../support/growth.ts";

async function proseAt(program: string, languageId: string): Promise<string | undefined> {
  const bar = program.includes("¦") ? "¦" : "|";
  const offset = program.indexOf(bar);
  const found = await commentAt(program.replace(bar, ""), offset, languageId);
  return found && `${found.text.slice(0, found.offset)}|${found.text.slice(found.offset)}`;
}

const cases: [string, string, string, string | undefined][] = [
  ["a line comment", "typescript", "const a = 1; // one |two\nb", "one |two"],
  ["lines of comments are one text", "typescript", "a\n  // one\n  // two |\n  // three\nb", "one\ntwo |\nthree"],
  ["code ends them", "rust", "/// One.\n/// Two |\nfn a() {} // no\n", "One.\nTwo |"],
  ["OCaml's comments hold others", "ocaml", '(* One (* two *) |three *) let a = "(* no *)"', "One (* two *) |three "],
  ["a string of OCaml", "ocaml", 'let a = "(* no| *)"', undefined],
  ["Clojure", "clojure", ';; One |two\n(def a "; no")', "One |two"],
  ["a string of Clojure", "clojure", '(def a "; n|o")', undefined],
  ["Groovy", "groovy", "def a = '// no' /* b | c */", "b | c "],
  ["Protocol Buffers", "proto3", "message A { /* o|ne */ } // two", "o|ne "],
  ["a here document of Terraform", "terraform", "a = <<EOT\n# n|o\nEOT\n", undefined],
  ["after a here document", "terraform", "a = <<EOT\n# no\nEOT\n# ye|s", "ye|s"],
  ["a description in GraphQL", "graphql", '"""\nA # n|o\n"""\ntype A { a: Int }', undefined],
  ["Erlang", "erlang", '%% One |two\na() -> "% no".', "One |two"],
  ["Visual Basic", "vb", "Dim a = \"' no\" ' o|ne", "o|ne"],
  ["a block of CoffeeScript", "coffeescript", "# no\n###\none |two\n###\n", "\none |two\n"],
  ["Objective-C", "objective-c", "/* One |two */\n@interface A", "One |two "],
  ["Nix", "nix", '{ a = "# no"; } # o|ne', "o|ne"],
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
  [
    "a regular expression that holds a backtick",
    "javascript",
    "const t = /`/g;\nfunction a() {\n  // reads the |\n}",
    "reads the |",
  ],
  ["code after it", "javascript", "const t = /`/g;\nconst a = |1; // b", undefined],
  ["a template with an expression", "typescript", "const a = `x $" + "{b + `// c` } // d`; // the |end", "the |end"],
  ["text in a template", "typescript", "const a = `// the |end`;", undefined],
  ["JSX with an apostrophe", "typescriptreact", "const a = <p>don't</p>; // the |end", "the |end"],
  ["lifetimes of Rust", "rust", "fn a<'a>(b: &'a str) -> &'a str { b } // the |end", "the |end"],
  ["a raw string of Rust", "rust", 'let a = r#"// " not |"#;', undefined],
  ["an apostrophe in YAML", "yaml", "a: it's here # the |end\nb: 1", "the |end"],
  ["a block of YAML", "yaml", "a: |\n  # not a comment ¦\nb: 1", undefined],
  ["after a block of YAML", "yaml", "a: |\n  text\n# the ¦end", "the |end"],
  ["a here document", "shellscript", "cat <<EOF\n# not |\nEOF\n", undefined],
  ["after a here document", "shellscript", "cat <<EOF\nit's\nEOF\n# the |end", "the |end"],
  ["a here document of PHP", "php", "<?php\n$a = <<<EOT\n// not |\nEOT;\n", undefined],
  ["a comment of PHP", "php", "<?php\n$a = 'it'; // the |end\n", "the |end"],
  ["a string of Ruby with a hash", "ruby", 'a = "#{b} # not |"', undefined],
  ["a comment of Ruby", "ruby", "a = 'b' # the |end", "the |end"],
  ["a comment of C#", "csharp", 'var a = @"c:\\"; // the |end', "the |end"],
  ["a character of Haskell", "haskell", "f' x = '\"' -- the |end", "the |end"],
  ["a comment of Go", "go", "a := `// not` // the |end", "the |end"],
  ["a block of Kotlin", "kotlin", "val a = 1\n/* one\n * two |three */\n", "one\ntwo |three "],
  ["a comment of Elixir", "elixir", 'a = "#{b}" # the |end', "the |end"],
  ["an unknown language", "brainfuck", "// |a", undefined],
];
for (const [what, languageId, program, expected] of cases) {
  test(what, async () => assert.equal(await proseAt(program, languageId), expected));
}

test("whatever the text, what is found is text of the program, at the place", async () => {
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
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 40 }),
      fc.nat(),
      fc.constantFrom(...Object.keys(COMMENTED_LANGUAGES)),
      async (pieces, n, id) => {
        const text = pieces.join("");
        const offset = text === "" ? 0 : n % (text.length + 1);
        const found = await commentAt(text, offset, id);
        if (found === undefined) return;
        const line = found.text.slice(found.text.lastIndexOf("\n", found.offset - 1) + 1, found.offset);
        assert.equal(text.slice(offset - line.length, offset), line);
      },
    ),
  );
});

test("every language of comments has a lexer", () => {
  for (const id of Object.keys(COMMENTED_LANGUAGES)) assert.notEqual(lexerOf(id), undefined, id);
});

test("a program four times as long takes four times as long to read", async () => {
  for (const id of ["typescript", "csharp"]) {
    const read = async (lines: number) => {
      const text = `${"int a = 'b'; // c\n".repeat(lines)}// the `;
      assert.equal((await commentAt(text, text.length, id))?.text.endsWith("the "), true);
    };
    assert.ok((await growthOf(read, 2500)) < 9);
  }
});
