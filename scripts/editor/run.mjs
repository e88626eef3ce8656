// The editor tests on the packaged extension: `run.mjs code-server` and `run.mjs electron` run test/e2e/suite inside the real
// extension host; `run.mjs person` runs test/e2e/person.mjs, which types and clicks. `--model DIR` takes another model than
// the built-in one (`random`: a small one with random weights, as where there is no built-in one), `--vsix FILE` a package that is already made.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { CALM_SETTINGS, keepLogs, openPage, startCodeServer } from "./code-server.mjs";
import { installEditor } from "./install.mjs";
import { root, tool, toolFolder } from "./tools.mjs";

const LIMIT_MS = 300_000;
const options = { model: { type: "string" }, vsix: { type: "string" } };
const { values, positionals } = parseArgs({ allowPositionals: true, options });
process.chdir(root);
const runners = { "code-server": inCodeServer, electron: inElectron, person: asPerson };
const [name = "code-server"] = positionals;
if (!Object.hasOwn(runners, name)) {
  console.error(`There is no way to run "${name}": use ${Object.keys(runners).join(", ")}.`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "spanfill-editor-"));
const results = join("test-results", name);
let model;
try {
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  mkdirSync(join(folder, "workspace"));
  const vsix = resolve(values.vsix ?? packaged());
  model = await chosenModel();
  await runners[name](vsix);
} catch (error) {
  // A suite that could not run is not a pass.
  console.error(`The editor tests did not run: ${error instanceof Error ? error.message : error}`);
  console.log("Editor tests run: 0");
  process.exitCode = 1;
} finally {
  model?.dispose();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Runs the mocha suite in the remote extension host of code-server. */
async function inCodeServer(vsix) {
  const editor = installEditor();
  const suite = await bundleSuite();
  const result = join(folder, "result.json");
  const server = await startCodeServer(editor, { folder, vsix, settings: settings(), env: environment(result) });
  let close = async () => undefined;
  try {
    const opened = await openPage(editor.browser);
    close = opened.close;
    const { page } = opened;
    const exited = new Promise((done, fail) => {
      setTimeout(() => fail(new Error(`no end within ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref();
      page.exposeFunction("codeAutomationExit", done).catch(fail);
    });
    await page.exposeFunction("codeAutomationLog", (_type, args) => logLine(args));
    const uri = (path) => ({ $mid: 1, scheme: "vscode-remote", authority: server.host, path });
    await page.addInitScript(
      ({ developmentOptions }) => {
        const original = Element.prototype.getAttribute;
        Element.prototype.getAttribute = function (attribute) {
          const value = original.call(this, attribute);
          if (this.id !== "vscode-workbench-web-configuration" || attribute !== "data-settings") return value;
          return JSON.stringify({ ...JSON.parse(value), developmentOptions });
        };
      },
      { developmentOptions: { extensions: [uri(server.extension)], extensionTestsPath: uri(suite) } },
    );
    await page.goto(`http://${server.host}/?folder=${join(folder, "workspace")}`);
    await exited.catch(async (error) => {
      await page.screenshot({ path: join(results, "at-the-end.png") });
      throw error;
    });
  } finally {
    keepLogs(server, join(results, "logs"));
    await close();
    server.stop();
  }
  report(result);
}

/** Runs the mocha suite in a VS Code that @vscode/test-electron downloads. */
async function inElectron(vsix) {
  const electron = tool("@vscode/test-electron");
  const executable = await electron.downloadAndUnzipVSCode("stable");
  const [cli, ...args] = electron.resolveCliArgsFromVSCodeExecutablePath(executable);
  const extensions = join(folder, "extensions");
  const places = [`--user-data-dir=${join(folder, "user")}`, `--extensions-dir=${extensions}`];
  const install = [...args.filter((arg) => !arg.startsWith("--")), ...places, "--install-extension", vsix];
  const made = spawnSync(cli, install, { encoding: "utf8", shell: process.platform === "win32" });
  const installed = made.status === 0 && readdirSync(extensions).find((one) => one.startsWith("spanfill.spanfill-"));
  if (!installed) throw new Error(`The VSIX was not installed:\n${made.stdout}${made.stderr}`);
  mkdirSync(join(folder, "user", "User"), { recursive: true });
  writeFileSync(join(folder, "user", "User", "settings.json"), JSON.stringify(settings()));
  const result = join(folder, "result.json");
  await electron
    .runTests({
      vscodeExecutablePath: executable,
      extensionDevelopmentPath: join(extensions, installed),
      extensionTestsPath: await bundleSuite(),
      extensionTestsEnv: environment(result),
      launchArgs: [join(folder, "workspace"), ...places, "--disable-workspace-trust"],
    })
    .catch((error) => console.error(`VS Code ended with: ${error.message}`));
  report(result);
}

/** Uses the installed extension through the window, and takes pictures. */
async function asPerson(vsix) {
  const editor = installEditor();
  const { actAsPerson } = await import(pathToFileURL(resolve("test/e2e/person.mjs")).href);
  const workspace = join(folder, "workspace");
  const server = await startCodeServer(editor, { folder, vsix, settings: settings() });
  try {
    const { done, failed } = await actAsPerson({
      server,
      workspace,
      results,
      open: () => openPage(editor.browser),
      folder,
    });
    console.log(`Editor tests run: ${done} as a person, ${failed.length} failed; pictures in ${results}`);
    if (done === 0 || failed.length > 0) process.exitCode = 1;
  } finally {
    keepLogs(server, join(results, "logs"));
    server.stop();
  }
}

function packaged() {
  const { status, stdout } = spawnSync(process.execPath, ["scripts/package.mjs"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const made = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (status !== 0) throw new Error(`The package could not be made:\n${stdout}`);
  console.log(made);
  return made.slice(0, made.indexOf(":"));
}

/** The built-in model, the one that was asked for, or a small one with random weights. */
async function chosenModel() {
  if (values.model && values.model !== "random") return { directory: resolve(values.model), dispose: () => undefined };
  const builtin = readdirSync("models/builtin", { recursive: true }).some((path) => path.endsWith("config.json"));
  if (builtin && values.model === undefined) return { dispose: () => undefined };
  console.log("The tests run with random weights.");
  const outfile = join(folder, "random-model.mjs");
  await build({
    entryPoints: ["test/support/random-model.ts"],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
  });
  const { randomModelFolder } = await import(pathToFileURL(outfile).href);
  return { ...randomModelFolder({ layers: 2, width: 128, sentinels: 100 }), random: true };
}

function settings() {
  return { ...CALM_SETTINGS, ...(model.directory === undefined ? {} : { "spanfill.model": model.directory }) };
}

function environment(result) {
  return { SPANFILL_E2E_RESULT: result, SPANFILL_E2E_MODEL: model.random ? "random" : "trained" };
}

/** One CommonJS file; mocha stays outside it. */
async function bundleSuite() {
  tool("mocha");
  const outfile = resolve("dist", "e2e", "suite.cjs");
  await build({
    entryPoints: ["test/e2e/suite/index.ts"],
    outfile,
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    alias: { mocha: toolFolder("mocha") },
    external: ["vscode", toolFolder("mocha")],
    sourcemap: "inline",
    logLevel: "warning",
  });
  return outfile;
}

function logLine(args) {
  const text = args.map((arg) => (typeof arg === "string" ? arg : JSON.stringify(arg))).join(" ");
  if (/^(not )?ok /.test(text)) console.log(text);
}

/** Prints what the suite wrote. Without a result, or without tests in it, the run failed whatever the exit code. */
function report(path) {
  let outcome;
  try {
    outcome = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new Error(`the extension host ended without a result; its logs are in ${results}`);
  }
  const { passed, failures, notes } = outcome;
  for (const note of notes) console.log(`  ${note}`);
  for (const { title, message } of failures) console.error(`FAILED ${title}\n${message}`);
  console.log(`Editor tests run: ${passed + failures.length}, ${failures.length} failed`);
  if (passed === 0 || failures.length > 0) process.exitCode = 1;
}
