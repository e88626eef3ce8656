/** What stands beside prose and is none of it: labels, fields, tags, notes to oneself, signatures, mottos. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { proseBlocks, readDocument } from "../../../server/text/document.ts";

const lines = (...all: readonly string[]) => `${all.join("\n")}\n`;

/** A kind, the name of a file, its text, and its paragraphs and headings. */
const kinds: readonly (readonly [kind: string, name: string, text: string, prose: readonly string[]])[] = [
  [
    "a bold line above a text is its label",
    "a.md",
    lines(
      "**Describe the bug**",
      "The key is lost.",
      "",
      "> __Note:__",
      "> Not on Linux.",
      "",
      "**It is late.**",
      "Go home.",
      "",
      "**Bold** words",
      "begin a line.",
    ),
    [
      "Describe the bug",
      "The key is lost.",
      "Note:",
      "Not on Linux.",
      "It is late. Go home.",
      "Bold words begin a line.",
    ],
  ],
  [
    "fields of Dataview, and tags behind a sentence",
    "a.md",
    lines(
      "Attendees:: [[Jane]], Max",
      "Due :: 2024",
      "We ship on Friday. #release #q2/done",
      "",
      "It is C# and std::vector #1.",
    ),
    ["We ship on Friday.", "It is C# and std::vector #1."],
  ],
  [
    "markup in what a substitution stands for",
    "a.rst",
    lines("The |tool| reads.", "", ".. |tool| replace:: *tide* ``gauge``"),
    ["The tide gauge reads."],
  ],
  [
    "a formula on a line of its own",
    "a.typ",
    lines("The noise fell. $ p = 2 f $", "", "Take $n = 3$ of them."),
    ["The noise fell.", "Take n = 3 of them."],
  ],
  [
    "a motto",
    "a.tex",
    lines("\\chapter{Otters}", "\\epigraph{The sea is all.}{Verne}", "Otters swim."),
    ["Otters", "Otters swim."],
  ],
  [
    "a closing with a signature below",
    "a.eml",
    lines(
      "From: a@example.org",
      "Subject: Plan",
      "",
      "The ferry is late.",
      "",
      "Best regards",
      "Jane",
      "-- ",
      "Jane Doe",
      "Harbour office",
      "+49 40 1234",
      "Room 7",
    ),
    ["Plan", "The ferry is late."],
  ],
  [
    "notes to oneself, and settings that are commented out",
    "values.yaml",
    lines(
      "# TODO: add a probe that waits",
      "",
      "# -- Waits for a worker that is free.",
      "a: 1",
      "# kubernetes.io/ingress.class: nginx",
      '# kubernetes.io/tls-acme: "true"',
    ),
    ["Waits for a worker that is free."],
  ],
];

for (const [kind, name, text, prose] of kinds) {
  test(`the prose beside ${kind}`, async () => {
    const blocks = proseBlocks((await readDocument(text, name)).blocks);
    assert.deepEqual(
      blocks.map((block) => block.prose.text),
      prose,
    );
  });
}
