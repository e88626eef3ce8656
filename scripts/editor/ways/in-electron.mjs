// The editor tests in a desktop VS Code that @vscode/test-electron downloads: for machines with the internet and a
// display.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { prepareSuite } from "../suite.mjs";
import { processesEnd } from "../system.mjs";
import { cacheFolder } from "../tools.mjs";

/** Runs the tests. @returns an outcome (outcome.mjs) */
export async function inElectron({ folder, workspace, vsix, settings, model }) {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (process.platform === "linux" && !DISPLAY && !WAYLAND_DISPLAY) {
    throw new Error("VS Code needs a display, and there is none: xvfb-run -a npm run test:electron gives it one.");
  }
  const { downloadAndUnzipVSCode, runTests, runVSCodeCommand } = await import("@vscode/test-electron");
  const vscode = { version: "stable", cachePath: join(cacheFolder(), "vscode") };
  mkdirSync(vscode.cachePath, { recursive: true });
  const executable = await downloadAndUnzipVSCode(vscode).catch((error) => {
    throw new Error(
      `VS Code could not be downloaded from update.code.visualstudio.com: ${reasonOf(error)}. Where that is out of reach, npm run test:editor runs the same tests in code-server, from the npm registry.`,
    );
  });
  const user = join(folder, "user");
  const extensions = join(folder, "extensions");
  const places = [`--user-data-dir=${user}`, `--extensions-dir=${extensions}`];
  await runVSCodeCommand([...places, "--install-extension", vsix], vscode);
  const installed = readdirSync(extensions).find((name) => name.startsWith("spanfill.spanfill-"));
  if (installed === undefined) throw new Error("VS Code did not install the VSIX, and did not say why");
  mkdirSync(join(user, "User"), { recursive: true });
  writeFileSync(join(user, "User", "settings.json"), JSON.stringify(settings));
  const suite = await prepareSuite({ folder, model });
  const code = await runTests({
    vscodeExecutablePath: executable,
    extensionDevelopmentPath: join(extensions, installed),
    extensionTestsPath: suite.path,
    extensionTestsEnv: suite.env,
    launchArgs: [workspace, ...places],
  }).catch((error) => error.code ?? reasonOf(error));
  const { passed, failures, expected, notes } = suite.outcome(code);
  if (process.platform === "win32") return { passed, failures, expected, notes };
  const title = "a closed window leaves no process behind";
  const left = await processesEnd(join(extensions, installed)).then(
    () => [],
    ({ message }) => [{ title, message }],
  );
  return { passed: passed + 1 - left.length, failures: [...failures, ...left], expected: expected + 1, notes };
}

function reasonOf(error) {
  return error?.message || error?.code || String(error);
}
