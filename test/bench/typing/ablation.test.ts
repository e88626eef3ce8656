import assert from "node:assert/strict";
import { test } from "node:test";
import { ablations, startWeighed } from "../../../bench/typing/ablation.ts";
import type { Weights } from "../../../server/features/write/typing/distribution.ts";

const sumOf = ({ model, english, pairs, words, workspace }: Weights) => model + english + pairs + words + workspace;

test("each expert is left alone and left out, and shares always sum to 1", () => {
  const all = new Map(ablations());
  assert.equal(all.size, 6);
  for (const [name, weights] of all) assert.ok(Math.abs(sumOf(weights) - 1) < 1e-9, name);
  assert.equal(all.get("only the model")?.model, 1);
  assert.equal(all.get("without the model")?.model, 0);
  assert.equal(all.get("only n-grams")?.english, 1);
  assert.equal((all.get("without the document")?.pairs ?? 1) + (all.get("without the document")?.words ?? 1), 0);
});

test("with the document's words alone, only what stands in it is suggested", async () => {
  const weights = new Map(ablations()).get("only the document");
  assert.ok(weights !== undefined);
  const suggester = await startWeighed(weights, "");
  try {
    const before = "The Zanzibar marl is red. The Zanzibar marl is old. The Zanzibar marl is dry.\n\n";
    await suggester.open({ name: "a.md", languageId: "markdown", before, after: "" });
    assert.equal((await suggester.type(0, "Here is Zanzibar m")).text, "arl ");
    assert.equal((await suggester.type(1, "depend")).text, undefined);
  } finally {
    await suggester.dispose();
  }
});
