/** Effects of the options of `scale`. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Effect, line, type Workspace } from "./effect.ts";

export function scalingEffects({ folder, run, fail, model }: Workspace): Effect[] {
  const options = ["--data", "--shapes", "--minutes", "--steps", "--base", "--seed", "--threads", "--json"];
  const shown = async () => {
    mkdirSync(join(folder, "prose"));
    for (let i = 0; i < 40; i += 1) writeFileSync(join(folder, "prose", `${i}.md`), `${line(i, 50)}.\n`);
    const shapes = ["tiny-nl1-dm16-ff32-nh2-kv8", "tiny-nl2-dm16-ff32-nh2-kv8"];
    const toy = ["scale", "--data", "prose", "--base", model, "--shapes", ...shapes];
    const long = [...toy, "--steps", "12", "--seed", "1", "--threads", "2"];
    const { last, sessions } = await run([...long, "--json"]);
    type Points = readonly { readonly step: number; readonly loss: number }[];
    const ends = ({ runs }: { readonly runs: readonly { readonly points: Points }[] }) =>
      runs.map(({ points }) => points.at(-1) ?? assert.fail());
    assert.deepEqual(
      ends(last).map(({ step }) => step),
      [12, 12, 12, 12],
    );
    assert.deepEqual([...new Set(sessions.map(({ threads }) => threads))], [2]);
    // It is measured already, and the run that it is for knows of it.
    const { stdout } = await run(long);
    assert.match(stdout, /^shape .*\n.*tiny-nl1-dm16.*100%/);
    assert.match(stdout, /On your [\d.]+ kB a model of [\d.]+ M parameters is enough \(tiny/);
    const needs = await run(["train", "--task", "infill", "--data", "prose", "--base", model, "--dry-run"]);
    assert.match(needs.stdout, /is enough \(tiny/);
    const short = await run([...toy, "--minutes", "0.0001", "--seed", "2", "--threads", "1", "--json"]);
    assert.deepEqual(
      ends(short.last).map(({ step }) => step),
      [8, 8, 8, 8],
    );
    assert.match(await fail([...toy, "--minutes", "0"]), /--minutes.*Use a number above 0/s);
    assert.match(await fail(["scale", "--data", "prose", "--shapes"]), /--shapes/);
    assert.match(await fail(["scale", "--data", "prose", "--base", model, "--shapes", "tiny"]), /names one shape/);
  };
  return [{ command: "scale", options, shown }];
}
