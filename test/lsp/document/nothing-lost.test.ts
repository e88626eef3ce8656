/** Texts of any kind, changed while they are worked on: an edit names a gap of the very version that it is made for. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import type { WorkspaceEdit } from "vscode-languageserver-protocol";
import { RpcError } from "../../support/json-rpc.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { FULL, type Session, startSession } from "../session.ts";

const folder = randomModelFolder();
after(folder.dispose);
const settings = { model: folder.directory, precision: "float32", threads: 1 };
const CONTENT_MODIFIED = -32801;
const ENCODINGS = ["utf-16", "utf-8"] as const;
type Encoding = (typeof ENCODINGS)[number];

const word = fc.constantFrom(
  "map",
  "naïve",
  "😀",
  "日本",
  "e\u0301",
  "\u200f",
  "of",
  "keys,",
  "a\tb",
  "**bold**",
  "[a](b.md)",
);
const piece = fc.oneof({ weight: 5, arbitrary: word }, { weight: 2, arbitrary: fc.constant("___") });
const document = fc
  .tuple(
    fc.array(fc.array(piece, { minLength: 1, maxLength: 8 }), { maxLength: 6 }),
    fc.constantFrom("\n", "\r\n", "\r"),
  )
  .map(([lines, end]) => ["First ___ line.", ...lines.map((line) => line.join(" "))].join(end));

/** Lines begin after each of the protocol's three line ends. */
function lineStarts(text: string): number[] {
  return [0, ...[...text.matchAll(/\r\n|\n|\r/g)].map(({ 0: end, index }) => index + end.length)];
}

function offsetAt(text: string, { line, character }: { line: number; character: number }, encoding: Encoding): number {
  const start = lineStarts(text)[line] ?? assert.fail(`line ${line}`);
  if (encoding === "utf-16") return start + character;
  return start + Buffer.from(text.slice(start)).subarray(0, character).toString().length;
}

/** The last edit that the server sent, on the text of the version that it names. */
function applied(session: Session, texts: ReadonlyMap<number, string>, encoding: Encoding): string | undefined {
  const { params } = session.client.received.findLast(({ method }) => method === "workspace/applyEdit") ?? {};
  if (params === undefined) return undefined;
  const { edit } = params as { edit: WorkspaceEdit };
  const [change] = edit.documentChanges ?? [];
  assert.ok(change !== undefined && "edits" in change && change.textDocument.version !== null);
  const text = texts.get(change.textDocument.version) ?? assert.fail("a version that never was");
  for (const { range } of change.edits) {
    const gap = text.slice(offsetAt(text, range.start, encoding), offsetAt(text, range.end, encoding));
    assert.equal(gap, "___", JSON.stringify(text));
  }
  return `${change.textDocument.version}`;
}

for (const encoding of ENCODINGS) {
  test(`with positions in ${encoding}`, async () => {
    const capabilities = { ...FULL, general: { positionEncodings: [encoding] } };
    await using session = await startSession({ settings, capabilities });
    session.client.answers.set("workspace/applyEdit", () => ({ applied: true }));
    let [count, filled, refused] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(document, document, fc.boolean(), async (text, other, changes) => {
        count += 1;
        const uri = `file:///notes${count}.md`;
        const texts = new Map([
          [1, text],
          [2, other],
        ]);
        session.client.received.length = 0;
        session.open(uri, text);
        const answer = session.command("spanfill.fillGaps", { uri, version: 1, apply: true });
        if (changes) session.change(uri, 2, { text: other });
        const code = await answer.then(
          () => 0,
          (error: unknown) => (error instanceof RpcError ? error.code : assert.fail(String(error))),
        );
        const version = applied(session, texts, encoding);
        if (code === 0) filled += version === undefined ? 0 : 1;
        else {
          assert.deepEqual([code, changes, version], [CONTENT_MODIFIED, true, undefined]);
          refused += 1;
        }
        session.client.notify("textDocument/didClose", { textDocument: { uri } });
      }),
      { numRuns: 40, seed: 22 },
    );
    assert.ok(filled > 5 && refused > 5, `${filled} filled, ${refused} refused`);
  });
}
