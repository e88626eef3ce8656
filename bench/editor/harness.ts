/** The editor tests' harness, and the packages that the benchmark installs into its editor. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { Page } from "./window.ts";

/** The editor tests' harness (scripts/editor), which is JavaScript. */
export interface Harness {
  readonly tool: (name: string) => { createVSIX(options: object): Promise<void> };
  readonly installEditor: () => { readonly browser: string };
  readonly startCodeServer: (editor: object, options: object) => Promise<CodeServer>;
  readonly openPage: (browser: string) => Promise<{ page: Page; close: () => Promise<void> }>;
  readonly CALM_SETTINGS: object;
}

/** A running code-server. */
export interface CodeServer {
  readonly host: string;
  /** The installed extension's folder. */
  readonly extension: string;
  readonly stop: () => void;
}

/** Loads the harness. */
export async function loadHarness(): Promise<Harness> {
  const files = ["tools", "install", "code-server"].map((name) => resolve(`scripts/editor/${name}.mjs`));
  return Object.assign({}, ...(await Promise.all(files.map((file) => import(pathToFileURL(file).href))))) as Harness;
}

/** The path of a package made from the sources. */
export function packaged(): string {
  const made = spawnSync(process.execPath, ["scripts/package.mjs"], { encoding: "utf8" });
  const path = /^(\S+\.vsix): /m.exec(made.stdout)?.[1];
  if (made.status !== 0 || path === undefined)
    throw new Error(`The package could not be made:\n${made.stdout}${made.stderr}`);
  return path;
}

/** The benchmark's own extension as a VSIX. */
export async function packBeside(harness: Harness, stage: string): Promise<string> {
  mkdirSync(stage);
  for (const name of ["package.json", "constant.tmLanguage.json"])
    cpSync(join("bench/editor", name), join(stage, name));
  const outfile = join(stage, "extension.cjs");
  await build({
    entryPoints: ["bench/editor/extension.ts"],
    outfile,
    bundle: true,
    format: "cjs",
    platform: "node",
    external: ["vscode"],
  });
  return pack(harness, stage);
}

/** An extension that does nothing when a Markdown document is opened. */
export async function packEmpty(harness: Harness, stage: string): Promise<string> {
  mkdirSync(stage);
  const { engines, publisher, version } = JSON.parse(readFileSync("bench/editor/package.json", "utf8"));
  const activationEvents = ["onLanguage:markdown"];
  const manifest = { name: "empty", main: "./extension.cjs", files: ["extension.cjs"], activationEvents };
  writeFileSync(join(stage, "package.json"), JSON.stringify({ ...manifest, engines, publisher, version }));
  writeFileSync(join(stage, "extension.cjs"), "exports.activate = () => undefined;\n");
  return pack(harness, stage);
}

async function pack({ tool }: Harness, stage: string): Promise<string> {
  const packagePath = `${stage}.vsix`;
  await tool("@vscode/vsce").createVSIX({
    cwd: stage,
    packagePath,
    dependencies: false,
    allowMissingRepository: true,
    skipLicense: true,
  });
  return packagePath;
}
