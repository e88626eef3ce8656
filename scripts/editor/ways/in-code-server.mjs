// The editor tests in code-server, shown by a browser: the mocha suite in the remote extension host, then
// test/e2e/seen.mjs in a window without test options.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { HOSTILE_NAME } from "../../../test/e2e/hostile.mjs";
import { inWindow } from "../../../test/e2e/seen.mjs";
import { keepLogs, openPage, startCodeServer } from "../code-server.mjs";
import { installEditor } from "../install.mjs";
import { hostileModel } from "../models.mjs";
import { cleanUp } from "../outcome.mjs";
import { prepareSuite } from "../suite.mjs";
import { traceEditor } from "../traced.mjs";

const LIMIT_MS = 600_000;
/** Size of the window that nobody looks at: drawing without a graphics card takes time by it. */
const SMALL = { width: 800, height: 500 };

/** Runs the tests. @returns an outcome (outcome.mjs) */
export async function inCodeServer({ folder, workspace, results, vsix, settings, model }) {
  const editor = installEditor();
  const suite = await prepareSuite({ folder, model });
  const trace = traceEditor(folder);
  const server = await startCodeServer(editor, {
    folder,
    vsix,
    settings,
    env: { ...suite.env, ...trace.env },
    under: trace.under,
  });
  const bad = await hostileModel(folder, HOSTILE_NAME);
  const user = join(folder, "user", "User");
  let close;
  try {
    const opened = await openPage(editor.browser);
    close = opened.close;
    const outcome = suite.outcome(await runSuite(opened.page, { server, suite, workspace, results }));
    const page = await opened.page.context().newPage();
    await opened.page.close();
    const trained = !model.random;
    const seen = await inWindow({ page, server, workspace, results, user, badModel: bad.directory, trained });
    server.stop();
    const sent = trace.outcome(server.extension);
    const all = [outcome, seen, sent];
    const sum = (count) => all.reduce((total, each) => total + each[count], 0);
    return {
      notes: [...(outcome.notes ?? []), ...sent.notes],
      passed: sum("passed"),
      failures: all.flatMap(({ failures }) => failures),
      expected: sum("expected"),
    };
  } finally {
    await cleanUp(
      () => close?.(),
      bad.dispose,
      server.stop,
      () => keepLogs(server, join(results, "logs")),
    );
  }
}

/** The exit code, when the suite has ended. @throws Error when it does not end */
async function runSuite(page, { server, suite, workspace, results }) {
  const exited = new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`no end within ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref();
    page.exposeFunction("codeAutomationExit", done).catch(fail);
    page.once("crash", () => fail(new Error("the browser's page crashed")));
  });
  await page.exposeFunction("codeAutomationLog", (type, args) => logLine(join(results, "console.log"), type, args));
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
    { developmentOptions: { extensions: [uri(server.extension)], extensionTestsPath: uri(suite.path) } },
  );
  try {
    await page.setViewportSize(SMALL);
    await page.goto(`http://${server.host}/?folder=${workspace}`);
    return await exited;
  } catch (error) {
    await cleanUp(() => page.screenshot({ path: join(results, "at-the-end.png") }));
    throw error;
  }
}

/** Prints the tests' names as they end; all other output goes to a file. */
function logLine(path, type, args) {
  const text = args.map((arg) => (typeof arg === "string" ? arg : JSON.stringify(arg))).join(" ");
  if (/^(not )?ok /.test(text)) console.log(text.split("\n")[0]);
  else appendFileSync(path, `[${type}] ${text}\n`);
}
