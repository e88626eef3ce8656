/** `spanfill summarize --batch`, here, and with a server in a cluster's place; Ray itself: scripts/beyond-ray.mjs. */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { commandLine } from "../support/command-line.ts";
import { type FakeRay, fakeRay, rayJobs } from "../support/fake-ray.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { textOf } from "../support/pair-rows.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-batch-"));
const model = randomModelFolder();
const { run: spanfill } = commandLine(folder, { SPANFILL_CLUSTER_TOKEN: "secret-token" });
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);
mkdirSync(at("docs"));
for (const [i, name] of ["a.md", "b.md", "c.txt"].entries())
  writeFileSync(at(`docs/${name}`), `${textOf(i)}. ${textOf(i + 5)}.\n`);
writeFileSync(at("docs/.spanfillignore"), "mine.md\n");
writeFileSync(at("docs/mine.md"), "The one of and to.\n");
writeFileSync(at("key.md"), "The key is AKIAABCDEFGHIJKLMNOP.\n");
writeFileSync(at("wide.md"), Buffer.from("\ufeffthe of", "utf16le"));
writeFileSync(at("code.md"), "```\nx\n```\n");

const NAMED = ["docs", "docs/mine.md", "my-secrets.md", "key.md", "wide.md", "code.md", "none.md", "docs/b.md"];
const MODEL = ["--model", model.directory, "--threads", "1"];

interface Line {
  readonly file: string;
  readonly summary?: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly leftOut?: string;
  readonly [name: string]: unknown;
}

const linesIn = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const kept = (name: string) => readFileSync(at(name), "utf8");
const batch = (...options: string[]) => spanfill(["summarize", ...MODEL, "--batch", ...NAMED, ...options]);

test("a batch has a line for each file, in order: a summary, an error, or why it was left out", async () => {
  const { code, stdout, stderr } = await batch();
  assert.equal(code, 1);
  const lines = linesIn(stdout);
  assert.deepEqual(
    lines.map(({ file, summary, error, leftOut }) => [file, leftOut ?? error?.message ?? typeof summary]),
    [
      ["docs/a.md", "string"],
      ["docs/b.md", "string"],
      ["docs/c.txt", "string"],
      ["docs/mine.md", `${at("docs/.spanfillignore")} names this file`],
      ["my-secrets.md", "my-secrets.md looks like a file that keeps secrets"],
      ["key.md", "it holds what looks like a key or a token"],
      ["wide.md", "wide.md is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8) and try again."],
      ["code.md", lines[7]?.error?.message],
      ["none.md", "none.md: does not exist; check the path."],
    ],
  );
  assert.match(lines[7]?.error?.message ?? "", /There is no prose to summarize here/);
  assert.equal(stderr, "(3 of 9 files; 3 failed: their lines say why; 4 left out)\n");
  const alone = await spanfill(["summarize", ...MODEL, "docs/b.md", "--json"]);
  assert.equal(JSON.parse(alone.stdout).summary, lines[1]?.summary);
});

test("--batch with --out goes on: only what is new, changed or asked for otherwise is computed", async () => {
  await batch("--out", "kept.jsonl");
  const whole = kept("kept.jsonl");
  const account = async (...options: string[]) => {
    const { stdout } = await batch("--out", "kept.jsonl", "--json", ...options);
    return JSON.parse(stdout);
  };
  assert.deepEqual(await account(), {
    ...{ files: 9, summarized: 3, reused: 3, failed: 3, leftOut: 4, partial: false },
    out: "kept.jsonl",
  });
  assert.equal(kept("kept.jsonl"), whole);
  // As a run leaves it that was killed while it wrote.
  const [first = "", second = ""] = whole.split("\n");
  writeFileSync(at("kept.jsonl"), `${first}\n${second.slice(0, 50)}`);
  assert.equal((await account()).reused, 1);
  assert.equal(kept("kept.jsonl"), whole);
  appendFileSync(at("docs/c.txt"), "More.\n");
  assert.equal((await account()).reused, 2);
  assert.equal((await account("--style", "bullets")).reused, 0);
});

