import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Platform, platformProblem, thisPlatform } from "../../client/platform.ts";

const rows: [Platform, RegExp | undefined][] = [
  [{ platform: "linux", arch: "x64", musl: false }, undefined],
  [{ platform: "linux", arch: "x64", musl: true }, /does not run on Alpine Linux.*\(alpine-x64\)/],
  [{ platform: "darwin", arch: "x64", musl: false }, /does not run on Macs with an Intel processor/],
  [{ platform: "linux", arch: "arm", musl: false }, /does not run on this kind of machine \(linux-arm\)/],
  [{ platform: "linux", arch: "arm64", musl: false }, /packaged for another one. Install the package for linux-arm64/],
];

for (const place of ["dist/node_modules", "node_modules"]) {
  test(`says where the engine cannot run (binary in ${place})`, () => {
    const folder = mkdtempSync(join(tmpdir(), "spanfill-platform-"));
    try {
      const binaries = join(folder, place, "onnxruntime-node", "bin", "napi-v6", "linux", "x64");
      mkdirSync(binaries, { recursive: true });
      writeFileSync(join(binaries, "onnxruntime_binding.node"), "");
      for (const [machine, expected] of rows) {
        const problem = platformProblem(machine, folder);
        if (expected === undefined) assert.equal(problem, undefined);
        else assert.match(problem ?? "", expected);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test("names this machine as Node does", () => {
  const { platform, arch } = thisPlatform();
  assert.deepEqual([platform, arch], [process.platform, process.arch]);
});
