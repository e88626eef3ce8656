// A Chrome or Chromium for the editor tests: an installed one, or one that can be installed without a password.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { aptInstall, isProgram, onPath } from "./system.mjs";
import { cached, npm } from "./tools.mjs";

const PROGRAMS = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "microsoft-edge",
  "brave-browser",
];
const APPLICATIONS = ["Google Chrome", "Chromium", "Microsoft Edge"];
/** Chromium's headless shell with the libraries it needs, as an npm package: for x64 Linux, by anyone. */
const SHELL = "@sparticuz/chromium@153.0.0";

/**
 * A browser's path; one is installed first where there is none.
 * @throws Error with every reason why there can be none
 */
export function browserPath() {
  const found = findBrowser();
  if (found !== undefined) return found;
  const reasons = [aptInstall("chromium") ?? "Debian's chromium is not on the PATH"];
  const installed = findBrowser();
  if (installed !== undefined) return installed;
  try {
    return shell();
  } catch (error) {
    reasons.push(error.message);
  }
  throw new Error(
    `The editor tests need Chrome or Chromium, and there is none. Install one, or set CHROME_PATH to one.\n- ${reasons.join("\n- ")}`,
  );
}

/** An installed browser, or the one that CHROME_PATH names. */
function findBrowser() {
  const { CHROME_PATH } = process.env;
  if (CHROME_PATH) {
    if (isProgram(CHROME_PATH)) return CHROME_PATH;
    throw new Error(`CHROME_PATH is ${CHROME_PATH}, and there is no program. Correct it or leave it unset.`);
  }
  const applications = APPLICATIONS.map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
  return onPath(...PROGRAMS) ?? applications.find(isProgram);
}

function shell() {
  const machine = `${process.platform}-${process.arch}`;
  if (machine !== "linux-x64") throw new Error(`${SHELL} is for linux-x64, and this is ${machine}`);
  const place = cached(SHELL.replace(/.*\//, ""), (folder) => {
    npm(["install", SHELL], folder);
    const unpacked = (name) =>
      brotliDecompressSync(readFileSync(join(folder, "node_modules/@sparticuz/chromium/bin", `${name}.br`)));
    writeFileSync(join(folder, "chromium"), unpacked("chromium"), { mode: 0o755 });
    for (const archive of ["al2023.tar", "fonts.tar"]) {
      const { status, stderr } = spawnSync("tar", ["-x"], { cwd: folder, input: unpacked(archive), encoding: "utf8" });
      if (status !== 0) throw new Error(`${archive} of ${SHELL} could not be unpacked: ${stderr}`);
    }
    writeFileSync(join(folder, "fonts.conf"), FONTS);
    writeFileSync(join(folder, "start.sh"), START, { mode: 0o755 });
  });
  return join(place, "start.sh");
}

/** The package's libraries, and its font where the system has none. */
const START = `#!/bin/sh
here=$(dirname "$0")
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_FILE="$here/fonts.conf"
LD_LIBRARY_PATH="$here/lib" exec "$here/chromium" "$@"
`;
const FONTS = '<?xml version="1.0"?><fontconfig><dir prefix="relative">fonts</dir></fontconfig>\n';
