import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { addressSpace, checkFits, memoryNeeded } from "../../../server/engine/runtime/fit.ts";
import { requireAddressSpace } from "../../../server/files/address-space.ts";
import { built } from "../../support/built.ts";

const sized = (d_model: number, d_ff: number, d_kv: number, num_heads: number, num_layers: number): T5Config =>
  parseConfig({ model_type: "t5", vocab_size: 32128, d_model, d_ff, d_kv, num_heads, num_layers });
const large = sized(1024, 4096, 64, 16, 24);
const three = sized(1024, 16384, 128, 32, 24);

test("t5-large answers within 2 GB and 3B within 5 GB, in int8", () => {
  checkFits(large, "int8", { bytes: 2e9 });
  checkFits(three, "int8", { bytes: 5e9 });
  assert.ok(memoryNeeded(large, "float32") > 2.9e9);
});

test("a model that does not fit is refused with the numbers and what would fit", () => {
  const refusal = (config: T5Config, precision: "int8" | "float32", free: number) => {
    try {
      checkFits(config, precision, { bytes: free });
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

test("a limit on the address space counts, less what is used of it", () => {
  const status = "Name:\tnode\nVmPeak:\t 2000000 kB\nVmSize:\t 1000000 kB\n";
  const limits = (bytes: string) =>
    `Max data size             unlimited\nMax address space         ${bytes}     ${bytes}   bytes\n`;
  assert.equal(addressSpace(limits("unlimited"), status), undefined);
  assert.equal(addressSpace("", ""), undefined);
  assert.equal(addressSpace(limits("1200000000"), status)?.bytes, 0);
  const free = addressSpace(limits("2424000000"), status);
  assert.equal(free?.bytes, 800e6);
  assert.throws(
    () => free !== undefined && checkFits(large, "int8", free),
    /but only 800 MB are free under this process's limit of 2\.4 GB of address space \(ulimit -v\)\. Raise that limit, or/,
  );
});

test("a process under ulimit -v refuses a model in one line", { skip: process.platform !== "linux" }, () => {
  const command = 'ulimit -v 1500000; exec "$0" "$1" infill -';
  const { status, stdout, stderr } = spawnSync("bash", ["-c", command, process.execPath, built("cli.js")], {
    ...{ input: "A map is a ___ of keys.", encoding: "utf8" },
  });
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(
    stderr,
    /^spanfill: The model needs about \d+ MB of memory in int8, but only [\d.]+ (kB|MB) are free under .*\n$/,
  );
});

test("wherever Node.js can load a module, a limit that is too low is named", {
  skip: process.platform !== "linux",
}, () => {
  const run = (limit: number, args: readonly string[]) => {
    const command = 'ulimit -v "$1"; shift; exec "$@"';
    const given = ["-c", command, "bash", String(limit), process.execPath, ...args];
    return spawnSync("bash", given, { input: "", encoding: "utf8" });
  };
  // So near to what it needs, V8 may itself run out while it compiles.
  const outcome = (limit: number, args: readonly string[]) => {
    const first = run(limit, args);
    return first.stderr.includes("Fatal") ? run(limit, args) : first;
  };
  const bare = (limit: number) => run(limit, ["--input-type=module", "-e", "0"]).status === 0;
  const limits = [720_000, 800_000, 900_000, 1_000_000, 1_150_000].filter(bare);
  assert.ok(limits.length > 2, `${limits}`);
  for (const limit of limits) {
    for (const args of [["models"], ["serve", "--stdio"]]) {
      const { status, stdout, stderr } = outcome(limit, [built("cli.js"), ...args]);
      assert.deepEqual([status, stdout], [1, ""], `${limit} ${args}: ${stderr}`);
      assert.match(
        stderr,
        /^spanfill: This process may use [\d.]+ .B of addresses .*the smallest model needs [^\n]*\n$/,
      );
    }
  }
});

test("a limit that Node.js itself cannot work below is named before it is met", () => {
  const limits = "Max address space         1000000000     1000000000   bytes\n";
  assert.throws(
    () => requireAddressSpace(limits),
    /may use 1\.0 GB of addresses \(ulimit -v\), but the smallest model/,
  );
  requireAddressSpace("Max address space         2000000000     2000000000   bytes\n");
  requireAddressSpace("Max address space         unlimited      unlimited    bytes\n");
});
