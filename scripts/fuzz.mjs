// Searches for files that crash, hang or bloat a reader: `npm run fuzz -- [--seconds 120] [--seed N] [reader ...]`.
// Each reader runs in a separate process, so that one that hangs can be ended; findings are kept in
// test-results/fuzz.
import { execFileSync, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const { values, positionals } = parseArgs({
  options: { seconds: { type: "string", default: "120" }, seed: { type: "string" } },
  allowPositionals: true,
});
const outdir = `dist/fuzz-${process.pid}`;
await build({
  entryPoints: ["test/checkpoint/fuzz-main.ts"],
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  sourcemap: "inline",
  logLevel: "warning",
});
const main = `${outdir}/fuzz-main.mjs`;
const names =
  positionals.length > 0
    ? positionals
    : execFileSync(process.execPath, [main], { encoding: "utf8" }).split("\n").filter(Boolean);
let failed = 0;
for (const name of names) {
  const run = [name, values.seconds, ...(values.seed === undefined ? [] : [values.seed])];
  // fast-check stops between two files: one that never ends is ended here.
  const { status, signal } = spawnSync(process.execPath, ["--enable-source-maps", main, ...run], {
    stdio: "inherit",
    timeout: 1000 * (Number(values.seconds) + 30),
    killSignal: "SIGKILL",
  });
  if (signal !== null) console.error(`${name}: ended after ${values.seconds} seconds and 30 more`);
  if (status !== 0) failed += 1;
}
rmSync(outdir, { recursive: true, force: true });
process.exit(failed === 0 ? 0 : 1);
