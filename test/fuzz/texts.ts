/** The readers of texts, tables, settings and messages that others made, with texts that they read. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { readReferenceDocuments } from "../../bench/quality/prose-view.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { createTokenizer } from "../../models/tokenizer/tokenizer.ts";
import { parseSettings } from "../../protocol/settings.ts";
import { writtenRequestSchema } from "../../protocol/train-request.ts";
import { gapsOf } from "../../server/features/write/gaps.ts";
import { messageFrames } from "../../server/lsp/frames.ts";
import { initializeParams } from "../../server/lsp/initialize.ts";
import { type Block, readDocument } from "../../server/text/document.ts";
import { readIgnoreRules } from "../../server/text/ignore-rules.ts";
import { sentencesOf } from "../../server/text/sentences.ts";
import { delimitedRows } from "../../server/training/data/tables/delimited.ts";
import { parseLines } from "../../server/training/data/tables/read-rows.ts";
import { RowLimits } from "../../server/training/data/tables/row-limits.ts";
import type { Reader } from "./checkpoints.ts";

const PROSE = "test/fixtures/prose";
const MOST_UNITS = 2000;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

/** A reader of JSON, for which text that is no JSON has no meaning. */
function ofJson(name: string, values: readonly unknown[], read: (value: unknown) => unknown): Reader {
  return {
    name,
    seeds: values.map((value) => bytes(JSON.stringify(value))),
    read: (given) => {
      let value: unknown;
      try {
        value = JSON.parse(text(given));
      } catch {
        return undefined;
      }
      return read(value);
    },
  };
}

/** The document model, one reader for each format, and its users. */
function documentReaders(): Reader[] {
  const samples = [
    ...readdirSync(PROSE).map((name) => ({ name, content: readFileSync(join(PROSE, name), "utf8") })),
    ...readReferenceDocuments().map(({ path, text: content }) => ({ name: path, content })),
  ];
  const endings = [...new Set(samples.map(({ name }) => name.slice(name.lastIndexOf(".") + 1)))];
  const readers = endings.map((ending): Reader => {
    const some = samples.filter(({ name }) => name.endsWith(`.${ending}`) || name === ending).slice(0, 12);
    const seeds = some.map(({ content }) => bytes(content.slice(0, MOST_UNITS)));
    return { name: `document-${ending}`, seeds, read: (given) => checkDocument(text(given), `a.${ending}`) };
  });
  const seeds = samples.slice(0, 20).map(({ content }) => bytes(content.slice(0, MOST_UNITS)));
  return [
    ...readers,
    { name: "document-unknown", seeds, read: (given) => checkDocument(text(given), "") },
    { name: "sentences", seeds, read: (given) => sentencesOf(text(given)) },
    {
      name: "gaps",
      seeds,
      read: (given) => gapsOf({ text: text(given), languageId: "markdown" }, "___"),
    },
  ];
}

/** Reads a document, whose blocks and prose have to lie within it. */
async function checkDocument(content: string, name: string): Promise<void> {
  const check = (block: Block): void => {
    assert.ok(0 <= block.start && block.start <= block.end && block.end <= content.length, block.kind);
    const { starts, ends } = block.prose?.() ?? { starts: [], ends: [] };
    for (const [i, start] of starts.entries()) assert.ok(start < (ends[i] ?? 0) && (ends[i] ?? 0) <= content.length);
    for (const inner of [...block.children, ...(block.inner?.() ?? [])]) check(inner);
  };
  for (const block of (await readDocument(content, name)).blocks) check(block);
}

function tableReaders(): Reader[] {
  const rows = 'text,summary\n"A ""long"", text",short\nb,c\n';
  const limits = () => new RowLimits(["text", "summary"]);
  const delimited = (usual: "," | "\t") => (given: Uint8Array) =>
    delimitedRows(Readable.from([Buffer.from(given)]), "a.csv", usual, limits());
  return [
    { name: "csv", seeds: [bytes(rows), bytes(`sep=;\r\n${rows.replaceAll(",", ";")}`)], read: delimited(",") },
    { name: "tsv", seeds: [bytes(rows.replaceAll(",", "\t"))], read: delimited("\t") },
    {
      name: "json-lines",
      seeds: [bytes('{"text": "a", "summary": "b"}\n\n{"text": ["c"], "summary": {"d": 1}}\n')],
      read: (given) => parseLines(text(given).split("\n"), limits()),
    },
  ];
}

/** The readers of texts, tables, settings and messages. */
export function textReaders(): Reader[] {
  const tokenizer = {
    model: {
      type: "Unigram",
      unk_id: 0,
      vocab: [
        ["<unk>", 0],
        ["\u2581a", -1],
      ],
    },
  };
  const config = readFileSync("models/builtin/t5-efficient-tiny-nl2-spanfill/config.json", "utf8");
  const request = { task: "summarize", data: "a.jsonl", base: "b", columns: ["text=a"], epochs: 2, lr: 0.001 };
  return [
    ...documentReaders(),
    ...tableReaders(),
    {
      name: "ignore-rules",
      seeds: [bytes("# a\n*.md\n!/b/**/c*\n\\#d \n[e-g]?/\n")],
      read: (given) => readIgnoreRules(text(given)).ignores("a/b/c.md"),
    },
    {
      name: "frames",
      seeds: [bytes("Content-Length: 2\r\n\r\n{}Content-Type: x\r\nContent-Length: 4\r\n\r\nnull")],
      read: (given) => buffer(Readable.from([Buffer.from(given)]).pipe(messageFrames(() => undefined))),
    },
    ofJson("initialize", [{ processId: 1, capabilities: { workspace: { configuration: true } } }], (value) =>
      initializeParams.safeParse(value),
    ),
    ofJson(
      "settings",
      [{ device: "cpu", inlineCompletion: { length: "short" }, "server.url": "http://a" }],
      parseSettings,
    ),
    ofJson("train-request", [request], (value) => writtenRequestSchema.safeParse(value)),
    ofJson("config", [JSON.parse(config)], parseConfig),
    ofJson("tokenizer", [tokenizer], (value) => createTokenizer(value).encode("a b\u00e9 \u4e2d")),
  ];
}
