/** Titles and descriptions, written where a document has them and nowhere else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { fieldEdit, proposeField } from "../../../server/features/write/front-matter.ts";
import { fakeModel } from "../../support/fake-model.ts";

function written(text: string, field: "title" | "description", value: string): string {
  const { start, end, newText } = fieldEdit(text, field, value);
  return text.slice(0, start) + newText + text.slice(end);
}

const cases: [string, string, "title" | "description", string, string][] = [
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
];
for (const [what, text, field, value, expected] of cases) {
  test(what, () => assert.equal(written(text, field, value), expected));
}

test("whatever the keys and the value are, the value is read back and the others stay", () => {
  const key = fc
    .stringMatching(/^[a-z]{1,6}$/)
    .filter((name) => !["title", "true", "false", "null", "yes", "no", "on", "off", "y", "n"].includes(name));
  const value = fc
    .string({ unit: "grapheme", minLength: 1 })
    .map((text) => text.replace(/[\s\p{C}]+/gu, " ").trim())
    .filter((text) => text !== "");
  fc.assert(
    fc.property(fc.uniqueArray(key, { maxLength: 4 }), fc.boolean(), value, (keys, has, title) => {
      const lines = [...keys.map((name, i) => `${name}: ${i} # ${name}`), ...(has ? ["title: |\n  old\n  text"] : [])];
      const made = written(`---\n${lines.map((line) => `${line}\n`).join("")}---\nBody`, "title", title);
      const [, yaml = ""] = /^---\n([\s\S]*?)^---\nBody$/m.exec(made) ?? [];
      assert.deepEqual(parse(yaml), { ...Object.fromEntries(keys.map((name, i) => [name, i])), title });
      for (const [i, name] of keys.entries()) assert.ok(yaml.includes(`${name}: ${i} # ${name}\n`));
    }),
  );
});

test("front matter that is no YAML mapping is not written to", () => {
  assert.throws(() => fieldEdit("---\na: [1\n---\n", "title", "T"), /not valid YAML: .*Mend it/);
  assert.throws(() => fieldEdit("---\njust text\n---\n", "title", "T"), /no list of keys/);
});

test("the model reads the text without its front matter", async () => {
  const model = fakeModel(() => "A harbour.");
  const text = "---\nsecret: word\n---\n# Harbour\n\nThe harbour was built in 1862.\n";
  const made = await proposeField(
    { model, maxContextTokens: 512 },
    { text, field: "description" },
    { signal: new AbortController().signal },
  );
  assert.equal(made.summary, "A harbour.");
  assert.doesNotMatch(model.seen.join(""), /secret/);
});
