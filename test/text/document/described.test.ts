/** What settings in YAML say of themselves: descriptions, titles, the names of steps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { proseOf } from "../../../server/features/read/prose.ts";
import { proseBlocks, readDocument } from "../../../server/text/document.ts";
import { placeOf } from "../../../server/text/place.ts";

const lines = (...all: readonly string[]) => `${all.join("\n")}\n`;

const API = lines(
  "openapi: 3.0.3",
  "info:",
  '  title: "Berths API"',
  "  description: |",
  "    Ships reserve **berths**",
  "    here.",
  "",
  "    ## Keys",
  "",
  "    - Keys `expire`.",
  "paths:",
  "  /berths:",
  "    get:",
  "      summary: 'List the harbour''s berths'",
  "      # Weeks begin on Monday.",
  "      parameters:",
  "        - name: the week",
  "          description: >-",
  "            The week; the past",
  "            is refused.",
  "      responses:",
  '        "200": { description: "Said \\"yes\\"\\n\\nas asked." }',
);

/** A kind, its text, and what is summarized of it. */
const kinds: readonly (readonly [kind: string, text: string, prose: string | undefined])[] = [
  [
    "an API's description",
    API,
    [
      "# Berths API",
      "Ships reserve berths here.",
      "- Keys expire.",
      "- List the harbour's berths",
      "Weeks begin on Monday.",
      "- The week; the past is refused.",
      '- Said "yes"',
      "- as asked.",
    ].join("\n\n"),
  ],
  [
    "a chart",
    lines(
      "name: tides",
      "description: Shows tides",
      "  in a browser.",
      "maintainers:",
      "  - name: Jane Doe",
      "    url: x",
    ),
    "# tides\n\nShows tides in a browser.",
  ],
  [
    "a workflow: its steps, no scripts",
    lines(
      "name: CI",
      "jobs:",
      "  test:",
      "    steps:",
      "      - name: Install and test",
      "        run: |",
      "          npm ci",
      "          # all of them",
      "      - name: Test {{ os }} only",
      "        uses: a/b@v4",
    ),
    "# CI\n\n- Install and test",
  ],
  [
    "a playbook",
    lines(
      "- name: Set up the relay",
      "  hosts: all",
      "  tasks:",
      "    - name: Install postfix now",
      "      ansible.builtin.apt:",
      "        name: post fix",
    ),
    "- Set up the relay\n\n- Install postfix now",
  ],
  [
    "a deployment",
    lines("kind: Deployment", "metadata:", "  name: tides", "spec:", "  args: [echo this is not prose]"),
    undefined,
  ],
];

for (const [kind, text, prose] of kinds) {
  test(`what is summarized of ${kind}`, async () => {
    assert.equal(await proseOf(text, "a.yaml"), prose);
    assert.equal(await proseOf(text.replaceAll("\n", "\r\n"), "a.yaml"), prose);
  });
}

test("each letter of a value stands where the prose says", async () => {
  const { blocks } = await readDocument(API, "a.yaml");
  for (const { prose } of proseBlocks(blocks)) {
    for (const [i, letter] of [...prose.text].entries())
      if (/\w/.test(letter)) assert.equal(API[prose.starts[i] ?? 0], letter, prose.text);
  }
});

test("the place in a description is that of its words", async () => {
  const text = lines("description: |", "  Ships reserve berths here.", "run: |", "  npm run test");
  const place = await placeOf({ languageId: "yaml", text }, text.indexOf("berths"));
  assert.equal(place.isProse && place.prose?.text, "Ships reserve berths here.");
});