test("a file that no batch wrote is not written over, and options that do not go together are refused", async () => {
  writeFileSync(at("notes.txt"), "Mine.\nAlso mine.\n");
  const { code, stderr } = await batch("--out", "notes.txt");
  assert.equal(code, 1);
  assert.match(stderr, /notes\.txt is not what an earlier batch wrote \(line 1\)\. Name another file/);
  assert.equal(kept("notes.txt"), "Mine.\nAlso mine.\n");
  for (const [args, message] of [
    [["docs/a.md", "--on", "ray://head"], /--on belongs to --batch/],
    [["--batch", "docs", "--on", "torchrun"], /--on torchrun is not a cluster\. Give ray:/],
    [["--batch", "docs", "--on", "ray://head", "--device", "server"], /Leave --device out/],
    [["--batch", "docs", "--language", "latex"], /--language applies to a single text/],
    [["docs/a.md", "--batch", "docs/b.md"], /Name all files after --batch/],
  ] as const) {
    const refused = await spanfill(["summarize", ...MODEL, ...args]);
    assert.equal(refused.code, 2, args.join(" "));
    assert.match(refused.stderr, message);
  }
});

/** A cluster that gives these answers, by the files' names. */
async function cluster(answers: readonly object[], end = { status: "SUCCEEDED", more: "" }, skipped = 0) {
  const server: FakeRay = await fakeRay(
    rayJobs(() => {
      const sent = server.asked.findLast(({ body }) => body.includes("job/batch.json"))?.body.toString() ?? "";
      const { documents } = JSON.parse(/\{"documents":.*?\}\]?\}(?=PK)/s.exec(sent)?.[0] ?? assert.fail("no batch"));
      const named = new Map(
        answers.map((answer) => [
          String((answer as Line).file)
            .split("/")
            .at(-1),
          answer,
        ]),
      );
      // In another order than asked.
      const events = documents
        .toReversed()
        .slice(skipped)
        .map(({ index, name }: { index: number; name: string }) => {
          return `spanfill-event ${JSON.stringify({ type: "answer", index, line: { ...named.get(name), file: "elsewhere" } })}\n`;
        });
      return { status: end.status, logs: `noise\n${events.join("")}${end.more}` };
    }),
  );
  const run = await batch(
    "--on",
    server.address,
    "--out",
    `cluster-${server.asked.length}-${Date.now()}.jsonl`,
    "--json",
  );
  await server.close();
  return { ...run, asked: server.asked };
}

test("--on asks a cluster: it gets the documents and the model, and the lines are those of here", async () => {
  const here = linesIn((await batch()).stdout);
  const { code, stdout, stderr, asked } = await cluster(here);
  assert.equal(code, 1, stderr);
  const { out, ...account } = JSON.parse(stdout);
  assert.deepEqual(account, { files: 9, summarized: 3, reused: 0, failed: 3, leftOut: 4, partial: false });
  assert.deepEqual(linesIn(kept(out)), here);
  assert.match(
    stderr,
    /^spanfill: Sent to 127.*\(Ray 2\.60\.0, not encrypted\): the text and file names of 4 documents/,
  );
  assert.match(stderr, /, and the model .* \(\d+ [kM]B\)\. Ray removes them/);
  const bodies = asked.map(({ body }) => body.toString("latin1")).join("");
  assert.ok(bodies.includes(textOf(1)) && bodies.includes("spanfill_cluster/documents.py"));
  for (const hidden of ["AKIA", "The one of and to", "my-secrets", folder, "secret-token"])
    assert.ok(!bodies.includes(hidden), hidden);
  assert.ok(asked.every(({ authorization }) => authorization === "Bearer secret-token"));
  assert.equal(asked.at(-1)?.method, "DELETE");
});

test("a cluster with another spanfill, a job that fails, and answers that are none, are each told of", async () => {
  const here = linesIn((await batch()).stdout);
  const other = await cluster(here.map((line) => ({ ...line, asked: "0".repeat(16) })));
  assert.equal(other.code, 1);
  assert.match(other.stdout, /The spanfill on 127.* is not this one: .*npm install -g/);
  const none = await cluster([]);
  assert.match(none.stdout, /is not this one/);
  const missing = await cluster(here, undefined, 1);
  assert.match(missing.stdout, /The job spanfill-batch-.* ended without 1 answers\. Run the command again/);
  const more = "RuntimeError: spanfill is not installed on a machine\n";
  const failed = await cluster(here, { status: "FAILED", more });
  assert.match(failed.stdout, /The job on .* failed: RuntimeError: spanfill is not installed.*Run the command again/);
});
