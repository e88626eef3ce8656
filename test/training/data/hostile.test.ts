/** Data that are too much: what is read of them is bounded, in memory and time, and what is left out is said. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { seededRandom } from "../../../models/random.ts";
import { readTrainingData } from "../../../server/training/data/read.ts";
import { dataChunks, readData } from "../../../server/training/data/tables/data-file.ts";
import { delimitedRows } from "../../../server/training/data/tables/delimited.ts";
import { LineSplitter } from "../../../server/training/data/tables/line-splitter.ts";
import { RowLimits } from "../../../server/training/data/tables/row-limits.ts";
import { readTable } from "../../../server/training/data/tables/tables.ts";
import { findTask } from "../../../server/training/data/tasks.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-hostile-data-"));
after(() => rmSync(folder, { recursive: true }));
const { signal } = new AbortController();
const file = (name: string, content: string | Buffer) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const read = (path: string, rows?: number) => readTable(path, new RowLimits(["Text"], rows), signal);

describe("files of rows", () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({ text: `t${i}`, other: "x" }));
  const lines = many.map((row) => JSON.stringify(row)).join("\n");
  const files = {
    "a.jsonl": lines,
    "a.jsonl.gz": gzipSync(lines),
    "a.json": JSON.stringify(many),
    "a.csv": `text,other\n${many.map(({ text }) => `${text},x\n`).join("")}`,
  };
  for (const [name, content] of Object.entries(files)) {
    it(`${name}: only columns that are used are kept, and rows up to a limit`, async () => {
      const path = file(name, content);
      const whole = await read(path);
      assert.deepEqual([whole.rows.length, whole.columns, whole.notes], [1000, ["text", "other"], []]);
      const part = await read(path, 10);
      assert.deepEqual(
        part.rows.map(({ value }) => value),
        many.slice(0, 10).map(({ text }) => ({ text })),
      );
      assert.match(part.notes?.join() ?? "", /only the first 10 rows are read/);
    });
  }

  it("Parquet too", async () => {
    const path = "test/fixtures/training/squad/train-00000-of-00001.parquet";
    const limits = new RowLimits(["question"], 1);
    const { rows, columns, notes } = await readTable(path, limits, signal);
    assert.deepEqual([rows.length, Object.keys(rows[0]?.value ?? {})], [1, ["question"]]);
    assert.ok(columns.includes("context"));
    assert.match(notes?.join() ?? "", /only the first 1 rows/);
  });

  it("more columns than any table has", async () => {
    const wide = Array.from({ length: 100_001 }, () => "c").join(",");
    await assert.rejects(read(file("wide.csv", `${wide}\n`)), /has 100,001 columns. At most 100,000 are read/);
    const named = await read(file("same.csv", `text,${wide.slice(4)}\nx,${"y,".repeat(99_998)}y\n`));
    assert.deepEqual([named.rows, named.notes?.length], [[{ row: 2, value: { text: "x" } }], 1]);
  });

  it("lists in lists without end", async () => {
    const nested = `{"text": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    const path = file("nested.jsonl", `${nested}\n{"text": "some words"}\n{"text": "more words"}\n`);
    const { documents, notes } = await readTrainingData(
      findTask("infill", undefined),
      { data: path, columns: {} },
      signal,
    );
    assert.deepEqual([documents.length, notes.length], [2, 1]);
    assert.match(notes[0] ?? "", /1 row left out: column "text": this is not a text/);
  });

  it("archives that unpack to more than a limit", async () => {
    const bomb = file("bomb.jsonl.gz", gzipSync(Buffer.alloc(8_000_000)));
    await assert.rejects(readData(bomb, signal, 1 << 20), /bomb\.jsonl\.gz has more than 1 MB of rows/);
    const pieces = dataChunks(bomb, signal, 1 << 20);
    await assert.rejects(async () => {
      for await (const piece of pieces) assert.ok(piece.length <= 1 << 20);
    }, /has more than 1 MB/);
  });

  it("what is not a regular file", { skip: process.platform === "win32" }, async () => {
    for (const kind of ["jsonl", "json", "csv", "tsv", "parquet"]) {
      symlinkSync("/dev/zero", join(folder, `zero.${kind}`));
      await assert.rejects(read(join(folder, `zero.${kind}`)), /is a pipe or a device; pipe what it gives/);
      execFileSync("mkfifo", [join(folder, `pipe.${kind}`)]);
      await assert.rejects(read(join(folder, `pipe.${kind}`)), /is a pipe or a device; pipe what it gives/);
    }
  });

  it("a text that is as long as a book shelf", async () => {
    const rows = ["x".repeat(2_100_000), "some words"].map((text) => JSON.stringify({ text })).join("\n");
    const request = { data: file("long.jsonl", rows), columns: {} };
    const { documents, notes } = await readTrainingData(findTask("infill", undefined), request, signal);
    assert.deepEqual([documents.length, notes.length], [1, 1]);
    assert.match(notes[0] ?? "", /1 row left out: a text is longer than 2 million characters \(1\)/);
  });
});

const chunksOf = async function* (text: string, random: () => number) {
  const bytes = Buffer.from(text);
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = at + 1 + Math.floor(random() * 200_000);
    yield bytes.subarray(at, end);
  }
};

describe("text that comes in pieces", () => {
  it("has the same lines", () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = seededRandom(seed);
      const pick = (from: string) => from[Math.floor(random() * from.length)] ?? "";
      const end = (["\n", "\r", "\r\n"] as const)[seed % 3] ?? "\n";
      const text = Array.from({ length: 40 }, () => (random() < 0.2 ? end : pick("ab\r\n"))).join("");
      const splitter = new LineSplitter(end, 8);
      const lines: (string | undefined)[] = [];
      for (let at = 0; at < text.length; ) {
        const size = 1 + Math.floor(random() * 5);
        for (const line of splitter.add(Buffer.from(text.slice(at, at + size)))) lines.push(line?.toString());
        at += size;
      }
      for (const line of splitter.finish()) lines.push(line?.toString());
      const expected = text.split(end).map((line) => (line.length > 8 ? undefined : line));
      assert.deepEqual(lines, expected.at(-1) === "" ? expected.slice(0, -1) : expected, JSON.stringify([text, seed]));
    }
  });

  it("has the same rows of CSV, and an open quote costs no more than its own row", async () => {
    const random = seededRandom(5);
    const field = (i: number) =>
      random() < 0.1 ? `"a ""b"",\n${"long\n".repeat(random() < 0.002 ? 20_000 : 1)}${i}"` : `w${i}`;
    const text = `text,n\n${Array.from({ length: 4_000 }, (_, i) => `${field(i)},${i}\n`).join("")}`;
    const { rows, bad } = await delimitedRows(chunksOf(text, random), "a.csv", ",", new RowLimits(["text"]));
    const expected: string[][] = parse(text);
    assert.deepEqual(bad, []);
    assert.deepEqual(
      rows.map(({ value }) => value["text"]),
      expected.slice(1).map(([cell]) => cell),
    );
    const open = `text\n"open\n${"some words\n".repeat(200_000)}`;
    const limits = new RowLimits(["text"], 20);
    const left = await delimitedRows(chunksOf(open, random), "b.csv", ",", limits);
    assert.deepEqual(
      left.bad.map(({ row, what }) => [row, what]),
      [[2, "a quote that is opened there is not closed"]],
    );
    assert.deepEqual([left.rows.length, left.rows[0]?.row], [20, 3]);
  });
});
