/** `--request FILE` and `--help` of the training commands: one description of a run, whichever way it is given. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { commandLine } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-request-"));
const model = randomModelFolder();
const { run: spanfill } = commandLine(folder);
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true });
});

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number) => Array.from({ length: 30 }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
const rows = Array.from({ length: 8 }, (_, i) => ({ "a,b=c": text(i), summary: words[i], source: `f${i}` }));
writeFileSync(join(folder, "pairs.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

const request = {
  ...{ task: "summarize", data: "pairs.jsonl", base: model.directory, columns: { text: "a,b=c" } },
  ...{ epochs: 2, batchSize: 2 },
};

function file(content: unknown): string {
  writeFileSync(join(folder, "request.json"), typeof content === "string" ? content : JSON.stringify(content));
  return "request.json";
}

test("a run is described by a file, by standard input, and by options beside either", async () => {
  const steps = async (args: readonly string[], input?: string) => {
    const { code, stdout, stderr } = await spanfill(["train", "--dry-run", "--json", ...args], input);
    assert.equal(code, 0, stdout + stderr);
    return JSON.parse(stdout).steps;
  };
  // A share of 0.1 keeps one of eight rows out.
  assert.equal(await steps(["--request", file(request)]), 8);
  assert.equal(await steps(["--request", "-"], `\uFEFF${JSON.stringify(request)}`), 8);
  assert.equal(await steps(["--request", file(request), "--epochs", "3", "--batch-size", "7"]), 3);
});

test("data check reads the same file, with settings of a run in it", async () => {
  const { code, stdout } = await spanfill([
    "data",
    "check",
    "--request",
    file({ ...request, method: "lora" }),
    "--json",
  ]);
  assert.equal(code, 0, stdout);
  assert.deepEqual(JSON.parse(stdout).columns, { text: "a,b=c", summary: "summary", source: "source" });
  const other = await spanfill(["data", "check", "other.jsonl", "--request", file(request)]);
  assert.match(other.stderr, /other\.jsonl: does not exist/);
});

test("what is wrong in a file is named with the file, the field and what to write", async () => {
  const cases: [content: unknown, words: RegExp, input?: string][] = [
    [{ ...request, epochs: 0 }, /^request\.json: Field "epochs": Use a whole number from 1 to 1000\.$/],
    [{ ...request, lr: 1 }, /^request\.json: There is no field "lr"\. The fields are .*learningRate/],
    [{ ...request, task: "sing" }, /^request\.json: Field "task": Use one of summarize, /],
    [{ data: "pairs.jsonl" }, /^request\.json: Field "task": Use one of/],
    ["{", /^request\.json is not JSON \(.*\)\. Write an object such as \{"task"/],
    ["[]", /^request\.json holds no object\. Write one such as/],
  ];
  for (const command of [["train"], ["data", "check"]]) {
    for (const [content, message] of cases) {
      const { code, stdout } = await spanfill([...command, "--request", file(content), "--json"]);
      assert.match(JSON.parse(stdout).error.message, message);
      assert.equal(code, 2, `${command} ${JSON.stringify(content)}`);
    }
    const { code, stdout } = await spanfill(
      [...command, "--request", "-", "--json"],
      JSON.stringify({ ...request, data: "-" }),
    );
    assert.match(JSON.parse(stdout).error.message, /Standard input cannot hold both/);
    assert.equal(code, 2);
  }
  const { code, stdout } = await spanfill(["train", "--resume", "there", "--request", "request.json", "--json"]);
  assert.match(JSON.parse(stdout).error.message, /--resume takes no --request: the run knows/);
  assert.equal(code, 2);
});

test("the help is what users know, option by option", async () => {
  for (const [command, known] of [
    [["train"], "train-help.txt"],
    [["data", "check"], "data-check-help.txt"],
  ] as const) {
    const { stdout } = await spanfill([...command, "--help"]);
    assert.equal(stdout, readFileSync(join("test", "cli", "help", known), "utf8"), command.join(" "));
  }
});
