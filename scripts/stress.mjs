// Load and faults of all kinds: `npm run stress [-- --long] [part ...]` writes docs/stress.md.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { build } from "esbuild";
import { built } from "./build.mjs";

if (!built()) process.exit(1);
const outdir = `dist/stress-${process.pid}`;
await build({
  ...{ entryPoints: ["test/stress/main.ts"], outdir, outExtension: { ".js": ".mjs" } },
  ...{ bundle: true, format: "esm", platform: "node", target: "node20", packages: "external" },
  ...{ sourcemap: "inline", logLevel: "warning" },
});
const args = ["--enable-source-maps", `${outdir}/main.mjs`, ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
rmSync(outdir, { recursive: true, force: true });
process.exit(status ?? 1);
