/** Texts that hold little prose or none: programs, settings, mails, logs, differences, tables, what Git prints. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatOf, proseBlocks, readDocument } from "../../../server/text/document.ts";

const lines = (...all: readonly string[]) => `${all.join("\n")}\n`;

/** The name of a file, its text, and the prose that a reader finds in it: `#` headings, `-` items, `>` quotations. */
const kinds: readonly (readonly [kind: string, name: string, text: string, prose: readonly string[]])[] = [
  [
    "a Rust file: documentation, no licence, no code, no parts of a function's description",
    "lib.rs",
    lines(
      "// Copyright 2025 Jane Doe. Licensed under the Apache License, Version 2.0.",
      "//! Copies a running *database* to a folder.",
      "//!",
      "//! Pages that change are",
      "//! copied again.",
      "use std::fs;",
      "/// Copies the pages of `source`.",
      "///",
      "/// # Errors",
      "pub fn copy<'a>(source: &'a str) -> char { let life: &'a str = \"// none\"; '\"' } // beside code",
    ),
    ["Copies a running database to a folder.", "Pages that change are copied again.", "Copies the pages of source."],
  ],
  [
    "a Python file: docstrings and comments",
    "mod.py",
    lines(
      "#!/usr/bin/env python3",
      "# SPDX-License-Identifier: MIT",
      '"""Copies a database.',
      "",
      "Pages are copied",
      "one by one.",
      '"""',
      "import os  # noqa",
      "def run(self):",
      '    x = "# none"',
      "    # The last round holds the lock.",
      "    # pages = list(self)",
      "    return x",
    ),
    ["Copies a database.", "Pages are copied one by one.", "The last round holds the lock."],
  ],
  [
    "a JavaScript file: a regular expression with a backtick, tags, links of JSDoc",
    "main.js",
    lines(
      "/**",
      " * @file Copies a database.",
      " * @license MIT",
      " */",
      "const tick = /`/;",
      "/* eslint-disable no-console */",
      "/**",
      " * Copies what {@link Source the source} has, see {@link Target}.",
      " * @param {string} source the file",
      " */",
      "const text = `// none`;",
    ),
    ["Copies a database.", "Copies what the source has, see Target."],
  ],
  [
    "a shell script with a here document",
    "run.sh",
    lines("#!/bin/sh", "# Copies the database each night.", "cat <<END", "# none", "END", 'echo "it\'s # none"'),
    ["Copies the database each night."],
  ],
  [
    "YAML: apostrophes and block scalars",
    "config.yaml",
    lines("# Every key is optional.", "to: 'it''s # none'", "body: |", "  Hello # none", "# Times are local.", "at: 1"),
    ["Every key is optional.", "Times are local."],
  ],
  [
    "settings",
    "app.ini",
    lines("; The settings of the service.", "[copy]", "keep = 30"),
    ["The settings of the service."],
  ],
  ["JSON", "package.json", '{ "description": "Copies a database to a folder." }', []],
  [
    "quoted cells of CSV",
    "data",
    lines("id,name,comment", '1,Jane,"Likes it, but slow."', "2,Tom,", '3,A,"Two\nlines"'),
    [],
  ],
  [
    "two columns",
    "data.txt",
    lines("name;remark", "Jane;likes the new search very much indeed and says so", "Tom;no"),
    [],
  ],
  [
    "a log with the stack of an error",
    "text.txt",
    lines(
      "2025-11-03T09:12:44.123Z INFO  server started",
      "2025-11-03T09:13:03.555Z ERROR could not connect",
      "java.sql.SQLException: Connection refused",
      "    at com.example.Db.connect(Db.java:42)",
    ),
    [],
  ],
  [
    "the kernel's log",
    "text.txt",
    lines("[    0.000000] Linux 6.1", "[    0.010000] x86/fpu: on", "[    1.0200] ACPI: ok"),
    [],
  ],
  ["npm's log", "text.txt", lines("0 verbose cli /usr/bin/node", "1 info using npm@10", "2 silly config load"), []],
  [
    "a mail: its subject, without headers, greeting, closing, signature and quoted lines",
    "mail.txt",
    lines(
      "From: Jane Doe <jane@people.example>",
      "Subject: Re: Moving the backup",
      "Date: Mon, 3 Nov 2025 09:12:44 +0100",
      "",
      "Hi Tom,",
      "",
      "The backup moves to four.",
      "",
      "Best regards,",
      "Jane",
      "",
      "-- ",
      "Jane Doe | Operations",
      "",
      "On Fri, 31 Oct 2025 at 17:03, Tom Roe <tom@people.example> wrote:",
      "> Why is it late?",
    ),
    ["# Moving the backup", "The backup moves to four.", "> Why is it late?"],
  ],
  [
    "an answer between quoted lines, in German",
    "mail.eml",
    lines(
      "Von: Tom",
      "Betreff: AW: Sicherung",
      "",
      "Am Montag, 3. November 2025 schrieb Jane:",
      "> Um vier Uhr?",
      "Ja, das geht gut.",
      "",
      "Viele Grüße",
      "Tom",
    ),
    ["# Sicherung", "> Um vier Uhr?", "Ja, das geht gut."],
  ],
  [
    "a patch as mail",
    "0001.patch",
    lines(
      "From 1234567890abcdef1234567890abcdef12345678 Mon Sep 17 00:00:00 2001",
      "From: Jane Doe <jane@people.example>",
      "Subject: [PATCH 1/2] Copy four files at a time",
      "",
      "The disk waited for the network.",
      "",
      "Signed-off-by: Jane Doe <jane@people.example>",
      "---",
      " src/copy.ts | 4 +++-",
      "",
      "diff --git a/src/copy.ts b/src/copy.ts",
      "--- a/src/copy.ts",
      "+++ b/src/copy.ts",
      "@@ -1 +1 @@",
      "-// Copies one file.",
      "",
      "+// Copies four files.",
    ),
    ["# Copy four files at a time", "The disk waited for the network."],
  ],
  [
    "a log with differences",
    "git.txt",
    lines(
      "commit 0123456789abcdef0123456789abcdef01234567 (HEAD -> main)",
      "Author: Jane Doe <jane@people.example>",
      "Date:   Mon Nov 3 09:12:44 2025 +0100",
      "",
      "    Copy four files at a time",
      "",
      "    The disk waited.",
      "",
      "    Signed-off-by: Jane Doe <jane@people.example>",
      "",
      " src/copy.ts | 4 +++-",
      "",
      "diff --git a/src/copy.ts b/src/copy.ts",
      "     // Copies files of the folder.",
    ),
    ["Copy four files at a time", "The disk waited."],
  ],
  [
    "a log with its graph",
    "git.txt",
    lines(
      "*   commit 0123456789abcdef0123456789abcdef01234567",
      "|\\  Merge: 0123456 89abcde",
      "| | Author: Jane Doe <jane@people.example>",
      "| |",
      "| |     Merge the search",
      "| |",
      "| * commit 89abcdef0123456789abcdef0123456789abcdef",
      "|/  Author: Jane Doe <jane@people.example>",
      "|",
      "|       Know synonyms",
    ),
    ["Merge the search", "Know synonyms"],
  ],
  [
    "a log in lines",
    "git.txt",
    lines("37f3466 (HEAD -> main) Copy four files", "aff60aa Know synonyms", "0d6e700 Quote the beginning"),
    ["- Copy four files", "- Know synonyms", "- Quote the beginning"],
  ],
  [
    "a commit message with another mark of comments, trailers and a difference",
    "COMMIT_EDITMSG",
    lines(
      "Keep the lock",
      "",
      "It was lost.",
      "",
      "Fixes: #12",
      "Signed-off-by: Jane Doe <jane@people.example>",
      "",
      "; Please enter the commit message for your changes.",
      "; ------------------------ >8 ------------------------",
      "diff --git a/a b/a",
      "+ A line of it.",
    ),
    ["# Keep the lock", "It was lost."],
  ],
  [
    "Typst: rules, conditions, citations, simple formulas",
    "doc.typ",
    lines(
      "#set page(width: 10cm)",
      "= Backups <sec>",
      "",
      "It copies @doe2020. It does $x = 3$ tries.",
      "",
      "#if a > 3 [ none ]",
    ),
    ["# Backups", "It copies. It does x = 3 tries."],
  ],
  [
    "Quarto: references, code that is run, includes",
    "doc.qmd",
    lines(
      "See @fig-one [@doe2020, p. 3]. The mean is `r mean(x)`. {{< include _x.qmd >}}",
      "",
      "```{r}",
      "#| label: a",
      "```",
    ),
    ["See Figure. The mean is mean(x)."],
  ],
  [
    "badges in a heading, a bar of two links, a link whose address is a template",
    "README.md",
    lines(
      "# dbcopy [![Build](https://x.example/a.svg)](https://x.example)",
      "",
      "[Home](a.md) | [Contents](b.md)",
      "",
      "See [the guide]({{ site.url }}/guide.html) first.",
    ),
    ["# dbcopy", "See the guide first."],
  ],
  ["an address that an attribute holds", "a.adoc", "It has a {url-api}[Ruby API^] too.", ["It has a Ruby API too."]],
  ["the author that a sentence names", "a.tex", "\\citet{Doe2020} found none \\citep{roe}.", ["Doe found none."]],
  ["what a browser shows that cannot play", "a.html", "<p>Hear it.</p><audio><p>No audio.</p></audio>", ["Hear it."]],
];

