// The editor tests: `run.mjs code-server` and `run.mjs electron` run test/e2e/suite on the packaged extension inside a
// real extension host; `run.mjs person` runs test/e2e/person.mjs, which types and clicks, `run.mjs panel`
// test/e2e/panel.mjs, which uses the panel; `run.mjs record` makes the films and pictures of README.md; `run.mjs
// neovim` and `run.mjs emacs` drive the language server from those. `--model DIR` takes another model than the built-in
// one (`random`: a small one with random weights, as where there is no built-in one), `--vsix FILE` a package that is
// already made.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CALM_SETTINGS } from "./code-server.mjs";
import { chosenModel } from "./models.mjs";
import { cleanUp, report } from "./outcome.mjs";
import { record } from "./record.mjs";
import { root } from "./tools.mjs";
import { asPanel } from "./ways/as-panel.mjs";
import { asPerson } from "./ways/as-person.mjs";
import { inCodeServer } from "./ways/in-code-server.mjs";
import { inElectron } from "./ways/in-electron.mjs";
import { inEmacs } from "./ways/in-emacs.mjs";
import { inNeovim } from "./ways/in-neovim.mjs";

const options = { model: { type: "string" }, vsix: { type: "string" } };
const { values, positionals } = parseArgs({ allowPositionals: true, options });
const ways = {
  "code-server": onPackage(inCodeServer),
  electron: onPackage(inElectron),
  person: onPackage(asPerson),
  panel: onPackage(asPanel),
  record: onPackage(record),
  neovim: inNeovim,
  emacs: inEmacs,
};
const [name = "code-server"] = positionals;
if (!Object.hasOwn(ways, name)) {
  console.error(`There is no way to run "${name}": use ${Object.keys(ways).join(", ")}.`);
  process.exit(2);
}
process.chdir(root);
// Started in a VS Code's terminal, the tests are not to find that VS Code.
for (const variable of Object.keys(process.env)) if (/^(VSCODE|ELECTRON)_/.test(variable)) delete process.env[variable];
// What was started is ended on the way out, Ctrl+C included.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(130));
// Each run has its own folders and port, so that two do not meet.
const folder = mkdtempSync(join(tmpdir(), "spanfill-editor-"));
const workspace = join(folder, "workspace");
const results = join("test-results", name);
process.once("exit", () => {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  } catch (error) {
    // What is being ended may still write there.
    console.error(`${folder} could not be removed: ${error.message}`);
  }
});
let outcome;
try {
  mkdirSync(workspace);
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  outcome = await ways[name]({ folder, workspace, results });
  const problem = report(outcome);
  if (problem !== undefined) throw new Error(problem);
} catch (error) {
  if (outcome === undefined) console.log("Editor tests run: 0");
  console.error(`The editor tests (${name}) failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

/** A way to run that needs the package, the model and the editor's settings. */
function onPackage(run) {
  return async (places) => {
    const vsix = resolve(values.vsix ?? packaged());
    const model = await chosenModel(values.model, folder);
    const settings = { ...CALM_SETTINGS, ...(model.directory && { "spanfill.model": model.directory }) };
    try {
      return await run({ ...places, vsix, model, settings });
    } finally {
      await cleanUp(model.dispose);
    }
  };
}

function packaged() {
  const { status, stdout } = spawnSync(process.execPath, ["scripts/package.mjs"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const made = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (status !== 0) throw new Error(`the package could not be made:\n${stdout}`);
  console.log(made);
  return made.slice(0, made.indexOf(":"));
}
