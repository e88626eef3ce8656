/** Runs that the panel starts on a cluster: its token reaches that cluster's run only, and no file. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { answerBy, type Questions } from "../../protocol/panel.ts";
import type { RunDetails, RunSummary } from "../../protocol/runs.ts";
import type { RunRequest } from "../../protocol/train-request.ts";
import { createRunService, type RunKind } from "../../server/runs/service.ts";
import { built } from "../support/built.ts";
import { fakeRay, rayJobs } from "../support/fake-ray.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { asLines, pairRows } from "../support/pair-rows.ts";
import { eventually } from "../support/waiting.ts";

const home = mkdtempSync(join(tmpdir(), "spanfill-cluster-runs-"));
const places = { hub: join(home, "hub"), own: join(home, "models") };
Object.assign(process.env, { HF_HUB_CACHE: places.hub, SPANFILL_MODELS: places.own, SPANFILL_CACHE: join(home, "c") });
const model = randomModelFolder();
cpSync(model.directory, join(places.own, "base"), { recursive: true });
model.dispose();
writeFileSync(join(home, "pairs.jsonl"), asLines(pairRows(8)));
const runs = createRunService({ places, onNews: () => undefined, cli: built("cli.js") });
after(() => {
  runs.dispose();
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
});

const SECRET = "a-secret-token";
const ask = <Kind extends RunKind>(question: Questions[Kind]) =>
  answerBy(runs.answers, question.kind as Kind, question, new AbortController().signal);

test("the connection to a cluster is tried, and says what a run would send", async () => {
  const server = await fakeRay(rayJobs(() => assert.fail("no job")));
  const { address } = server;
  const said = await ask({ kind: "cluster", address, clusterToken: { address, token: SECRET } });
  assert.match(String(said), /^Ray 2\.60\.0 at 127\.0\.0\.1:\d+ answers in \d+ ms, not encrypted\. A run sends it/);
  assert.deepEqual([...new Set(server.asked.map(({ authorization }) => authorization))], [`Bearer ${SECRET}`]);
  await server.close();
  const page = await fakeRay(() => ({ body: "<html>" }));
  await assert.rejects(ask({ kind: "cluster", address: page.address }), /not one of Ray's Jobs API/);
  assert.deepEqual([...new Set(page.asked.map(({ authorization }) => authorization))], [undefined]);
  await page.close();
  await assert.rejects(ask({ kind: "cluster", address: "ray://a b" }), /is not a cluster's address/);
});

test("a run gets the token of its cluster, and not that of another; no file has it", async () => {
  for (const [of, sent] of [
    [undefined, `Bearer ${SECRET}`],
    ["ray://elsewhere.example", undefined],
  ] as const) {
    const server = await fakeRay(() => ({ status: 403, body: "" }));
    const request: RunRequest = {
      ...{ task: "summarize", data: join(home, "pairs.jsonl"), base: "base", epochs: 1, threads: 1, judged: 1 },
      on: server.address,
    };
    const clusterToken = { address: of ?? server.address, token: SECRET };
    const { id } = (await ask({ kind: "startRun", title: "On a cluster", request, clusterToken })) as RunSummary;
    const summary = async () => ((await ask({ kind: "run", id })) as RunDetails).summary;
    await eventually(async () => (await summary()).state === "failed");
    assert.match((await summary()).message ?? "", /refuses the token/);
    assert.deepEqual([...new Set(server.asked.map(({ authorization }) => authorization))], [sent]);
    await server.close();
  }
  for (const entry of readdirSync(home, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) assert.ok(!readFileSync(join(entry.parentPath, entry.name)).includes(SECRET), entry.name);
});
