/** What people write in many formats, and what of it is prose; sentences that lack a value are not quoted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatOf, proseBlocks, readDocument } from "../../../server/text/document.ts";
import { writeProse } from "../../../server/text/written-prose.ts";

const lines = (...all: readonly string[]) => `${all.join("\n")}\n`;

/** Kinds, as in kinds.test.ts; `…` ends a paragraph that has a hole. */
const kinds: readonly (readonly [kind: string, name: string, text: string, prose: readonly string[]])[] = [
  [
    "a citation or substitution that a sentence needs, and the number of a standard",
    "a.rst",
    lines("It speaks :rfc:`2616` well [1]_.", "", "See [CIT]_ for more.", "", "A |logo| is shown."),
    ["It speaks RFC 2616 well.", "See for more.…", "A is shown.…"],
  ],
  [
    "what is shown on a code host only, a menu, what passes through, small marks",
    "a.adoc",
    lines(
      "ifdef::env-github[]",
      "Shown on a host.",
      "endif::[]",
      "Choose menu:File[Save], see <<part>> of it.",
      "",
      "H~2~O and E=mc^2^ are pass:[<u>underlined</u>], as {product} is.",
    ),
    ["Choose File > Save, see of it.…", "H2O and E=mc2 are underlined, as is.…"],
  ],
  [
    "code between marks, quantities, references, what is never set",
    "a.tex",
    lines(
      "We call \\lstinline!x=1! and \\mintinline{py}{y} \\SI{3}{\\second} later.",
      "",
      "As Figure~\\ref{a} shows, it works \\cite{doe}.",
      "",
      "\\iffalse",
      "Never shown.",
      "\\fi",
      "It works \\cite{doe}.",
    ),
    ["We call x=1 and y 3 s later.", "As Figure shows, it works.…", "It works."],
  ],
  [
    "trees that are not exported",
    "a.org",
    lines(
      "* Kept",
      "Kept text.",
      "* COMMENT Hidden",
      "Hidden text.",
      "** Below",
      "* TODO Old :x:noexport:",
      "Old text.",
    ),
    ["# Kept", "Kept text."],
  ],
  [
    "expressions",
    "a.mdx",
    "The version is {version} today.{/* note */} It is new.\n",
    ["The version is today. It is new.…"],
  ],
  [
    "a value, a shortcode around words, a statement, an emoji by its name",
    "a.md",
    lines(
      'Use {{< param "v" >}} today.',
      "",
      "A {{< mark >}}new{{< /mark >}} one is {% if x %}shown{% endif %} :tada: here.",
    ),
    ["Use today.…", "A new one is shown here."],
  ],
  [
    "a definition list, a line of tags, a bar of languages",
    "a.md",
    lines(
      "English | [中文](zh.md) | [Deutsch](de.md)",
      "",
      "#a/b #todo",
      "",
      "Term",
      ": What it means.",
      ": And more.",
    ),
    ["Term", "- What it means.", "- And more."],
  ],
  [
    "Jekyll's code, MyST's targets, cells and notes",
    "a.md",
    lines(
      "{% highlight ruby %}",
      "puts 1",
      "{% endhighlight %}",
      "",
      "(target)=",
      "```{note}",
      ":class: x",
      "",
      "Told *here*.",
      "```",
      "",
      '+++ {"a": 1}',
    ),
    ["Told here."],
  ],
  ["what R and bookdown put in", "a.Rmd", "We saw `r n` birds (\\@ref(fig:a)).\n", ["We saw n birds (Figure).…"]],
  [
    "a note of Typst, a reference, a variable",
    "a.typ",
    lines("Open at six.#footnote[Mostly.] See @intro.", "", "It costs #price today."),
    ["Open at six. See.…", "It costs today.…"],
  ],
  [
    "what is hidden on a page, the mark of a note, a template's value",
    "a.html",
    '<p>Built in 1640.<sup><a href="#n">1</a></sup></p><p hidden>A</p><p style="display: none">B</p><p>By {{ x }} it is.</p>',
    ["Built in 1640.", "By it is.…"],
  ],
  [
    "a component of Vue",
    "a.vue",
    "<template>\n<p>Shown text.</p>\n</template>\n<script>\nx\n</script>\n",
    ["Shown text."],
  ],
  [
    "Doxygen's commands",
    "a.cpp",
    lines("/// The \\c reader is safe; see \\ref Writer. @note Slow.", "int x;"),
    ["The reader is safe; see Writer. Slow."],
  ],
  [
    "a link inside documentation",
    "a.rs",
    "/// Returns [`Error::Empty`] or [x](y).\nfn a() {}\n",
    ["Returns Error::Empty or x."],
  ],
  [
    "a docstring with literal text and the parts that Google asks for",
    "a.py",
    lines(
      "# -*- coding: utf-8 -*-",
      "def f(x):",
      '    """Adds it up.',
      "",
      "    Called so::",
      "",
      "        f(1)",
      "",
      "    Args:",
      "        x: The value.",
      '    """',
    ),
    ["Adds it up.", "Called so:"],
  ],
  [
    "Perl with its documentation",
    "a.pl",
    lines(
      "=head1 NAME",
      "",
      "Rain - B<adds> up C<< a->b >> E<lt>",
      "",
      "=cut",
      "",
      "my $x = 1; # beside",
      "# A comment of it.",
    ),
    ["# NAME", "Rain - adds up a->b <", "A comment of it."],
  ],
  [
    "a manual page",
    "a.1",
    lines(
      '.\\" A comment',
      '.TH COPY 1 "2026"',
      ".SH NAME",
      "copy \\- copies",
      ".SH SYNOPSIS",
      ".B copy",
      ".SH DESCRIPTION",
      "The",
      ".BR copy (1)",
      "program\\(aqs \\fBtask\\fR.",
      ".TP",
      ".B \\-a",
      "Copy all.",
      ".nf",
      "copy a",
      ".fi",
    ),
    ["# copy", "## NAME", "copy - copies", "## SYNOPSIS", "## DESCRIPTION", "The copy(1) program's task.", "Copy all."],
  ],
  [
    "MediaWiki",
    "a.mediawiki",
    lines(
      "{{Infobox",
      "| a = b",
      "}}",
      "'''Copy''' copies [[database|databases]].<ref>{{cite|x}}</ref> See [https://x.example it].",
      "== Past ==",
      '{| class="a"',
      "| c",
      "|}",
      "[[File:A.png|thumb|A [[logo]]]]",
      "* One ''item''",
      "[[Category:A]]",
    ),
    ["Copy copies databases. See it.", "## Past", "- One item"],
  ],
  [
    "a page of R's manual",
    "a.Rd",
    lines("% c", "\\name{a}", "\\title{Mean}", "\\description{", "Takes the \\code{mean}.", "}", "\\usage{a(x)}"),
    ["# Mean", "Takes the mean."],
  ],
  [
    "Textile",
    "a.textile",
    lines(
      "h1. Garden",
      "",
      'p(x). The *garden* needs "water":https://x.example twice.',
      "",
      "bc. code",
      "",
      "|a|b|",
      "",
      "* one",
    ),
    ["# Garden", "The garden needs water twice.", "- one"],
  ],
  [
    "DocBook: titles at their depth, marks inside a line, no listings, no authors",
    "backup.xml",
    lines(
      '<?xml version="1.0"?>',
      "<article><articleinfo><title>Backups</title><author><surname>Holm</surname></author></articleinfo>",
      "<section><title>Why</title>",
      "<para>The station loses power <emphasis>each winter</emphasis>; see <filename>a.log</filename>.<indexterm>",
      "<primary>power</primary></indexterm></para>",
      "<programlisting>rsync -a</programlisting>",
      "<note><para>Test the copy.</para></note></section></article>",
    ),
    ["# Backups", "## Why", "The station loses power each winter; see a.log.", "Test the copy."],
  ],
  [
    "DITA: a topic's title, commands and names inside a line",
    "backup.xml",
    lines(
      '<topic id="a"><title>Backups</title><body>',
      "<p>Choose <uicontrol>Save</uicontrol> or run <codeph>save</codeph>.</p><codeblock>save -a</codeblock></body></topic>",
    ),
    ["# Backups", "Choose Save or run save."],
  ],
  [
    "a transcript: what is said, without who and when",
    "a.txt",
    lines(
      "Speaker 1 (00:00:12): The importer is ready.",
      "Ada Holm 0:31: It fails when a column",
      "has two names.",
      "[00:01:02] Ben: We will mend it.",
      "00:01:09 <carl> Good.",
      "",
      "Ada Holm  1:20 PM",
      "Then we are done.",
    ),
    [
      ...["The importer is ready.", "It fails when a column has two names.", "We will mend it.", "Good."],
      "Then we are done.",
    ],
  ],
  [
    "a component of Vue between paragraphs of Markdown",
    "a.md",
    lines("One.", "", '<Demo :items="[1 > 0]" @click="go" />', "", "Two."),
    ["One.", "Two."],
  ],
  [
    "subtitles, a sentence over two cues",
    "a.srt",
    lines(
      "1",
      "00:00:01,000 --> 00:00:04,000",
      "<i>Welcome</i> to the harbor,",
      "",
      "2",
      "00:00:05,000 --> 00:00:06,000",
      "built in 1640.",
    ),
    ["Welcome to the harbor, built in 1640."],
  ],
  [
    "plain text with titles, short lines and lettered items",
    "a.txt",
    lines(
      "MINUTES",
      "=======",
      "",
      "1. Budget",
      "The budget of the garden was raised to 3.000 EUR.",
      "a) John orders soil.",
      "b) Jane asks.",
    ),
    [
      "## MINUTES",
      "- Budget",
      "- The budget of the garden was raised to 3.000 EUR.",
      "- John orders soil.",
      "- Jane asks.",
    ],
  ],
  [
    "a mail above the one that it answers",
    "a.txt",
    lines(
      "Thanks for it.",
      "",
      "-----Original Message-----",
      "From: A",
      "Subject: Offer",
      "",
      "Find our offer attached.",
    ),
    ["Thanks for it.", "> # Offer", "> Find our offer attached."],
  ],
  [
    "AsciiDoc whose addresses and names are attributes",
    "a.adoc",
    lines(
      ":vendor: Foo",
      ":product: {vendor} DB",
      ":home: https://foo.example/{vendor}",
      "",
      "{home}[The product] is {product}. See {url-other}[the guide] or {unknown}[1].",
    ),
    ["The product is Foo DB. See the guide or [1].…"],
  ],
  [
    "kramdown's table of contents, formulas without dollars, computed code",
    "a.md",
    "1. TOC\n{:toc}\n\nText.\n\n\\begin{align*}\na &= b\n\\end{align*}\n\nThe mean is `r mean(x)` here, `rm x` is not.",
    ["Text.", "The mean is mean(x) here, rm x is not.…"],
  ],
  [
    "buttons and the marks of notes in HTML",
    "a.html",
    "<p>It is fast<sup>[1]</sup>, x<sup>2</sup>.</p><button>Copy</button>",
    ["It is fast, x2."],
  ],
  ["statements and line breaks of Typst", "a.typ", "Words #let x = 5\nand more \\ words.\n", ["Words and more words."]],
  ["entries of a bibliography", "a.bib", "@book{a, title={A title}, abstract={A text of it.}}", []],
  ["what turns the order of letters", "a.md", "It \u202Ewas\u202C \u2066so\u2069.", ["It was so."]],
];

