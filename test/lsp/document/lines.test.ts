/** Lines of bounded length. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { boundedLines, type LongLine } from "../../../server/lsp/lines.ts";

/** What comes of chunks: the lines that are passed on, and those that are dropped. */
async function split(most: number, chunks: readonly string[]): Promise<{ lines: string[]; dropped: LongLine[] }> {
  const dropped: LongLine[] = [];
  const lines: string[] = [];
  const stream = boundedLines(most, (line) => dropped.push(line));
  stream.on("data", (line: Buffer) => lines.push(line.toString()));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await new Promise((resolve) => stream.once("end", resolve));
  return { lines, dropped };
}

test("lines come whole, however they were cut", async () => {
  for (let cut = 1; cut < 12; cut += 1) {
    const chunks = "one\ntwo\r\n\nthe end".match(new RegExp(`[\\s\\S]{1,${cut}}`, "g")) ?? [];
    assert.deepEqual((await split(100, chunks)).lines, ["one\n", "two\r\n", "\n", "the end"]);
  }
});

const long = "x".repeat(5000);
const ids: [string, string, string | number | null][] = [
  ["at the beginning", `{"jsonrpc":"2.0","id":7,"method":"m","params":{"t":"${long}"}}`, 7],
  ["first of all", `{"id":"a-1","jsonrpc":"2.0","params":{"t":"${long}"}}`, "a-1"],
  ["at the end", `{"method":"m","params":{"t":"${long}"},"jsonrpc":"2.0","id":12}`, 12],
  ["before the version", `{"method":"m","params":{"t":"${long}"},"id":12,"jsonrpc":"2.0"}`, 12],
  ["inside of the parameters", `{"method":"m","params":{"t":"${long}","id":12}}`, null],
  ["inside of a text", `{"method":"m","params":"${long},\\"id\\":12}`, null],
  ["of a notification", `{"method":"m","params":"${long}"}`, null],
];
for (const [what, line, id] of ids) {
  test(`a line that is too long is dropped, and the next is heard: id ${what}`, async () => {
    for (const cut of [10_000, 700, 13]) {
      const chunks = `short\n${line}\nnext\n`.match(new RegExp(`[\\s\\S]{1,${cut}}`, "g")) ?? [];
      const { lines, dropped } = await split(4096, chunks);
      assert.deepEqual(lines, ["short\n", "next\n"]);
      assert.deepEqual(dropped, [{ bytes: line.length + 1, id }]);
    }
  });
}
