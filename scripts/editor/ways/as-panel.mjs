// Uses the panel of the installed extension through code-server's window (test/e2e/panel.mjs), beside a hub on
// loopback.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { HUB_MODEL, usePanel } from "../../../test/e2e/panel.mjs";
import { keepLogs, openPage, startCodeServer } from "../code-server.mjs";
import { installEditor } from "../install.mjs";
import { randomModel } from "../models.mjs";
import { cleanUp } from "../outcome.mjs";
import { processesOf } from "../system.mjs";

/** Does everything once. @returns an outcome (outcome.mjs) */
export async function asPanel({ folder, workspace, results, vsix, settings }) {
  const editor = installEditor();
  const model = await randomModel(folder, { layers: 2, width: 128, sentinels: 100 });
  const hub = await loopbackHub(folder, model.directory);
  const env = {
    HF_ENDPOINT: hub.endpoint,
    HF_HOME: join(folder, "huggingface"),
    SPANFILL_MODELS: join(folder, "models"),
    SPANFILL_CACHE: join(folder, "cache"),
  };
  const server = await startCodeServer(editor, { folder, vsix, settings, env });
  try {
    const open = () => openPage(editor.browser);
    return await usePanel({ server, workspace, results, open, folder, hub });
  } finally {
    await cleanUp(
      // Training runs would outlive the server.
      () => {
        for (const pid of processesOf(join(server.extension, "dist", "cli.js"))) process.kill(pid);
      },
      server.stop,
      () => keepLogs(server, join(results, "logs")),
      model.dispose,
      () => hub.stop(),
    );
  }
}

/** test/support/hub-server.ts with one model. */
async function loopbackHub(folder, directory) {
  const outfile = join(folder, "hub-server.mjs");
  const entryPoints = ["test/support/hub-server.ts"];
  await build({ entryPoints, outfile, bundle: true, format: "esm", platform: "node", target: "node20" });
  const { startHub } = await import(pathToFileURL(outfile).href);
  const files = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]);
  const hub = await startHub({ [HUB_MODEL]: Object.fromEntries(files) });
  return Object.assign(hub, { stop: () => hub[Symbol.asyncDispose]() });
}
