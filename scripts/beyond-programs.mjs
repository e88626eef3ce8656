// What comparisons with programs from PyPI begin with: an environment that has them, and our half of the comparison.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";
import { wat } from "./wat.mjs";

/**
 * The folder of an environment's programs, made in `folder` unless a variable names one; undefined where it cannot be
 * made.
 */
export function environment(folder, variable, packages) {
  const given = process.env[variable];
  if (given !== undefined) return join(given, "bin");
  const bin = join(folder, "venv", "bin");
  const quiet = { stdio: ["ignore", "ignore", "inherit"] };
  const made = spawnSync("python3", ["-m", "venv", join(folder, "venv")], quiet).status === 0;
  return made && spawnSync(join(bin, "pip"), ["install", "-q", ...packages], quiet).status === 0 ? bin : undefined;
}

/** Bundles test/serving/beyond.ts. */
export async function buildProgram(outfile) {
  const options = { bundle: true, format: "esm", platform: "node", target: "node20", packages: "external" };
  await build({ ...options, entryPoints: ["test/serving/beyond.ts"], outfile, plugins: [wat] });
}
