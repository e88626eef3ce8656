// Bundles the benchmarks into dist/bench.js and the processes that run our engine and our training in them into
// dist/bench-child.js, dist/bench-train.js and dist/bench-adapters.js.
import { build } from "esbuild";
import { wat } from "../scripts/wat.mjs";

await build({
  entryPoints: {
    bench: "bench/main.ts",
    "bench-child": "bench/support/engine-child.ts",
    "bench-train": "bench/support/train-child.ts",
    "bench-adapters": "bench/support/adapters-child.ts",
  },
  outdir: "dist",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  plugins: [wat],
  logLevel: "warning",
});
