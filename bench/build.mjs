// Bundles the benchmarks into dist/bench.js and the process that runs our engine in them into dist/bench-child.js.
import { build } from "esbuild";

await build({
  entryPoints: { bench: "bench/main.ts", "bench-child": "bench/engine-child.ts" },
  outdir: "dist",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "warning",
});
