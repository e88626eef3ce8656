import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { checkFits, memoryNeeded } from "../../../server/engine/runtime/fit.ts";

const sized = (d_model: number, d_ff: number, d_kv: number, num_heads: number, num_layers: number): T5Config =>
  parseConfig({ model_type: "t5", vocab_size: 32128, d_model, d_ff, d_kv, num_heads, num_layers });
const large = sized(1024, 4096, 64, 16, 24);
const three = sized(1024, 16384, 128, 32, 24);

test("t5-large answers within 2 GB and 3B within 5 GB, in int8", () => {
  checkFits(large, "int8", 2e9);
  checkFits(three, "int8", 5e9);
  assert.ok(memoryNeeded(large, "float32") > 2.9e9);
});

test("a model that does not fit is refused with the numbers and what would fit", () => {
  const refusal = (config: T5Config, precision: "int8" | "float32", free: number) => {
    try {
      checkFits(config, precision, free);
    } catch (error) {
      assert.ok(error instanceof ModelError && error.code === "memory");
      return error.message;
    }
    return assert.fail("it was accepted");
  };
  assert.match(
    refusal(three, "int8", 2e9),
    /needs about 4\.2 GB of memory in int8, but only 2\.0 GB are free\. Close other/,
  );
  assert.match(
    refusal(large, "float32", 2e9),
    /in float32, but only 2\.0 GB are free\. Choose int8, which needs [01]\.\d GB/,
  );
});
