/** The last line of defense of processes that serve others. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { buildSync } from "esbuild";

/** Runs a program that may use `stayUp`. */
function run(program: string) {
  const contents = `import { stayUp } from "./server/engine/process/stay-up.ts";\n${program}`;
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: "." },
    bundle: true,
    format: "esm",
    platform: "node",
    write: false,
  });
  const args = ["--input-type=module", "-e", outputFiles[0]?.text ?? ""];
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}

test("what nothing handled is logged, and the process goes on", () => {
  const { status, stdout, stderr } = run(`
    stayUp((line) => console.error(line));
    setTimeout(() => { throw new Error("late"); }, 1);
    Promise.reject(new Error("alone"));
    setTimeout(() => { console.log("still here"); }, 100);`);
  assert.deepEqual([status, stdout], [0, "still here\n"]);
  assert.match(stderr, /an unhandled exception: Error: late\n +at/);
  assert.match(stderr, /an unhandled rejection: Error: alone\n +at/);
});

test("a log that throws ends nothing", () => {
  const { status, stdout } = run(`
    stayUp(() => { throw new Error("no reader"); });
    setTimeout(() => { throw new Error("late"); }, 1);
    setTimeout(() => { console.log("still here"); }, 100);`);
  assert.deepEqual([status, stdout], [0, "still here\n"]);
});
