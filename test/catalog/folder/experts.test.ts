/** Configurations of Switch Transformers and Primers that their weights contradict, or that nothing could run. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openModel } from "../../../server/catalog/folder/open.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const SWITCH = {
  ...{ model_type: "switch_transformers", num_experts: 4, expert_capacity: 8 },
  ...{ num_sparse_encoder_layers: 1, num_sparse_decoder_layers: 1 },
};

const odd: readonly [what: string, change: object, code: string, message: RegExp][] = [
  ["more experts than weights", { num_experts: 6 }, "checkpoint", /router.* is \[4,32\].*num_experts 6/],
  ["fewer experts than weights", { num_experts: 3 }, "checkpoint", /router.* is \[4,32\].*num_experts 3/],
  ["experts without room", { expert_capacity: 0 }, "config", /expert_capacity as 0/],
  ["a kernel of even width", { depthwise_conv_width: 4 }, "config", /width as 4; it must be odd/],
  ["a kernel that no tensor is for", { depthwise_conv_width: 3 }, "checkpoint", /q_conv_0/],
];
for (const [what, change, code, message] of odd) {
  test(`a configuration with ${what} is refused by name`, async () => {
    const more = "depthwise_conv_width" in change ? {} : SWITCH;
    const { directory, dispose } = randomModelFolder({ layers: 2, more });
    try {
      await openModel(directory, "float");
      const path = join(directory, "config.json");
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...change }));
      await assert.rejects(openModel(directory, "float"), { code, message });
    } finally {
      dispose();
    }
  });
}
