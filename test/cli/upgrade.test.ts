/** Files of earlier and later versions: those of 2aa7aaf are read on, those of a later version are left alone. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type TrainEvent, trainEventSchema } from "../../protocol/training.ts";
import { commandLine } from "../support/command-line.ts";

const FIXTURE = "test/fixtures/upgrades/training";
const folder = mkdtempSync(join(tmpdir(), "spanfill-upgrade-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const commands = commandLine(folder);

/** A copy of the paused run, in a separate folder. */
function pausedRun(name: string): string {
  const place = join(folder, name);
  cpSync(FIXTURE, place, { recursive: true });
  const request = join(place, "run", ".training", "request.json");
  writeFileSync(request, readFileSync(request, "utf8").replaceAll("FOLDER", place.replaceAll("\\", "/")));
  return join(place, "run");
}

function eventsOf(stdout: string): TrainEvent[] {
  const lines = stdout.trimEnd().split("\n");
  return lines.map((line) => trainEventSchema.parse(JSON.parse(line)));
}

test("a run that an earlier version paused goes on, and says what was not checked", async () => {
  const run = pausedRun("earlier");
  const { code, stdout } = await commands.run(["train", "--resume", run, "--json"]);
  assert.equal(code, 0, stdout);
  const events = eventsOf(stdout);
  const [plan] = events;
  assert.ok(plan?.type === "plan" && plan.notes.some((note) => note.startsWith("An earlier version")), stdout);
  const resumed = events.find((event) => event.type === "resumed");
  const steps = events.flatMap((event) => (event.type === "step" ? [event.step] : []));
  assert.deepEqual([resumed?.type === "resumed" && resumed.step, steps[0], steps.at(-1)], [10, 11, 27]);
  assert.equal(events.at(-1)?.type, "done");
  assert.ok(existsSync(join(run, "model.safetensors")) && !existsSync(join(run, ".training")));
});

test("a state of other sizes is not taken for the run's", async () => {
  const run = pausedRun("other");
  const request = join(run, ".training", "request.json");
  writeFileSync(request, readFileSync(request, "utf8").replace('"method": "full"', '"method": "lora"'));
  const { code, stdout } = await commands.run(["train", "--resume", run, "--json"]);
  assert.equal(code, 1);
  assert.match(stdout, /with other settings or data/);
});

test("a run of a later version is left as it is, and named", async () => {
  const run = pausedRun("later");
  const state = join(run, ".training");
  const names = readdirSync(state).filter((name) => name.startsWith("state-"));
  for (const name of names) writeFileSync(join(state, name), ofVersion(9, readFileSync(join(state, name))));
  const before = names.map((name) => readFileSync(join(state, name)));
  const { code, stdout } = await commands.run(["train", "--resume", run, "--json"]);
  assert.equal(code, 1);
  assert.match(stdout, /unfinished run of a newer version of Spanfill/);
  assert.deepEqual(
    names.map((name) => readFileSync(join(state, name))),
    before,
  );
});

/** A safetensors file whose metadata names a version. */
function ofVersion(version: number, bytes: Buffer): Buffer {
  const end = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, end));
  header.__metadata__.version = String(version);
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([text, Buffer.alloc(-text.length & 7, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, bytes.subarray(end)]);
}
