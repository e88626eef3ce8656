import assert from "node:assert/strict";
import { test } from "node:test";
import { repeatsNeighbors } from "../../../server/features/write/repeats.ts";

test("a fill that says again what stands beside it is told", () => {
  for (const [before, fill, after, repeats] of [
    ["Contributing to this project ", "in this project", ".", true],
    ["Thank you for ", "this project", " to this project.", true],
    ["It is ", "is", " here", true],
    ["The server ", "starts the", " the engine", true],
    ["Restart the server ", "server", ".", true],
    ["Read the settings from ", "the settings", " file", true],
    ["The cache is ", "cleared", " when a file changes.", false],
    ["Use the ", "default", " values; the default port is 80.", false],
    ["First build it. Then ", "build it", " again.", false],
    ["one of ", "the", " servers", false],
    ["We will ship it on ", "it", " and go.", true],
    ["Ship ", "it", " on Monday.", false],
    ["If it is new, ", "it", " works.", false],
    ["", "", "", false],
  ] as const) {
    assert.equal(repeatsNeighbors(before, fill, after), repeats, `${before}[${fill}]${after}`);
  }
});
