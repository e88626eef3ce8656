/** Builds dist/ once for the tests that run it as it ships: as processes. */
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";

let done = false;

/** The path of a file in dist/, freshly built. */
export function built(name: "cli.js" | "server.js" | "child.js"): string {
  if (!done) execFileSync(process.execPath, ["esbuild.mjs"], { stdio: ["ignore", "ignore", "inherit"] });
  done = true;
  return resolve("dist", name);
}
