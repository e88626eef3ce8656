import assert from "node:assert/strict";
import { test } from "node:test";
import type * as z from "zod";
import {
  commitSchema,
  fileNameSchema,
  hubIdSchema,
  innerPathSchema,
  ownNameSchema,
  quoted,
  sha256Schema,
  sizeSchema,
  tokenSchema,
} from "../../server/files/names.ts";

const hex = (digits: number) => "0123456789abcdef".repeat(5).slice(0, digits);

/** What passes each schema, and what does not. */
const table: [name: string, schema: z.ZodType, right: unknown[], wrong: unknown[]][] = [
  [
    "commit",
    commitSchema,
    [hex(40)],
    [hex(39), hex(41), `${hex(40)}\n`, hex(40).toUpperCase(), "main", "..", "", null, 7],
  ],
  ["SHA-256", sha256Schema, [hex(64)], [hex(40), `../${hex(61)}`, hex(64).toUpperCase(), `${hex(63)}/`, undefined]],
  ["size", sizeSchema, [1, 50e9], [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2e12, "5", null, 2 ** 60]],
  [
    "file name",
    fileNameSchema,
    [
      "config.json",
      ".gitattributes",
      "a b.txt",
      "model-00001-of-00002.safetensors",
      "ä.bin",
      "console.log",
      "com.json",
      "a",
    ],
    [
      ...[
        "",
        ".",
        "..",
        "...",
        "a/b",
        "/a",
        "a\\b",
        "..\\a",
        "C:",
        "C:a",
        "a:stream",
        "a\0",
        "a\nb",
        "a\tb",
        "\u001b[2J",
        "a\u202eb",
      ],
      ...[
        "a.",
        "a ",
        " a",
        "a...",
        "con",
        "CON",
        "nul.json",
        "aux.tar.gz",
        "COM1",
        "lpt9.bin",
        "com¹.x",
        "con .txt",
        "CONIN$",
        "prn",
      ],
      ...[
        "a".repeat(201),
        "ü".repeat(130),
        "a*b",
        "a?b",
        'a"b',
        "a<b",
        "a|b",
        "\ud800",
        "a\u2028b",
        "a\u200bb",
        null,
        5,
        {},
      ],
    ],
  ],
  ["inner path", innerPathSchema, ["a", "a/b.c"], ["", "/a", "a/", "a//b", "a/../b", "./a", "../a", "a/con", "a\\b"]],
  [
    "id on the hub",
    hubIdSchema,
    ["t5-small", "google/t5-efficient-tiny-nl2", "google/flan-t5-small", "a/b_c.d", "A1/_x_"],
    [
      "",
      "/",
      "a/",
      "/a",
      "a/b/c",
      "..",
      "a/..",
      "../a",
      "a\\b",
      "-a/b",
      "a/.b",
      "a/b.",
      "a--b",
      "a..b",
      "a.git",
      "é/x",
      "a b",
      "a\n",
      "a%2fb",
      "a?b",
      "a#b",
      "a@b",
      "a:b",
      "a".repeat(97),
    ],
  ],
  ["own name", ownNameSchema, ["mine", "my--t5", "t5.v2"], ["", ".x", "-x", "a/b", "con", "nul.t5", "x.", "a b", "é"]],
  ["token", tokenSchema, ["hf_abc", "x"], ["", "a b", "a\nb", "a\r\nb: c", "é", "a\0", "a".repeat(5000)]],
];
for (const [name, schema, right, wrong] of table) {
  test(`a ${name} is taken for what it is`, () => {
    for (const value of right) assert.ok(schema.safeParse(value).success, JSON.stringify(value));
    for (const value of wrong) assert.ok(!schema.safeParse(value).success, JSON.stringify(value));
  });
}

test("a value from outside is quoted short and plain", () => {
  assert.equal(quoted("a\u001b[31m\n\u202eb"), '"a\uFFFD[31m\uFFFD\uFFFDb"');
  assert.equal(quoted("x".repeat(100)), `"${"x".repeat(60)}…"`);
  assert.equal(quoted(undefined), '"undefined"');
  assert.equal(quoted({ a: 1 }), '"{"a":1}"');
});
