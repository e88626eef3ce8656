// Bundles the command line and the engine's child process into dist/.
import { build } from "esbuild";

await build({
  entryPoints: { cli: "server/cli.ts", child: "server/engine/child.ts" },
  outdir: "dist",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  external: ["onnxruntime-node"],
  banner: {
    // protobufjs and others are CommonJS inside an ESM bundle.
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  minify: true,
  legalComments: "linked",
  sourcemap: false,
  logLevel: "warning",
});
