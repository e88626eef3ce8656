/** Effects of the options of `create`. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Effect, line, type Workspace } from "./effect.ts";

export function creatingEffects({ folder, run, fail, model }: Workspace): Effect[] {
  const options = ["--config", "--shape", "--vocabulary", "--out", "--seed", "--json"];
  const shown = async () => {
    const shape = { d_model: 16, d_ff: 32, d_kv: 8, num_heads: 2, num_layers: 1, feed_forward_proj: "squared-relu" };
    writeFileSync(join(folder, "primer.json"), JSON.stringify({ model_type: "t5", ...shape, depthwise_conv_width: 3 }));
    const create = ["create", "--vocabulary", model];
    const { last } = await run([...create, "--config", "primer.json", "--out", "my-primer", "--json"]);
    assert.equal(last.out, join(folder, "my-primer"));
    const { stdout } = await run([...create, "--shape", "tiny-nl1-dm16-ff32-nh2-kv8", "--seed", "3"]);
    assert.match(stdout, /tiny-nl1-dm16-ff32-nh2-kv8-fresh: 0\.01 M parameters, which have learned nothing yet/);
    const weightsOf = (name: string) => readFileSync(join(folder, name, "model.safetensors")).toString("hex");
    await run([...create, "--shape", "tiny-nl1-dm16-ff32-nh2-kv8", "--seed", "4", "--out", "fourth"]);
    assert.notEqual(weightsOf("fourth"), weightsOf("tiny-nl1-dm16-ff32-nh2-kv8-fresh"));
    // It learns from its first weights.
    mkdirSync(join(folder, "created-texts"));
    for (let i = 0; i < 40; i += 1) writeFileSync(join(folder, "created-texts", `${i}.md`), `${line(i, 50)}.\n`);
    const train = ["train", "--task", "infill", "--base", "./my-primer", "--data", "created-texts", "--out", "learned"];
    const trained = await run([
      ...train,
      "--lr",
      "0.02",
      "--batch-size",
      "4",
      "--epochs",
      "4",
      "--judged",
      "0",
      "--json",
    ]);
    const losses = trained.stdout
      .split("\n")
      .filter((text) => text.includes('"type":"evaluation"'))
      .map((text) => JSON.parse(text).validation);
    assert.ok((losses.at(-1) ?? 9) < 0.8 * (losses[0] ?? 0), losses.join(" "));
    assert.match(await fail(create), /either a --config file or a --shape/);
  };
  return [{ command: "create", options, shown }];
}
