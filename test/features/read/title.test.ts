/** Titles of texts that have none: what their sentences are about. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { subjectOf, titleFrom } from "../../../server/features/read/title.ts";

/** A sentence of a document, and the title from it. */
const TITLES: readonly [string, string][] = [
  ["The LsaManageSidNameMapping function adds or removes mappings.", "LsaManageSidNameMapping function"],
  ["A shader signature is a list of the parameters that a function takes.", "Shader signature"],
  ["useOnEscapePress is a hook that is called when Escape is pressed.", "useOnEscapePress"],
  ["cert-manager is a controller for certificates.", "cert-manager"],
  ["Lighthouse 3.0 is out!", "Lighthouse 3.0"],
  ["This article describes how the resource bridge is upgraded, and when.", "How the resource bridge is upgraded"],
  ["In this tutorial, you will learn how to map users to connections.", "Map users to connections"],
  ["This guide shows you how to bind a list to XML, which takes minutes.", "Bind a list to XML"],
  // Subjects that name nothing: the sentence's beginning.
  ["It is out of date.", "It is out of date."],
  ["There are times when you have a slow network.", "There are times when you have a slow network."],
  ["Reports are run at night.", "Reports are run at night."],
  ["Reads a table and returns its rows.", "Reads a table and returns its rows."],
  [
    "After the network is down for more than a minute, the worker gives up waiting.",
    "After the network is down for more than a minute",
  ],
];

for (const [sentence, title] of TITLES) {
  test(`a title from: ${sentence}`, () => assert.equal(titleFrom({ text: sentence } as never), title));
}

test("sentences of any length and kind take no longer than they are long", () => {
  for (const part of ["word ", "a.b/c-d ", "this guide, ", "((((", "is is is "]) {
    const began = performance.now();
    subjectOf(part.repeat(20_000));
    titleFrom({ text: `This guide ${part.repeat(20_000)}` } as never);
    assert.ok(performance.now() - began < 2000);
  }
});
