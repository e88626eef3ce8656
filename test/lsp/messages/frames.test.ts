import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import fc from "fast-check";
import { messageFrames } from "../../../server/lsp/frames.ts";
import { framed } from "../../support/json-rpc.ts";

/** What comes out for these pieces, and how much was dropped. */
async function passed(pieces: readonly Buffer[], largest?: number): Promise<{ text: string; dropped: number }> {
  let dropped = 0;
  const frames = messageFrames((bytes) => {
    dropped += bytes;
  }, largest);
  const out: Buffer[] = [];
  frames.on("data", (piece: Buffer) => out.push(piece));
  for (const piece of pieces) frames.write(piece);
  frames.end();
  await once(frames, "end");
  return { text: Buffer.concat(out).toString(), dropped };
}

const message = fc.record({ id: fc.nat(), text: fc.string({ unit: "binary" }) }).map(framed);

test("messages pass as they are, however they are cut", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message), fc.array(fc.nat(), { maxLength: 10 }), async (messages, places) => {
      const bytes = Buffer.from(messages.join(""));
      const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const pieces = cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end));
      assert.deepEqual(await passed(pieces), { text: messages.join(""), dropped: 0 });
    }),
    { numRuns: 40 },
  );
});

const hello = framed({ id: 1 });
const rows: [string, string, string][] = [
  ["words before a message", `hello\r\n\r\n${hello}`, hello],
  ["words on its header's line", `hello ${hello}`, hello],
  ["other headers", `Content-Type: x\r\n${hello}`, hello],
  ["a length that is none", `Content-Length: x\r\n\r\n${hello}`, hello],
  ["a negative length", `Content-Length: -1\r\n\r\n${hello}`, hello],
  ["a length that no message has", `Content-Length: 99999999999\r\n\r\n${hello}`, hello],
  ["a length in hexadecimal", `Content-Length: 0x10\r\n\r\n${hello}`, hello],
  ["a length with a fraction", `Content-Length: 5.5\r\n\r\n${hello}`, hello],
  ["no bytes at all", `Content-Length: 0\r\n\r\n${hello}`, hello],
  ["two lengths", `Content-Length: 2\r\nContent-Length: 7\r\n\r\n${hello}`, hello],
  ["the same length twice", `Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}${hello}`, `${framed({})}${hello}`],
  ["a flood without an end", `${"x".repeat(1_000_000)}\r\n\r\n${hello}`, hello],
  ["a header in lower case", hello.toLowerCase(), hello],
];
for (const [what, input, expected] of rows) {
  test(`${what}: the message is heard`, async () => {
    assert.equal((await passed([Buffer.from(input)])).text, expected);
  });
}

test("a message that is too large is left out as a whole, whatever it holds", async () => {
  const large = `Content-Length: 1000\r\n\r\n${hello.repeat(100).slice(0, 1000)}`;
  const bytes = Buffer.from(`${hello}${large}${hello}`);
  for (const size of [1, 7, 5000]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    assert.deepEqual(await passed(pieces, 999), { text: `${hello}${hello}`, dropped: large.length });
  }
});
