// The language server in a real Neovim, driven by test/editors/neovim.lua over stdio.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { randomModel } from "../models.mjs";
import { cleanUp } from "../outcome.mjs";
import { aptInstall, onPath } from "../system.mjs";

const LIMIT_MS = 300_000;
const TEXT =
  "# A heading 🙂\n\nit comes in order ___ use it, as well ___ the rest.\nmore 🙂 a number ___ files here\n\nthe end\n";

/** Runs the script. @returns an outcome (outcome.mjs) */
export async function inNeovim({ folder }) {
  const why = onPath("nvim") === undefined ? aptInstall("neovim") : undefined;
  if (onPath("nvim") === undefined) {
    throw new Error(
      `There is no nvim on the PATH, and ${why ?? "installing it did not help"}. Install Neovim 0.7 or later.`,
    );
  }
  execFileSync(process.execPath, ["esbuild.mjs"], { stdio: "inherit" });
  const model = await randomModel(folder);
  const file = join(folder, "notes.md");
  const result = join(folder, "result.json");
  writeFileSync(file, TEXT);
  const digested = join(folder, "digested");
  mkdirSync(digested);
  writeFileSync(join(digested, "ferry.md"), "# The ferry\n\nthe one of it is there, and it was to be here.\n");
  const documented = join(folder, "documented.lua");
  const [, code] = /```lua\n(function _G\.spanfill.*?)```/s.exec(readFileSync("docs/editors/neovim.md", "utf8"));
  writeFileSync(documented, code);
  const environment = {
    XDG_STATE_HOME: folder,
    XDG_CACHE_HOME: folder,
    SPANFILL_SERVER: JSON.stringify([process.execPath, resolve("dist/cli.js"), "serve", "--stdio"]),
    SPANFILL_SETTINGS: JSON.stringify({ spanfill: { model: model.directory, precision: "float32" } }),
    SPANFILL_FILE: file,
    SPANFILL_DOCUMENTED: documented,
    SPANFILL_FOLDER: digested,
    SPANFILL_RESULT: result,
  };
  try {
    const script = join("test", "editors", "neovim.lua");
    const nvim = ["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", `luafile ${script}`];
    const { error, signal } = spawnSync("nvim", nvim, {
      stdio: ["ignore", "ignore", "inherit"],
      timeout: LIMIT_MS,
      env: { ...process.env, ...environment },
    });
    if (error ?? signal) throw new Error(`Neovim did not end by itself: ${error?.message ?? signal}`);
    return outcomeOf(JSON.parse(readFileSync(result, "utf8")), readFileSync(script, "utf8"));
  } finally {
    await cleanUp(model.dispose);
  }
}

function outcomeOf(checks, script) {
  for (const { name, passed } of checks) console.log(`${passed ? "ok" : "not ok"} ${name}`);
  const failed = checks.filter(({ passed }) => !passed);
  return {
    passed: checks.length - failed.length,
    failures: failed.map(({ name, seen }) => ({ title: name, message: seen })),
    expected: script.match(/^ +check\("(?!the script ran)/gm).length,
    notes: [spawnSync("nvim", ["--version"], { encoding: "utf8" }).stdout.split("\n")[0]],
  };
}
