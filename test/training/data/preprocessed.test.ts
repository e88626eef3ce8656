import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { normalizeSquad } from "../../../server/metrics/metrics.ts";
import { findTask } from "../../../server/training/data/tasks.ts";

type Table = Readonly<Record<"padded" | "normalized", readonly [string, string][]>> & {
  readonly fifths: readonly [number, string][];
};

const table: Table = JSON.parse(
  gunzipSync(readFileSync("test/fixtures/training/preprocessed.json.gz")).toString("utf8"),
);

test("300 random texts are padded as t5's squad preprocessor does", () => {
  const { pair } = findTask("squad");
  const found = table.padded.map(([text]) => pair({ question: "q", context: text, answers: [text] }).accepted[0]);
  assert.deepEqual(
    found,
    table.padded.map(([, padded]) => padded),
  );
});

test("300 random texts are normalized as SQuAD's official evaluation does", () => {
  const found = table.normalized.map(([text]) => normalizeSquad(text));
  assert.deepEqual(
    found,
    table.normalized.map(([, normalized]) => normalized),
  );
});

test("401 scores are rounded to fifths as t5's stsb preprocessor does", () => {
  const { pair } = findTask("stsb");
  const found = table.fifths.map(([label]) => pair({ sentence1: "a", sentence2: "b", label }).accepted[0]);
  assert.deepEqual(
    found,
    table.fifths.map(([, score]) => score),
  );
});
