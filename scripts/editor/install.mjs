// A real VS Code for the tests where its download is refused: code-server from the npm registry, Node.js 24 to run it,
// and a browser to show it. Kept in the user's cache folder, so that only the first run pays for it.
import { copyFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { browserPath } from "./browser.mjs";
import { cached, npm, root } from "./tools.mjs";

const NODE = "24.9.0";
const CODE_SERVER = "4.139.1";

/**
 * Paths of what is needed; what is missing is installed first.
 * @throws Error with the reason where something cannot be had
 */
export function installEditor() {
  if (process.platform === "win32") {
    throw new Error("code-server does not run on Windows. Use npm run test:electron there, which downloads VS Code.");
  }
  const browser = browserPath();
  const machine = `${process.platform}-${process.arch}`;
  const node = join(cached(`node-${NODE}-${machine}`, installNode), "node_modules", `node-${machine}`, "bin");
  const env = { ...process.env, PATH: `${node}${delimiter}${process.env.PATH}` };
  const server = cached(`code-server-${CODE_SERVER}-${machine}`, (folder) => installCodeServer(folder, env));
  const codeServer = join(server, "node_modules", "code-server");
  copyFileSync(
    join(root, "scripts", "editor", "spdlog.cjs"),
    join(codeServer, "lib", "vscode", "node_modules", "@vscode", "spdlog", "index.js"),
  );
  return { browser, node: join(node, "node"), entry: join(codeServer, "out", "node", "entry.js") };
}

function installNode(folder) {
  npm(["install", `node-${process.platform}-${process.arch}@${NODE}`], folder);
}

function installCodeServer(folder, env) {
  npm(["install", `code-server@${CODE_SERVER}`], folder, env);
  const editor = join(folder, "node_modules", "code-server", "lib", "vscode");
  npm(["install", "--omit=dev"], editor, env);
  npm(["install", "--omit=dev"], join(editor, "extensions"), env);
}