for (const [kind, name, text, expected] of kinds) {
  test(`the prose of ${kind}`, async () => {
    const blocks = proseBlocks((await readDocument(text, name)).blocks);
    const holes = writeProse(blocks).blocks.map((block) => block.holes.length > 0);
    const found = blocks.map(({ block, prose, within }, i) => {
      const mark = within === "item" ? "- " : within === "quotation" ? "> " : "";
      const heading = block.kind === "heading" ? `${"#".repeat(block.level ?? 1)} ` : "";
      return `${mark}${heading}${prose.text}${holes[i] ? "…" : ""}`;
    });
    assert.deepEqual(found, expected);
  });
}

test("formats are told by what their texts begin with", () => {
  const contents = [
    ['.\\" A\n.TH A 1\n', "man"],
    ["1\n00:00:01,000 --> 00:00:04,000\nHello.\n", "subtitles"],
    ["'''A''' is [[b]].\n\n== C ==\n\nText.\n", "mediawiki"],
    ["=head1 NAME\n\nA\n", "pod"],
    ["% c\n\\name{a}\n\\title{b}\n", "rd"],
    ["h1. A\n\nText.\n", "textile"],
    ["# A\n\nSome ''quoted'' text == x == y.\n", "markdown"],
  ] as const;
  assert.deepEqual(
    contents.map(([text]) => [text, formatOf(text)]),
    contents,
  );
});
