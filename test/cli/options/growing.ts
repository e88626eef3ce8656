/** Effects of the options of `grow`. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Effect, line, type Workspace } from "./effect.ts";

export function growingEffects({ folder, run, fail, model }: Workspace): Effect[] {
  const sizes = ["--layers", "--decoder-layers", "--d-model", "--d-ff", "--heads"];
  const others = ["--method", "--learn", "--data", "--lr", "--batch-size", "--out", "--seed", "--threads", "--json"];
  const configOf = (name: string) => JSON.parse(readFileSync(join(folder, name, "config.json"), "utf8"));
  const weightsOf = (name: string) => readFileSync(join(folder, name, "model.safetensors"));
  const shown = async () => {
    const larger = ["--layers", "3", "--decoder-layers", "4", "--d-model", "48", "--d-ff", "80", "--heads", "3"];
    const grow = ["grow", model, ...larger, "--threads", "2"];
    const { last, sessions } = await run([...grow, "--out", "first", "--json"]);
    assert.ok(last.difference < 1e-3, `${last.difference}`);
    assert.deepEqual([...new Set(sessions.map(({ threads }) => threads))], [2]);
    const { num_layers, num_decoder_layers, d_model, d_ff, num_heads } = configOf("first");
    assert.deepEqual([num_layers, num_decoder_layers, d_model, d_ff, num_heads], [3, 4, 48, 80, 3]);
    const { stdout } = await run([...grow, "--out", "second", "--seed", "2"]);
    assert.match(stdout, /second: \d.\d\d M parameters, grown from/);
    assert.notDeepEqual(weightsOf("second"), weightsOf("first"));
    const stacked = await run([...grow, "--out", "stacked", "--method", "stack", "--json"]);
    assert.ok(stacked.last.difference > 1e-2);
    mkdirSync(join(folder, "grown-texts"));
    for (let i = 0; i < 40; i += 1) writeFileSync(join(folder, "grown-texts", `${i}.md`), `${line(i, 50)}.\n`);
    const learn = [...grow, "--learn", "2", "--data", "grown-texts"];
    const rates = ["1e-3", "1e-2"];
    for (const rate of rates) await run([...learn, "--lr", rate, "--out", `learned-${rate}`]);
    await run([...learn, "--batch-size", "3", "--out", "learned-batch"]);
    const learned = ["learned-1e-3", "learned-1e-2", "learned-batch", "first"].map((name) =>
      weightsOf(name).toString("hex"),
    );
    assert.equal(new Set(learned).size, learned.length);
    assert.match(await fail([...grow, "--out", "first"]), /with other files in it/);
    assert.match(await fail(["grow", model, "--d-model", "8"]), /--d-model 8 is fewer than before/);
    assert.match(await fail(["grow", model, "--layers", "2", "--learn", "2"]), /--learn needs a text/);
    assert.match(await fail(["grow", model, "--layers", "2", "--data", "grown-texts"]), /--data is for --learn/);
  };
  return [{ command: "grow", options: [...sizes, ...others], shown }];
}
