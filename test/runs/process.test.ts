import assert from "node:assert/strict";
import { test } from "node:test";
import { checkArguments, trainArguments } from "../../server/runs/process.ts";

const request = { task: "text", data: "-rows.jsonl", base: "b" };

test("a request becomes options whose values cannot be taken for others", () => {
  const whole = {
    ...{ ...request, columns: { input: "a b", target: "c" }, template: "--evil {a}", prefix: "", learningRate: 0.01 },
    ...{ freezeEmbedding: true, checkpointing: false, maxInputTokens: 64, loraRank: 8 },
  };
  assert.deepEqual(trainArguments(whole), [
    "--task=text",
    "--data=-rows.jsonl",
    "--base=b",
    "--columns=input=a b,target=c",
    "--lr=0.01",
    "--template=--evil {a}",
    "--prefix=",
    "--freeze-embedding",
    "--max-input-tokens=64",
    "--lora-rank=8",
  ]);
  const check = ["--task=text", "--base=b", "--columns=input=a b,target=c", "--template=--evil {a}", "--prefix="];
  assert.deepEqual(checkArguments(whole), [...check, "--max-input-tokens=64", "--", "-rows.jsonl"]);
});

test("a column that the command line cannot be told is named", () => {
  assert.throws(() => trainArguments({ ...request, columns: { input: "a,b" } }), /"a,b" has a comma or =/);
});
