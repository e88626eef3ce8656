/** A run on a Ray cluster, with a server in its place: what is sent, and what comes back. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { commandLine } from "../../support/command-line.ts";
import { type FakeRay, fakeRay, rayJobs } from "../../support/fake-ray.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { asLines, pairRows, textOf } from "../../support/pair-rows.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-on-ray-"));
const model = randomModelFolder();
const { run: spanfill } = commandLine(folder, { SPANFILL_MODELS: join(folder, "models") });
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true });
});

writeFileSync(join(folder, "pairs.jsonl"), asLines(pairRows(8)));

const event = (said: object) => `spanfill-event ${JSON.stringify(said)}\n`;

/** The weights that came in a package of their own. */
function weightsIn({ asked }: FakeRay): Buffer {
  const name = "spanfill-part-0.bin";
  const { body } =
    asked.find(({ method, body }) => method === "PUT" && body.includes(name)) ?? assert.fail("no weights");
  return body.subarray(30 + name.length, 30 + name.length + body.readUInt32LE(18));
}

/** What a job of the cluster prints. @param sum of the weights, as it tells it */
function logsOf(server: FakeRay, entrypoint: string, sum?: string): string {
  const weights = weightsIn(server);
  const sha256 = createHash("sha256").update(weights).digest("hex");
  if (entrypoint.includes(" fetch ")) return event({ bytes: weights.toString("base64") }) + event({ sha256 });
  if (!entrypoint.includes(" train ")) return "";
  const evaluation = { type: "evaluation", loss: null, best: true, outputs: [[3, 1]] };
  const file = { path: "model/model.safetensors", bytes: weights.length, sha256: sum ?? sha256 };
  return [
    event({ ...evaluation, step: 0, validation: 3 }),
    event({ ...evaluation, step: 2, validation: 2 }),
    event({ type: "done", steps: 2, tokensPerSecond: 1, files: [file] }),
  ].join("");
}

async function trainOn(out: string, sum?: string, ...more: string[]) {
  const entrypoints: string[] = [];
  const server: FakeRay = await fakeRay(
    rayJobs((entrypoint) => {
      entrypoints.push(entrypoint);
      return { status: "SUCCEEDED", logs: logsOf(server, entrypoint, sum) };
    }),
  );
  const request = ["--task", "summarize", "--data", "pairs.jsonl", "--base", model.directory, "--epochs", "1"];
  const args = ["train", ...request, "--out", out, "--json", "--on", server.address, "--judged", "1", ...more];
  const { code, stdout } = await spanfill(args);
  await server.close();
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  return { code, events, entrypoints, asked: server.asked };
}

test("a cluster gets token ids and the base, and the model comes back by the Jobs API", async () => {
  const { code, events, entrypoints, asked } = await trainOn(
    "model",
    undefined,
    "--workers",
    "3",
    "--storage",
    "/shared",
  );
  assert.equal(code, 0, JSON.stringify(events));
  assert.deepEqual(
    events.map(({ type }) => type),
    ["plan", "evaluation", "evaluation", "done"],
  );
  assert.match(
    events[0].notes[0],
    /^Sent to 127.*\(Ray 2\.60\.0, not encrypted\): 8 examples as token ids, which its voc/,
  );
  const [train = "", fetch = "", remove = "", ...more] = entrypoints;
  assert.match(train, /^python -m spanfill_cluster\.on_ray train '\/shared\/[0-9a-f]{12}' 3$/);
  assert.match(fetch, /on_ray fetch '\/shared\/[0-9a-f]{12}\/model\/model\.safetensors' 0 \d+$/);
  assert.match(remove, /on_ray remove '\/shared\/[0-9a-f]{12}'$/);
  assert.deepEqual(more, []);
  // No text travels as such, nor a path of this machine.
  for (const { body } of asked) {
    assert.ok(!body.includes(textOf(1)) && !body.includes(textOf(1).slice(0, 40)));
    assert.ok(!body.includes(join(folder, "pairs.jsonl")));
  }
  // The cluster keeps no record of the jobs.
  assert.equal(asked.filter(({ method }) => method === "DELETE").length, 3);
  const out = join(folder, "model");
  assert.ok(readFileSync(join(out, "model.safetensors")).equals(weightsIn({ asked } as FakeRay)));
  assert.ok(!existsSync(join(out, ".training")));
});

test("a model of another sum than the cluster told is not taken", async () => {
  const { code, events } = await trainOn("other", "0".repeat(64));
  assert.equal(code, 1);
  assert.match(events.at(-1).error.message, /model\/model\.safetensors from .* is not what training wrote/);
  assert.ok(!existsSync(join(folder, "other", "config.json")));
});
