/** What templates, changelogs and pages say of themselves is not summarized. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { namesAnyPart } from "../../../server/features/read/judge.ts";
import { proseOf } from "../../../server/features/read/prose.ts";

const lines = (...all: readonly string[]) => `${all.join("\n")}\n`;

/** The template of reports that GitHub offers. */
const REPORT = lines(
  "---",
  "name: Bug report",
  "about: Create a report to help us improve",
  "---",
  "",
  "**Describe the bug**",
  "A clear and concise description of what the bug is.",
  "",
  "**To Reproduce**",
  "Steps to reproduce the behavior:",
  "1. Go to '...'",
  "2. See error",
  "",
  "**Expected behavior**",
  "A clear and concise description of what you expected to happen.",
  "",
  "**Desktop (please complete the following information):**",
  " - OS: [e.g. iOS]",
);

/** A kind, a file's name, its text, and its prose; undefined where there is nothing to say. */
const kinds: readonly (readonly [kind: string, name: string, text: string, prose: string | undefined])[] = [
  ["a template", "bug.md", REPORT, undefined],
  [
    "a template that was filled in",
    "bug.md",
    REPORT.replace("A clear and concise description of what the bug is.", "The first key is lost.").replace(
      "Go to '...'",
      "Press any key",
    ),
    "The first key is lost.\n\n- Press any key",
  ],
  [
    "a form that was sent",
    "form.md",
    lines(
      "### Is your feature request related to a problem? Please describe.",
      "",
      "The dialog forgets my folders.",
      "",
      "### Describe the solution you'd like",
      "",
      "Remember them. Can you add a button?",
      "",
      "### Additional context",
      "",
      "_No response_",
    ),
    "The dialog forgets my folders.\n\nRemember them. Can you add a button?",
  ],
  [
    "a change's template with boxes",
    "pull.md",
    lines(
      "## Description",
      "",
      "Please include a summary of the change and which issue is fixed. Entries are dropped.",
      "",
      "Fixes #1423",
      "",
      "- [x] Bug fix (non-breaking change which fixes an issue)",
      "- [ ] I have performed a self-review of my own code",
    ),
    "## Description\n\nEntries are dropped.",
  ],
  [
    "a decision's template",
    "adr.md",
    lines(
      "# ADR-1: [short title of solved problem and solution]",
      "",
      "* Status: [proposed | accepted]",
      "* Date: [YYYY-MM-DD when the decision was last updated]",
      "",
      "[Describe the context in two sentences. You may want to ask.]",
    ),
    undefined,
  ],
  [
    "requests where there is no template",
    "contributing.md",
    lines(
      "Please include tests with every change.",
      "",
      "Fill in what it does.",
      "",
      "- [ ] Write to us.",
      "- Checklist",
    ),
    "Please include tests with every change.\n\nFill in what it does.\n\n- Write to us.\n\n- Checklist",
  ],
  [
    "a sentence that begins as a byline does",
    "serve.md",
    lines("By default, the server listens on port 2000.", "", "It is fast."),
    "By default, the server listens on port 2000.\n\nIt is fast.",
  ],
  [
    "a changelog's introduction",
    "changes.md",
    lines(
      "# Changelog",
      "",
      "All notable changes to this project will be documented in this file.",
      "",
      "- Readings can be exported.",
    ),
    "# Changelog\n\n- Readings can be exported.",
  ],
  [
    "a changelog that has nothing else",
    "changes.md",
    lines("All notable changes to this project will be documented in this file."),
    "All notable changes to this project will be documented in this file.",
  ],
  [
    "a page's main part, without its byline",
    "page.html",
    lines(
      "<p>We use cookies to improve your experience.</p><main><h1>Fog</h1><p>By Jane Doe, 2 May 2024</p>",
      "<p>Bells warned ships.</p></main><aside>Read more in our shop!</aside>",
    ),
    "# Fog\n\nBells warned ships.",
  ],
  [
    "several articles",
    "page.html",
    lines("<article>Bells warned ships.</article><article>Horns came later.</article>"),
    "Bells warned ships.\n\nHorns came later.",
  ],
  [
    "metadata without marks, whose title stands above a part's heading",
    "a.rst",
    lines(
      "PEP: 3333",
      "Title: Tides in Python",
      "Author: Jane Doe,",
      "  Max Roe",
      "",
      "Introduction",
      "============",
      "",
      "It computes tides.",
    ),
    "# Tides in Python\n\n# Introduction\n\nIt computes tides.",
  ],
  [
    "what only looks like metadata",
    "a.md",
    lines("Title: Tides", "It computes them."),
    "Title: Tides It computes them.",
  ],
  [
    "lines about a license or a change, but not of parts marked with a C",
    "a.md",
    lines(
      "It computes tides.",
      "",
      "MIT © Ada Holm",
      "",
      "Tides (c) 2021 Ada Holm",
      "",
      "Last updated: Wed, 20 Nov 2024 18:38:24 GMT",
      "",
      "Option (C) is for small files",
    ),
    "It computes tides.\n\nOption (C) is for small files",
  ],
];

for (const [kind, name, text, prose] of kinds) {
  test(`what is summarized of ${kind}`, async () => assert.equal(await proseOf(text, name), prose));
}

test("headings of templates are no titles", () => {
  for (const heading of ["Describe the bug", "To Reproduce", "Expected behavior", "Type of change", "Checklist:"])
    assert.ok(namesAnyPart(heading), heading);
  assert.ok(!namesAnyPart("Describe the bug in the importer"));
});

test("hints are looked for in time that grows with the text", async () => {
  for (const part of [
    "[e.g. a",
    "[a|b",
    "please ",
    "a clear, ",
    "(fill ",
    "Fixes #1, #2 ",
    "Title: a\n b\n",
    "**a:** b\n",
  ]) {
    const started = process.cpuUsage();
    await proseOf(part.repeat(100_000 / part.length), "a.md");
    const { user } = process.cpuUsage(started);
    assert.ok(user < 4e6, `${part}: ${user} µs of processor time`);
  }
});

test("a long list of references takes no time", async () => {
  const text = `Fix #1${", GH-9".repeat(60)} and more.`;
  const before = process.cpuUsage().user;
  assert.equal(await proseOf(`${text}\n`, "a.md"), text);
  const milliseconds = (process.cpuUsage().user - before) / 1000;
  assert.ok(milliseconds < 2000, `took ${milliseconds} ms`);
});
