// The language server in a real Emacs, driven by test/editors/emacs.el through eglot over stdio.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { chosenModel } from "../models.mjs";
import { cleanUp } from "../outcome.mjs";
import { aptInstall, onPath } from "../system.mjs";

const LIMIT_MS = 300_000;
const TEXT =
  "# A heading 🙂\n\nThe cafe\u0301 is open ___ the morning and ___ at night.\nMore 🙂 a number ___ people come.\n\nThe text ends here.\n";
const CRLF = "# Notes 🙂\r\n\r\nThe first ___ is short.\r\nThe second ___ is not 🙂.\r\n";
const FERRY = "# The ferry\n\nA ferry crosses to the island three times a day. The crossing takes forty minutes.\n";

/** Runs the script. @returns an outcome (outcome.mjs) */
export async function inEmacs({ folder }) {
  const version = installEmacs();
  execFileSync(process.execPath, ["esbuild.mjs"], { stdio: "inherit" });
  const model = await chosenModel(undefined, folder);
  const [file, crlf, result] = ["notes.md", "crlf.md", "result.json"].map((name) => join(folder, name));
  writeFileSync(file, TEXT);
  writeFileSync(crlf, CRLF);
  const digested = join(folder, "digested");
  mkdirSync(digested);
  writeFileSync(join(digested, "ferry.md"), FERRY);
  const environment = {
    HOME: folder,
    PATH: `${onlySpanfill(folder)}${delimiter}${process.env.PATH}`,
    SPANFILL_CONFIGURATION: documented(folder),
    SPANFILL_SETTINGS: JSON.stringify({ spanfill: { model: model.directory ?? "" } }),
    SPANFILL_FILE: file,
    SPANFILL_CRLF: crlf,
    SPANFILL_FOLDER: digested,
    SPANFILL_RESULT: result,
  };
  try {
    const script = join("test", "editors", "emacs.el");
    const { error, signal, stderr } = spawnSync("emacs", ["-q", "--batch", "-l", resolve(script)], {
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
      timeout: LIMIT_MS,
      env: { ...process.env, ...environment },
    });
    if (error ?? signal) throw new Error(`Emacs did not end by itself: ${error?.message ?? signal}\n${stderr}`);
    return outcomeOf(JSON.parse(readFileSync(result, "utf8")), readFileSync(script, "utf8"), version);
  } finally {
    await cleanUp(model.dispose);
  }
}

/** A folder with a program `spanfill`, as the README has people install it. */
function onlySpanfill(folder) {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const script = `#!/bin/sh\nexec "${process.execPath}" "${resolve("dist/cli.js")}" "$@"\n`;
  writeFileSync(join(bin, "spanfill"), script, { mode: 0o755 });
  return bin;
}

/** The configuration of docs/editors/emacs.md, in a separate file. */
function documented(folder) {
  const [, code] = /```elisp\n(.*?)```/s.exec(readFileSync("docs/editors/emacs.md", "utf8"));
  const file = join(folder, "documented.el");
  writeFileSync(file, code);
  return file;
}

/** Returns Emacs's version; what is missing is installed first. @throws Error where it cannot be had */
function installEmacs() {
  const missing = [];
  if (onPath("emacs") === undefined) missing.push("emacs-nox");
  if (eglotVersion() === undefined) missing.push("elpa-eglot", "elpa-markdown-mode");
  const why = missing.map(aptInstall).find((reason) => reason !== undefined);
  const version = eglotVersion();
  if (version !== undefined) return version;
  throw new Error(
    `There is no Emacs with eglot and markdown-mode (${why ?? "installing did not help"}). Install Emacs 28 or later, eglot and markdown-mode.`,
  );
}

function eglotVersion() {
  const code = `(progn (require 'package) (package-initialize) (require 'eglot) (require 'markdown-mode)
    (princ (format "GNU Emacs %s" emacs-version)))`;
  const { status, stdout } = spawnSync("emacs", ["-q", "--batch", "--eval", code], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function outcomeOf(checks, script, version) {
  for (const { name, passed } of checks) console.log(`${passed ? "ok" : "not ok"} ${name}`);
  const failed = checks.filter(({ passed }) => !passed);
  return {
    passed: checks.length - failed.length,
    failures: failed.map(({ name, seen }) => ({ title: name, message: seen })),
    expected: script.match(/^ +\(check "(?!the script ran)/gm).length,
    notes: [version],
  };
}
