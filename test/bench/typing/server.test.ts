import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Paragraph } from "../../../bench/typing/paragraphs.ts";
import { startServer } from "../../../bench/typing/server.ts";
import { typeParagraph } from "../../../bench/typing/typist.ts";

const PARAGRAPH: Paragraph = {
  ...{ kind: "markdown", source: "test", name: "a.md", languageId: "markdown" },
  before: "# Title\n\n",
  text: "Words on a line,\nand on another.",
  after: "\n\nThe end.\n",
};

/** A language server that answers with `item`, an expression of `line`, `rest` and `position`. */
function serverScript(item: string): string {
  const answer = PARAGRAPH.before + PARAGRAPH.text;
  return `
    let [text, buffer] = ["", Buffer.alloc(0)];
    const offsetOf = ({ line, character }) => text.split("\\n").slice(0, line).join("\\n").length + (line > 0 ? 1 : 0) + character;
    const answers = {
      "textDocument/inlineCompletion": ({ position }) => {
        const offset = offsetOf(position);
        const rest = ${JSON.stringify(answer)}.startsWith(text.slice(0, offset)) ? ${JSON.stringify(answer)}.slice(offset) : "!";
        const line = text.slice(0, offset).split("\\n").at(-1);
        return ${item};
      },
      "textDocument/didOpen": ({ textDocument }) => void (text = textDocument.text),
      "textDocument/didChange": ({ contentChanges: [{ range, text: inserted }] }) =>
        void (text = text.slice(0, offsetOf(range.start)) + inserted + text.slice(offsetOf(range.end))),
    };
    const send = (message) => {
      const body = JSON.stringify({ jsonrpc: "2.0", ...message });
      process.stdout.write("Content-Length: " + Buffer.byteLength(body) + "\\r\\n\\r\\n" + body);
    };
    process.stdin.on("data", (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (let at; (at = buffer.indexOf("\\r\\n\\r\\n")) >= 0; ) {
        const length = Number(/Content-Length: (\\d+)/.exec(buffer.toString("latin1", 0, at))[1]);
        if (buffer.length < at + 4 + length) return;
        const { id, method, params } = JSON.parse(buffer.subarray(at + 4, at + 4 + length));
        buffer = buffer.subarray(at + 4 + length);
        const result = answers[method]?.(params) ?? null;
        if (id === undefined) continue;
        if (result?.length > 0) {
          send({ method: "window/logMessage", params: { type: 4, message: "inline completion: 1 suggested (0.625)" } });
        }
        send({ id, result });
      }
    });`;
}

async function typedWith(item: string) {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-typing-"));
  const script = join(folder, "server.cjs");
  writeFileSync(script, serverScript(item));
  const server = await startServer({}, script);
  try {
    return await typeParagraph(PARAGRAPH, "within", server, Number.POSITIVE_INFINITY);
  } finally {
    await server.dispose();
    rmSync(folder, { recursive: true });
  }
}

/** Words on a line | , | and on another | . */
const UNITS = 9;

test("a server that knows the answer saves the most possible, also where it replaces what is typed of the line", async () => {
  const inserted = await typedWith("[{ insertText: rest }]");
  assert.deepEqual([inserted.keys, inserted.vain], [1 + UNITS, 0]);
  const replaced = await typedWith(
    "[{ insertText: line + rest, range: { start: { line: position.line, character: 0 }, end: position } }]",
  );
  assert.equal(replaced.keys, 1 + UNITS);
  assert.deepEqual(inserted.trials[0], { confidence: 0.625, right: true });
});

test("a server that says nothing saves nothing, and one that is always wrong is charged", async () => {
  const silent = await typedWith("[]");
  assert.deepEqual([silent.keys, silent.shown], [silent.keysAlone, 0]);
  const wrong = await typedWith('[{ insertText: "zebra " }]');
  assert.deepEqual([wrong.keys, wrong.accepted, wrong.vain], [wrong.keysAlone, 0, wrong.shown]);
  assert.ok(wrong.shown > 20);
});

test("an item that replaces other text than it begins with is not shown", async () => {
  const { shown } = await typedWith(
    `line === "" ? [] :
      [{ insertText: "@" + rest, range: { start: { line: position.line, character: 0 }, end: position } }]`,
  );
  assert.equal(shown, 0);
});
