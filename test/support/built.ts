/** The files of dist/, which scripts/test.mjs builds once before the tests that run them as they ship: as processes. */
import { resolve } from "node:path";

/** The path of a file in dist/. */
export function built(name: "cli.js" | "server.js" | "child.js"): string {
  return resolve("dist", name);
}
