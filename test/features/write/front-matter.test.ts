/** Titles and descriptions, written where a document has them and nowhere else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { fieldEdit, proposeField } from "../../../server/features/write/front-matter.ts";
import { frontMatterIn, frontMatterValues } from "../../../server/text/front-matter.ts";
import { fakeModel } from "../../support/models/fake-model.ts";

async function written(
  text: string,
  field: "title" | "description",
  value: string,
  language = "markdown",
): Promise<string> {
  const { start, end, newText } = await fieldEdit(text, field, value, language);
  return text.slice(0, start) + newText + text.slice(end);
}

const cases: [string, string, "title" | "description", string, string, string?][] = [
  [
    "a new key goes last",
    "---\ntitle: A\n---\nB",
    "description",
    "What it is",
    "---\ntitle: A\ndescription: What it is\n---\nB",
  ],
  [
    "a value is replaced, its comment stays",
    "---\na: 1 # x\ntitle: 'Old' # y\nb: [2,  3]\n---\n",
    "title",
    "New",
    "---\na: 1 # x\ntitle: New # y\nb: [2,  3]\n---\n",
  ],
  [
    "a value that YAML would misread is quoted",
    "---\ntitle: A\n---\n",
    "title",
    "yes: no",
    '---\ntitle: "yes: no"\n---\n',
  ],
  ["a key without a value gets one", "---\ntitle:\nb: 1\n---\n", "title", "T", "---\ntitle: T\nb: 1\n---\n"],
  [
    "a block is replaced as a whole",
    "---\ndescription: >-\n  Old\n  text\nb: 1\n---\n",
    "description",
    "New",
    "---\ndescription: New\nb: 1\n---\n",
  ],
  ["an empty front matter", "---\n---\nB", "title", "T", "---\ntitle: T\n---\nB"],
  [
    "Windows' line breaks stay",
    "---\r\ntitle: A\r\n---\r\nB",
    "description",
    "D",
    "---\r\ntitle: A\r\ndescription: D\r\n---\r\nB",
  ],
  ["a byte order mark stays", "\uFEFF---\ntitle: A\n---\n", "title", "B", "\uFEFF---\ntitle: B\n---\n"],
  [
    "metadata without marks has the title",
    "Title: Old\r\n  one\r\nDate: 2024-05-02\r\n\r\nB is here.",
    "title",
    "New: it",
    "Title: New: it\r\nDate: 2024-05-02\r\n\r\nB is here.",
  ],
  [
    "metadata without marks has a summary",
    "title: A\nsummary: Old\n\nB is here.",
    "description",
    "New",
    "title: A\nsummary: New\n\nB is here.",
  ],
  [
    "below metadata without a title stands a heading",
    "Date: 2024-05-02\nTags: a\n\nB is here.",
    "title",
    "T",
    "Date: 2024-05-02\nTags: a\n\n# T\n\nB is here.",
  ],
  [
    "without front matter a description begins one",
    "# A\n\nB",
    "description",
    "D",
    "---\ndescription: D\n---\n\n# A\n\nB",
  ],
  ["without front matter a title is the heading", "# A\n\nB", "title", "T", "# T\n\nB"],
  ["or becomes one", "B\n", "title", "T", "# T\n\nB\n"],
  ["a rule is no front matter", "A\n\n---\n\nB\n\n---\n", "title", "T", "# T\n\nA\n\n---\n\nB\n\n---\n"],
  ["a value is one line", "# A\n", "title", "T\n  U", "# T U\n"],
  [
    "TOML's key is changed",
    '+++\ntitle = "Old" # x\nn = 1\n+++\n\n# B\n',
    "title",
    'A "b"',
    '+++\ntitle = "A \\"b\\"" # x\nn = 1\n+++\n\n# B\n',
  ],
  [
    "TOML's new key stands above its tables",
    '+++\nn = 1 # x\n\n[t]\ntitle = "T"\n+++\nB\n',
    "description",
    "D",
    '+++\nn = 1 # x\ndescription = "D"\n\n[t]\ntitle = "T"\n+++\nB\n',
  ],
  [
    "TOML without keys",
    "+++\r\n[t]\r\na = 1\r\n+++\r\nB\r\n",
    "title",
    "T",
    '+++\r\ntitle = "T"\r\n[t]\r\na = 1\r\n+++\r\nB\r\n',
  ],
  [
    "TOML's long strings",
    "+++\ndescription = '''\nOld\ntext'''\na = 1\n+++\n",
    "description",
    "D",
    '+++\ndescription = "D"\na = 1\n+++\n',
  ],
  [
    "JSON's key is changed",
    '{\n    "title" : "Old",\n    "a": [1,2]\n}\n\nB\n',
    "title",
    "T",
    '{\n    "title" : "T",\n    "a": [1,2]\n}\n\nB\n',
  ],
  [
    "JSON's new key",
    '{\r\n\t"a": [1,  2]\r\n}\r\n\r\nB\r\n',
    "title",
    "T",
    '{\r\n\t"a": [1,  2],\r\n\t"title": "T"\r\n}\r\n\r\nB\r\n',
  ],
  [
    "a map in braces, its key",
    "---\n{title: Old, tags: [a]}\n---\nB",
    "title",
    "T, {U}",
    '---\n{title: "T, {U}", tags: [a]}\n---\nB',
  ],
  [
    "a map in braces, a new key",
    "---\n{title: Old, tags: [a]}\n---\nB",
    "description",
    "D",
    "---\n{title: Old, tags: [a], description: D}\n---\nB",
  ],
  ["an empty map in braces", "---\n{}\n---\nB", "title", "T", "---\n{title: T}\n---\nB"],
  ["a key in braces without a value", "---\n{title, a: 1}\n---\nB", "title", "T", "---\n{title: T, a: 1}\n---\nB"],
  ["an indented map", "---\n  a: 1\n---\nB", "title", "T", "---\n  a: 1\n  title: T\n---\nB"],
  ["a key in capitals, as Hugo reads it", "---\nTitle: Old\n---\nB", "title", "T", "---\nTitle: T\n---\nB"],
  ["a quoted key", '---\n"title": Old\n---\nB', "title", "T", '---\n"title": T\n---\nB'],
  ["words that YAML 1.1 takes for others", "---\ntitle: A\n---\n", "title", "off", '---\ntitle: "off"\n---\n'],
  ["a heading with a line below it", "Backing up\n==========\n\nText.\n", "title", "T", "T\n==========\n\nText.\n"],
  ["a heading of several lines", "Backing\nup *now*\n===\n\nText.\n", "title", "T", "T\n===\n\nText.\n"],
  ["a heading with marks at its end and a link", "## [A](b) c ##\n", "title", "T", "# T\n\n## [A](b) c ##\n"],
  ["a heading with a link", "# [A](b) *c* #\n\nText.\n", "title", "T", "# T #\n\nText.\n"],
  [
    "a heading below a comment and badges",
    "<!-- x -->\n\n[![ci](a.svg)](b)\n\n# A\n\nText.\n",
    "title",
    "T",
    "<!-- x -->\n\n[![ci](a.svg)](b)\n\n# T\n\nText.\n",
  ],
  ["a comment with a heading in it", "<!--\n# A\n-->\n\nText.\n", "title", "T", "<!--\n# A\n-->\n\n# T\n\nText.\n"],
  ["a fence with a heading in it", "```sh\n# A\n```\n", "title", "T", "# T\n\n```sh\n# A\n```\n"],
  ["front matter without a title, and a heading", "---\na: 1\n---\n\n# A\n", "title", "T", "---\na: 1\n---\n\n# T\n"],
  [
    "a heading in HTML",
    "<h1 align=center>A</h1>\n\nText.\n",
    "title",
    "T &amp; U",
    "<h1 align=center>T &amp;amp; U</h1>\n\nText.\n",
  ],
  ["a title with Markdown's marks", "# A\n", "title", "The *args* and `x`", "# The \\*args\\* and \\`x\\`\n"],
  [
    "MDX's imports stay on top",
    "import A from './a';\n\nText.\n",
    "title",
    "T",
    "import A from './a';\n\n# T\n\nText.\n",
    "mdx",
  ],
  ["AsciiDoc's title", "= Old\n:toc:\n\nText.\n", "title", "T", "= T\n:toc:\n\nText.\n", "asciidoc"],
  [
    "AsciiDoc's front matter",
    "---\na: 1\n---\n= Old\n\nText.\n",
    "description",
    "D",
    "---\na: 1\ndescription: D\n---\n= Old\n\nText.\n",
    "asciidoc",
  ],
  [
    "reStructuredText's title, and its lines",
    "===\nOld\n===\n\nText.\n",
    "title",
    "Longer",
    "======\nLonger\n======\n\nText.\n",
    "restructuredtext",
  ],
  ["Org's heading", "* Old\n\nText.\n", "title", "T", "* T\n\nText.\n", "org"],
];
for (const [what, text, field, value, expected, language] of cases) {
  test(what, async () => assert.equal(await written(text, field, value, language), expected));
}

const refused: [string, string, "title" | "description", RegExp, string?][] = [
  ["YAML that is broken", "---\na: [1\n---\n", "title", /not valid YAML: .*Correct it/],
  ["YAML that is no mapping", "---\njust text\n---\n", "title", /not a list of keys/],
  ["TOML that is broken", "+++\na = \n+++\n", "title", /not valid TOML: .*Correct it/],
  ["front matter without an end", "---\ntitle: A\n\nText.\n", "description", /has no end or is not valid/],
  ["JSON that is broken", '{\n  "title": A\n}\n\nText.\n', "title", /has no end or is not valid/],
  ["JSON of one line that is broken", '{"title": "A",}\n\nText of it.\n', "title", /has no end or is not valid/],
  ["a title in several languages", "---\ntitle:\n  en: A\n  de: B\n---\n", "title", /several values/],
  ["TOML's dotted title", '+++\ntitle.en = "A"\n+++\n', "title", /several values/],
  ["a value that others refer to", "---\ntitle: &t A\nname: *t\n---\n", "title", /without changing something else/],
  ["plain text", "Just words that someone wrote.\n", "title", /in this format cannot be written/, "plaintext"],
  ["metadata without a description", "Title: A\nDate: 2024-05-02\n\nB.\n", "description", /has no description/],
  ["a description in LaTeX", "\\documentclass{article}\n", "description", /does not have. Add front matter/, "latex"],
];
for (const [what, text, field, message, language = "markdown"] of refused) {
  test(`${what} is refused`, () => assert.rejects(fieldEdit(text, field, "T", language), message));
}

test("whatever the keys and the value are, the value is read back and the others stay", () => {
  const key = fc
    .stringMatching(/^[a-z]{1,6}$/)
    .filter((name) => !["title", "true", "false", "null", "yes", "no", "on", "off", "y", "n"].includes(name));
  const value = fc
    .string({ unit: "grapheme", minLength: 1 })
    .map((text) => text.replace(/[\s\p{C}]+/gu, " ").trim())
    .filter((text) => text !== "");
  return fc.assert(
    fc.asyncProperty(fc.uniqueArray(key, { maxLength: 4 }), fc.boolean(), value, async (keys, has, title) => {
      const lines = [...keys.map((name, i) => `${name}: ${i} # ${name}`), ...(has ? ["title: |\n  old\n  text"] : [])];
      const made = await written(`---\n${lines.map((line) => `${line}\n`).join("")}---\nBody`, "title", title);
      const [, yaml = ""] = /^---\n([\s\S]*?)^---\nBody$/m.exec(made) ?? [];
      assert.deepEqual(parse(yaml), { ...Object.fromEntries(keys.map((name, i) => [name, i])), title });
      for (const [i, name] of keys.entries()) assert.ok(yaml.includes(`${name}: ${i} # ${name}\n`));
    }),
  );
});

test("TOML and JSON are read back with the value, whatever it is", () => {
  const value = fc
    .string({ unit: "binary", minLength: 1 })
    .map((text) => text.replace(/[\s\p{Cc}\p{Cs}]+/gu, " ").trim())
    .filter((text) => text !== "");
  return fc.assert(
    fc.asyncProperty(value, fc.boolean(), async (title, has) => {
      const toml = await written(
        `+++\nn = 1\n${has ? "title = 'Old'\n" : ""}[t]\ntitle = 2\n+++\nBody\n`,
        "title",
        title,
      );
      const json = await written(`{\n "n": 1${has ? ',\n "title": ""' : ""}\n}\n\nBody\n`, "title", title);
      for (const [made, more] of [
        [toml, { t: { title: 2 } }],
        [json, {}],
      ] as const) {
        const matter = frontMatterIn(made);
        assert.ok(matter);
        assert.deepEqual({ ...frontMatterValues(matter) }, { n: 1, title, ...more });
      }
    }),
    { numRuns: 40 },
  );
});

test("the model reads the text without its front matter", async () => {
  const model = fakeModel(() => "A harbour.");
  const text = "---\nsecret: word\n---\n# Harbour\n\nThe harbour was built in 1862.\n";
  const made = await proposeField(
    { model, maxContextTokens: 512 },
    { text, field: "description", language: "markdown" },
    { signal: new AbortController().signal },
  );
  assert.equal(made.summary, "A harbour.");
  assert.doesNotMatch(model.seen.join(""), /secret/);
});
