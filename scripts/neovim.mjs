// Runs test/editors/neovim.lua in a real Neovim against the built server: `npm run test:neovim`. Installs Debian's Neovim where
// there is none and that may be done without asking; fails where there is none to be had.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

function version() {
  const { stdout, status } = spawnSync("nvim", ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}

if (version() === undefined && process.getuid?.() === 0) {
  console.log("installing Neovim with apt-get");
  spawnSync("apt-get", ["update"], { stdio: "ignore" });
  spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "neovim"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}
const neovim = version();
if (neovim === undefined) {
  console.error("There is no nvim on the PATH and it could not be installed; install Neovim 0.7 or later.");
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), "spanfill-neovim-"));
let model;
let checks = [];
try {
  execFileSync(process.execPath, ["esbuild.mjs"], { stdio: "inherit" });
  const outfile = join(folder, "random-model.mjs");
  await build({
    entryPoints: ["test/support/random-model.ts"],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
  });
  const { randomModelFolder } = await import(pathToFileURL(outfile).href);
  model = randomModelFolder();
  const file = join(folder, "notes.md");
  const result = join(folder, "result.json");
  writeFileSync(file, "# A heading 🙂\n\nthe one of ___ and to the ___ was.\nmore 🙂 it is ___ here\n\nthe end\n");
  spawnSync("nvim", ["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", "luafile test/editors/neovim.lua"], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 300_000,
    env: {
      ...process.env,
      XDG_STATE_HOME: folder,
      XDG_CACHE_HOME: folder,
      SPANFILL_SERVER: JSON.stringify([process.execPath, resolve("dist/cli.js"), "serve", "--stdio"]),
      SPANFILL_SETTINGS: JSON.stringify({ spanfill: { model: model.directory, precision: "float32" } }),
      SPANFILL_FILE: file,
      SPANFILL_RESULT: result,
    },
  });
  checks = JSON.parse(readFileSync(result, "utf8"));
} finally {
  model?.dispose();
  rmSync(folder, { recursive: true, force: true });
}

console.log(neovim);
for (const { name, passed, seen } of checks) console.log(`${passed ? "✔" : "✖"} ${name}${passed ? "" : `\n${seen}`}`);
const failed = checks.filter(({ passed }) => !passed).length;
console.log(`${checks.length} checks in Neovim, ${failed} failed`);
process.exit(checks.length > 0 && failed === 0 ? 0 : 1);
