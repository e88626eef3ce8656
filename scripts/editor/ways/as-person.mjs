// Uses the installed extension through code-server's window (test/e2e/person.mjs), and takes pictures.
import { join } from "node:path";
import { actAsPerson } from "../../../test/e2e/person.mjs";
import { keepLogs, openPage, startCodeServer } from "../code-server.mjs";
import { installEditor } from "../install.mjs";
import { cleanUp } from "../outcome.mjs";

/** Does everything once in each theme. @returns an outcome (outcome.mjs) */
export async function asPerson({ folder, workspace, results, vsix, settings }) {
  const editor = installEditor();
  const server = await startCodeServer(editor, { folder, vsix, settings });
  try {
    const open = () => openPage(editor.browser);
    const { done, failed, expected } = await actAsPerson({ server, workspace, results, open, folder });
    return {
      passed: done - failed.length,
      failures: failed.map((title) => ({ title, message: `a picture is in ${results}` })),
      expected,
      notes: [`pictures in ${results}`],
    };
  } finally {
    await cleanUp(server.stop, () => keepLogs(server, join(results, "logs")));
  }
}