for (const [kind, name, text, expected] of kinds) {
  test(`the prose of ${kind}`, async () => {
    const { blocks } = await readDocument(text, name);
    const found = proseBlocks(blocks).map(({ block, prose, within }) => {
      const mark = within === "item" ? "- " : within === "quotation" ? "> " : "";
      return `${block.kind === "heading" ? `${"#".repeat(block.level ?? 1)} ` : mark}${prose.text}`;
    });
    assert.deepEqual(found, expected);
  });
}

const contents: readonly (readonly [string, string])[] = [
  ["#!/usr/bin/env python3\n# A comment.\n", "program"],
  ['{ "name": "a" }', "data"],
  ["From: a@b.example\nSubject: A\n\n- one\n- two\n", "plaintext"],
  ["diff --git a/a b/a\n- one\n", "plaintext"],
  ["#set page(width: 1cm)\n= Title\n", "typst"],
  ["import A from 'a'\n\n# Title\n\n<A />\n", "mdx"],
  ["== Part\n\n[source,sh]\n----\nls\n----\n", "asciidoc"],
  ["# Please enter the commit message for your changes.", "commit"],
  ["\\section{A}\n\nText.", "latex"],
];
test("a format without a name is told from the content", () => {
  assert.deepEqual(
    contents.map(([text]) => [text, formatOf(text)]),
    contents,
  );
});
