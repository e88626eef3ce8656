/** Data of every kind as it is read for training, and what is said of data that cannot be. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { ModelError } from "../../../models/errors.ts";
import { readTokenizer } from "../../../server/catalog/folder/tokenizer.ts";
import { resolveModel } from "../../../server/catalog/installed.ts";
import { encodeData } from "../../../server/training/data/encode.ts";
import { type DataRequest, readTrainingData } from "../../../server/training/data/read.ts";
import { findTask } from "../../../server/training/data/tasks.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-data-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const { signal } = new AbortController();

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const read = (task: string, data: string, changed: Partial<DataRequest> & { template?: string } = {}) =>
  readTrainingData(findTask(task, changed.template), { columns: {}, ...changed, data }, signal);

const brief = async (...args: Parameters<typeof read>) =>
  (await read(...args)).pairs.map(({ input, target, row }) => `${row}: ${input} -> ${target}`);

describe("rows", () => {
  const expected = ["2: one, two -> A", "3: three\nlines -> B", "5: four -> A"];
  const inline = expected.map((_, i) => i + 1);
  const csv = '\uFEFFtext,label\n"one, two",A\n"three\nlines",B\nfour,A\n';
  const rows = [
    { text: "one, two", label: "A" },
    { text: "three\nlines", label: "B" },
    { text: "four", label: "A" },
  ];
  const numbered = expected.map((line, i) => line.replace(/^\d+/, String(inline[i])));
  const kinds: [name: string, content: string | Uint8Array, wanted: string[]][] = [
    ["a.csv", csv, expected],
    ["a.csv.gz", gzipSync(csv), expected],
    ["a.tsv", 'text\tlabel\none, "two\tA\nthree\tB\n', ['2: one, "two -> A', "3: three -> B"]],
    ["a.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"), numbered],
    ["a.jsonl.gz", gzipSync(rows.map((row) => JSON.stringify(row)).join("\r\n")), numbered],
    ["a.json", JSON.stringify(rows), numbered],
    ["b.json", JSON.stringify({ data: rows }), numbered],
    ["c.json", rows.map((row) => JSON.stringify(row)).join("\n"), numbered],
  ];
  for (const [name, content, wanted] of kinds) {
    it(`of ${name}`, async () => {
      assert.deepEqual(await brief("classify", file(name, content)), wanted);
    });
  }

  it("of SQuAD's JSON", async () => {
    const qas = [
      { id: "1", question: "Where?", answers: [{ text: "here", answer_start: 0 }, { text: "there" }] },
      { id: "2", question: "Impossible?", answers: [] },
    ];
    const data = [{ title: "T", paragraphs: [{ context: "It is here.", qas }] }];
    const { pairs, notes } = await read("qa", file("squad.json", JSON.stringify({ version: "1.1", data })));
    const [only] = pairs;
    assert.equal(only?.input, "question: Where? context: It is here.");
    assert.deepEqual([only?.target, only?.accepted, only?.source], ["here", ["here", "there"], "T"]);
    assert.match(notes.join(), /squad\.json: 1 row with an empty side, left out \(2\)/);
  });

  it("of a dataset folder in Parquet, its validation part apart", async () => {
    const { pairs, apart } = await read("qa", "test/fixtures/training/squad");
    assert.deepEqual(
      [...pairs, ...apart].map(({ input, accepted, row }) => [row, input, accepted]),
      [
        [1, "question: Where is Paris? context: Paris is in France.", ["in France", "France"]],
        [2, "question: What is in France? context: Paris is in France.", ["Paris"]],
        [1, "question: How is Rome? context: Rome is old.", ["old"]],
      ],
    );
  });

  it("of columns that are named, and of a template", async () => {
    const data = file("named.csv", "a,b,c\nx,y,z\n");
    assert.deepEqual(await brief("text", data, { inputColumn: "a", targetColumn: "c" }), ["2: x -> z"]);
    assert.deepEqual(await brief("text", data, { template: "{b} and {a}:", targetColumn: "c" }), ["2: y and x: -> z"]);
  });
});

describe("T5's own formats", () => {
  const cases: [task: string, row: object, input: string, target: string][] = [
    ["mnli", { premise: "P", hypothesis: "H", label: 2, idx: 1 }, "mnli hypothesis: H premise: P", "contradiction"],
    ["sst2", { sentence: "fine", label: 1 }, "sst2 sentence: fine", "positive"],
    ["stsb", { sentence1: "a", sentence2: "b", label: 3.2499 }, "stsb sentence1: a sentence2: b", "3.2"],
    ["stsb", { sentence1: "a", sentence2: "b", label: 5 }, "stsb sentence1: a sentence2: b", "5.0"],
    // Halves to even, as tf.round.
    ["stsb", { sentence1: "c", sentence2: "b", label: 0.5 }, "stsb sentence1: c sentence2: b", "0.4"],
    ["stsb", { sentence1: "d", sentence2: "b", label: 2.5 }, "stsb sentence1: d sentence2: b", "2.4"],
    ["stsb", { sentence1: "e", sentence2: "b", label: 4.5 }, "stsb sentence1: e sentence2: b", "4.4"],
    // Letters of all scripts stay together, characters beyond U+FFFF whole.
    [
      "squad",
      { question: "Who", context: "Vídeo 🎉 ok", answers: { text: ["🎉"] } },
      "question: Who context: Vídeo 🎉 ok",
      " 🎉 ",
    ],
    ["qqp", { question1: "a", question2: "b", label: "duplicate" }, "qqp question1: a question2: b", "duplicate"],
    ["boolq", { question: "q", passage: "p", label: true }, "boolq passage: p question: q", "True"],
    [
      "squad",
      { question: "Is it?", context: "It's so.", answers: { text: ["It's"] } },
      "question: Is it ?  context: It ' s so . ",
      "It ' s",
    ],
  ];
  for (const [name, row, input, target] of cases) {
    it(`${name}: ${input}`, async () => {
      const task = findTask(name);
      const rows = `${JSON.stringify(row)}\n`;
      const { pairs } = await read(name, file(`${name}.jsonl`, rows));
      assert.deepEqual(
        pairs.map((pair) => [task.prefix + pair.input, pair.target]),
        [[input, target]],
      );
    });
  }

  it("leaves out rows that have no label (-1)", async () => {
    const rows = [1, -1, 0].map((label) => JSON.stringify({ sentence: "a", label })).join("\n");
    const { pairs, notes } = await read("sst2", file("test-part.jsonl", rows));
    assert.equal(pairs.length, 2);
    assert.match(notes.join(), /test-part\.jsonl: 1 row with an empty side, left out \(2\)/);
  });
});

describe("folders of texts", () => {
  const long = "This sentence has words enough to be a section of a text that somebody would want to give a title to.";
  file(
    "docs/a.md",
    `---\ntitle: A\ndescription: "What it is."\n---\n# Top\n\n${long}\n\n## Use \`it\`\n\n\`\`\`sh\n# no heading\n\`\`\`\n${long}\n`,
  );
  file("docs/b.md", `---\ndescription: >\n  Two\n  lines.\nother: 1\n---\n${long}\n`);
  file("docs/e.md", `---\ntags: [x]\nsummary: "A caf\\u00e9: \\"what\\" it is." # for the list\n...\n${long}\n`);
  file("docs/f.md", `---\ndescription: [no, text]\n---\n${long}\n`);
  file("docs/.gitignore", "drafts/\n*.tmp.md\n");
  file("docs/drafts/c.md", long);
  file("docs/d.tmp.md", long);
  file("docs/deep/.spanfillignore", "e.md");
  file("docs/deep/e.md", long);
  file("docs/deep/key.md", `# Key\n\n${long}\nghp_${"a1".repeat(20)}\n`);
  file("docs/deep/my-credentials.md", long);
  file("docs/.env", "TOKEN=1");

  it("front matter says what a text is", async () => {
    assert.deepEqual(
      (await read("summarize", join(folder, "docs"))).pairs.map(({ source, target, row }) => [source, target, row]),
      [
        ["a.md", "What it is.", 3],
        ["b.md", "Two lines.", 2],
        ["e.md", 'A café: "what" it is.', 3],
      ],
    );
  });

  it("headings are titles of their sections", async () => {
    const { pairs } = await read("title", join(folder, "docs"));
    assert.deepEqual(
      pairs.map(({ target, row }) => [target, row]),
      [
        ["Top", 5],
        ["Use it", 9],
      ],
    );
  });

  it("front matter is read as its language defines it, and each file without a description is named", async () => {
    for (const name of readdirSync("test/fixtures/data/folder-yaml")) {
      file(`yaml/${name}`, readFileSync(join("test/fixtures/data/folder-yaml", name)));
    }
    file("yaml/json.md", `{\n  "description": "Copies a \\"database\\"."\n}\n\n${long}\n`);
    file("yaml/broken.md", `---\ndescription: [a\n---\n\n${long}\n`);
    file("yaml/none.md", `# Title\n\n${long}\n`);
    file("yaml/short.md", "---\ndescription: A.\n---\n\nToo short.\n");
    file("yaml/latin.md", Buffer.from(`---\ndescription: caf\xe9\n---\n\n${long}\n`, "latin1"));
    file("yaml/wide.md", Buffer.from(`---\ndescription: A\n---\n\n${long}\n`, "utf16le"));
    const { pairs, notes } = await read("summarize", join(folder, "yaml"));
    assert.deepEqual(Object.fromEntries(pairs.map(({ source, target }) => [source.replace(".md", ""), target])), {
      anchor: "Copies a database.",
      comment: "Copies a database.",
      escapes: 'Copies a "live" database – now.',
      indent: "Copies a database with an indent.",
      json: 'Copies a "database".',
      nextline: "Copies a database on its own line.",
      "plain-multi": "Copies a database while it runs.",
      "quoted-multi": "Copies a database while it runs.",
      single: "It's a copy of a database.",
      spaces: "Copies a database seven.",
      todo: "TODO",
      toml: "Copies a database ten.",
    });
    assert.match(pairs[0]?.input ?? "", /^The copy command copies/);
    const said = notes.join("\n");
    assert.match(said, /1 left out \(their front matter is not valid\): broken\.md/);
    assert.match(said, /1 left out \(not UTF-8\): latin\.md/);
    assert.match(said, /1 left out \(no front matter\): none\.md/);
    assert.match(said, /1 left out \(no description in their front matter\): null\.md/);
    assert.match(said, /1 left out \(fewer than 20 words of prose\): short\.md/);
    assert.match(said, /1 left out \((UTF-16|binary)\): wide\.md/);
  });

  it("texts are their prose, in any format", async () => {
    file(
      "formats/a.adoc",
      `= Backups\n:toc:\n\n// a comment\n== Copies\n\n${long} See xref:b.adoc[the page].\n\n----\ncode\n----\n`,
    );
    file(
      "formats/b.tex",
      `\\documentclass{article}\n\\begin{document}\n\\section{Copies}\n${long}\\index{x}\n\\end{document}\n`,
    );
    file(
      "formats/c.md",
      `# [A](b)\n\n![i](j.png)\n\n- ${long} **x**\n\n\`\`\`sh\n# code\n\`\`\`\n\n| a |\n|---|\n| b |\n`,
    );
    file("formats/d.md", "```sh\ncode only\n```\n");
    file("formats/e.org", `#+title: T\n* TODO Copies :tag:\n${long}\n`);
    const { documents, notes } = await read("infill", join(folder, "formats"));
    assert.deepEqual(Object.fromEntries(documents.map(({ source, text }) => [source, text])), {
      "a.adoc": `# Backups\n\n## Copies\n\n${long} See the page.`,
      "b.tex": `## Copies\n\n${long}`,
      "c.md": `# A\n\n- ${long} x`,
      "e.org": `# T\n\n${documents.at(-1)?.text.split("\n\n")[1]}\n\n${long}`,
    });
    assert.match(notes.join(), /1 left out \(no prose\): d\.md/);
    const { pairs, notes: untitled } = await read("title", join(folder, "formats"));
    assert.deepEqual(pairs.map(({ source, target, row }) => [source, target, row]).slice(0, 3), [
      ["a.adoc", "Copies", 5],
      ["b.tex", "Copies", 3],
      ["c.md", "A", 1],
    ]);
    assert.match(untitled.join(), /1 left out \(no headings\): d\.md/);
  });

  it("what is ignored or looks like a secret is left out and listed", async () => {
    const { documents, notes } = await read("infill", join(folder, "docs"));
    assert.deepEqual(
      documents.map(({ source }) => source),
      ["a.md", "b.md", "e.md", "f.md"],
    );
    assert.match(notes[0] ?? "", /2 left out \(their names tell of secrets\): \.env, deep\/my-credentials\.md/);
    assert.match(notes[1] ?? "", /3 left out \(ignored\): d\.tmp\.md, deep\/e\.md, drafts\//);
    assert.match(notes[2] ?? "", /1 left out \(they hold what looks like a key or a token\): deep\/key\.md/);
  });
});

describe("rows that are left out, and said to be", () => {
  const enormous = file("enormous.jsonl", '{"text": "a", "label": "b"}\n{"text": "');
  truncateSync(enormous, 2 ** 28);
  const token = `ghp_${"a1".repeat(20)}`;
  const cases: [name: string, content: string | Uint8Array, rows: string[], notes: RegExp[]][] = [
    [
      "latin.jsonl",
      Buffer.from('{"text":"a","label":"b"}\n{"text":"\xe9","label":"c"}\n{"text":"d","label":"e"}', "latin1"),
      ["1: a -> b", "3: d -> e"],
      [/latin\.jsonl: 1 row left out: not UTF-8 \(2\)/],
    ],
    [
      "latin.csv",
      Buffer.from("text,label\na,b\n\xe9,c\nd,e\n", "latin1"),
      ["2: a -> b", "4: d -> e"],
      [/latin\.csv: 1 row left out: not UTF-8 \(3\)/],
    ],
    [
      "broken.jsonl",
      '{"text":"a","label":"b"}\n{"text":\n[1]\n\n{"text":"c","label":"d"}',
      ["1: a -> b", "5: c -> d"],
      [/broken\.jsonl: 1 row left out: not JSON \(2\)/, /1 row left out: not JSON objects \(3\)/],
    ],
    [
      "cells.jsonl",
      '{"text":"a","label":"b"}\n{"text":["c"],"label":"d"}\n{"label":"d"}',
      ["1: a -> b"],
      [/1 row left out: column "text": this is not a text \(2\)/, /column "text": there is nothing \(3\)/],
    ],
    [
      "list.json",
      JSON.stringify([{ text: "a", label: "b" }, "c", { text: "d", label: "e" }]),
      ["1: a -> b", "3: d -> e"],
      [/list\.json: 1 row left out: not JSON objects \(2\)/],
    ],
    [
      "ragged2.csv",
      "text,label\na,b\nc,d,e\nf\ng,h,\n",
      ["2: a -> b", "5: g -> h"],
      [/ragged2\.csv: 2 rows left out: their fields do not fit the header \(3, 4\)/],
    ],
    [
      "open.csv",
      'text,label\na,b\n\n"c\nd",e\n"f,g\nh,i\nj,k\n',
      ["2: a -> b", "4: c\nd -> e", "7: h -> i", "8: j -> k"],
      [/open\.csv: 1 row left out: a quote that is opened there is not closed \(6\)/],
    ],
    [
      "open2.csv",
      'text,label\r\n"a,b\r\n"c, d",e\r\nf "g" h,i\r\nj,k\r\n',
      ["3: c, d -> e", "5: j -> k"],
      [
        /open2\.csv: 1 row left out: a quote that is opened there is not closed \(2\)/,
        /1 row left out: not valid CSV \(4\)/,
      ],
    ],
    [
      "twice.csv",
      "text,label,label\na,b,c\n",
      ["2: a -> b"],
      [/twice\.csv: the column "label" stands there 2 times; the first is used\./],
    ],
    [
      "secret.jsonl",
      [
        { text: "a", label: "b" },
        { text: `Use ${token}.`, label: "c" },
        { text: "d", label: token },
      ]
        .map((row) => JSON.stringify(row))
        .join("\n"),
      ["1: a -> b"],
      [/secret\.jsonl: 2 rows left out: they hold what looks like a key or a token \(2, 3\)/],
    ],
    ["case.csv", "TEXT, Label \na,b\n", ["2: a -> b"], []],
    ["excel.csv", "\uFEFFsep=;\r\ntext;label\r\na, c;b\r\n", ["3: a, c -> b"], []],
    ["semicolons.csv", "text;label\na, c;b\n", ["2: a, c -> b"], []],
    ["excel.tsv", "sep=|\ntext|label\na|b\n", ["3: a -> b"], []],
  ];
  for (const [name, content, rows, notes] of cases) {
    it(`of ${name}`, async () => {
      const { pairs, notes: found } = await read("classify", file(name, content));
      assert.deepEqual(
        pairs.map(({ input, target, row }) => `${row}: ${input} -> ${target}`),
        rows,
      );
      assert.equal(found.length, notes.length, found.join("\n"));
      for (const [i, note] of notes.entries()) assert.match(found[i] ?? "", note);
    });
  }

  it("a row of a quarter of a gigabyte", async () => {
    const { pairs, notes } = await read("classify", enormous);
    assert.equal(pairs.length, 1);
    assert.match(notes.join(), /enormous\.jsonl: 1 row left out: longer than 16 MB \(2\)/);
  });

  it("columns that a person names, in any case, unless two are alike", async () => {
    assert.deepEqual(
      await brief("text", file("named-case.csv", "A,B,b\nx,y,z\n"), { inputColumn: "a", targetColumn: "b" }),
      ["2: x -> z"],
    );
    await assert.rejects(
      read("text", file("alike.csv", "A,B,b\nx,y,z\n"), { inputColumn: "a", targetColumn: "C" }),
      /has no column "C"/,
    );
  });
});

describe("bad data", () => {
  const rows = (...all: object[]) => all.map((row) => JSON.stringify(row)).join("\n");
  const cases: [what: string, task: string, data: string, message: RegExp, changed?: Partial<DataRequest>][] = [
    [
      "UTF-16",
      "classify",
      file("wide.csv", Buffer.from("\uFEFFtext,label\n", "utf16le")),
      /wide\.csv is UTF-16; save it as UTF-8/,
    ],
    [
      "ragged CSV only",
      "classify",
      file("ragged.csv", "text,label\nc,d,e\n"),
      /ragged\.csv: row 2 does not fit the header \(it has 3 fields, the header 2\)\. Quote fields/,
    ],
    [
      "an open quote in the header",
      "classify",
      file("quote.csv", 'text,"label\na,b\n'),
      /quote\.csv: row 1 opens a quote that is not closed/,
    ],
    [
      "invalid JSON in every line",
      "classify",
      file("bad.jsonl", '{"text":"a"\n{"text":\n'),
      /bad\.jsonl: row 1 is not JSON .*; row 2 is not JSON/,
    ],
    [
      "a missing column",
      "classify",
      file("missing.csv", "text,mood\na,b\n"),
      /missing\.csv has no column for the label\. Its columns are text, mood\. Name it: --columns label=COLUMN/,
    ],
    [
      "a named column that is not there",
      "classify",
      file("named2.csv", "text,label\na,b\n"),
      /has no column "mood"/,
      { targetColumn: "mood" },
    ],
    [
      "a role that is not there",
      "classify",
      file("role.csv", "text,label\na,b\n"),
      /classify has no "question"/,
      { columns: { question: "text" } },
    ],
    ["no rows", "classify", file("none.csv", "text,label\n"), /none\.csv has no rows/],
    [
      "a folder none of whose texts has a pair",
      "summarize",
      dirname(file("pairless/short.md", "---\ndescription: A thing.\n---\n\nFew words.\n")),
      /None of the 1 texts in .* \(.*1 left out \(fewer than 20 words of prose\): short\.md\)/,
    ],
    ["an empty file", "classify", file("empty.jsonl", ""), /empty\.jsonl has no rows/],
    [
      "a cell that is no text",
      "classify",
      file("list.jsonl", rows({ text: ["a"], label: "b" })),
      /list\.jsonl: row 1, column "text": this is not a text/,
    ],
    [
      "all targets empty",
      "classify",
      file("blank.jsonl", rows({ text: "a", label: " " })),
      /blank\.jsonl: in every row a text or its target is empty/,
    ],
    ["damaged Parquet", "classify", file("bad.parquet", "PAR1 no"), /bad\.parquet cannot be read as Parquet/],
    [
      "a damaged archive",
      "classify",
      file("cut.csv.gz", gzipSync("text,label\n").subarray(0, 20)),
      /cut\.csv\.gz cannot be unpacked/,
    ],
    [
      "JSON of another shape",
      "qa",
      file("shape.json", '{"a": 1}'),
      /shape\.json is neither a list of objects nor SQuAD's/,
    ],
    ["no file", "classify", join(folder, "nowhere.csv"), /nowhere\.csv: does not exist/],
    ["another kind of file", "classify", file("a.docx", "x"), /a\.docx is no file of rows/],
    ["texts that cannot teach the task", "qa", join(folder, "docs"), /holds texts, from which "qa" cannot be learned/],
    [
      "several data sets",
      "classify",
      dirname(
        dirname([file("hub/x/train.csv", "text,label\na,b\n"), file("hub/y/train.csv", "text,label\na,b\n")][0] ?? ""),
      ),
      /hub holds several data sets, in x, y/,
    ],
  ];
  for (const [what, task, data, message, changed] of cases) {
    it(what, async () => {
      await assert.rejects(read(task, data, changed), (error) => {
        assert.ok(error instanceof ModelError, String(error));
        assert.equal(error.code, "input");
        assert.match(error.message, message);
        return true;
      });
    });
  }

  const limits = { prefix: "", maxInputTokens: 64, maxTargetTokens: 16, validationShare: 0.2, seed: 1 };
  const dataset = async (data: string) => {
    const task = findTask("classify");
    return encodeData(task, await readTokenizer(resolveModel()), await read("classify", data), limits);
  };

  it("one label only", async () => {
    const all = rows(...Array.from({ length: 9 }, (_, i) => ({ text: `a ${i}`, label: "same" })));
    await assert.rejects(
      dataset(file("one.jsonl", all)),
      /one\.jsonl: every row to learn from, row 1 and \d others, has the label "same"/,
    );
  });

  it("a label that does not occur in training, and inputs in both parts", async () => {
    file("split/train.csv", "text,label\na,x\nb,y\nc,x\n");
    file("split/validation.csv", "text,label\nd,z\nA ,x\ne,y\n");
    const { notes, validation, count } = await dataset(join(folder, "split"));
    assert.deepEqual([count, validation.length], [3, 2]);
    assert.match(
      notes[0] ?? "",
      /validation\.csv: 1 row left out of the validation examples: the same input is among those learned from \(3\)/,
    );
    assert.match(
      notes[1] ?? "",
      /validation\.csv: 1 row to validate on with a label that no row to learn from has: "z" \(2\)/,
    );
  });
});
