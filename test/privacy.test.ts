/**
 * PRIVACY.md agrees with the code: folders, variables, addresses; and a reader finds it from wherever privacy is
 * promised.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { placesOf } from "../server/catalog/store.ts";
import { NO_TELEMETRY } from "../server/engine/runtime/telemetry.ts";
import { cacheFolder } from "../server/files/whole-file.ts";

const page = readFileSync("PRIVACY.md", "utf8");

/** A path as the page writes it. */
function written(path: string): string {
  const windows = path.replace("/LOCAL", "%LOCALAPPDATA%");
  return windows === path ? path.replace(homedir(), "~") : windows.replaceAll("/", "\\");
}

test("the folders are those that the code uses, on every system", { skip: process.platform === "win32" }, () => {
  for (const platform of ["linux", "darwin", "win32"] as const) {
    const environment = platform === "win32" ? { LOCALAPPDATA: "/LOCAL" } : {};
    const { own, hub } = placesOf(environment, platform);
    assert.ok(page.includes(`\`${written(cacheFolder(environment, platform))}\``), platform);
    // Its parent also holds what was measured.
    assert.ok(page.includes(`\`${written(own.replace(/\/models$/, ""))}\``), platform);
    assert.ok(page.includes(`\`${written(hub)}\``), platform);
  }
});

test("the variables are named, and what sets them", () => {
  for (const name of [
    ...Object.keys(NO_TELEMETRY),
    "SPANFILL_CACHE",
    "SPANFILL_MODELS",
    "HF_ENDPOINT",
    "HF_HUB_OFFLINE",
  ])
    assert.ok(page.includes(name), name);
});

test("README, the extension's page and the panel lead there, and the packages hold it", () => {
  const text = (path: string) => readFileSync(path, "utf8");
  for (const path of ["README.md", "client/README.md"]) assert.match(text(path), /\]\(PRIVACY\.md\)/, path);
  assert.match(text("client/panel/view/models/models-page.ts"), /kind: "privacy"/);
  assert.match(text("client/panel/answers.ts"), /"PRIVACY\.md"/);
  for (const name of page.matchAll(/\]\((\w+\.md)\)|^# (Privacy)/gm)) {
    const file = name[1] ?? "PRIVACY.md";
    assert.ok(text(".vscodeignore").split("\n").includes(`!${file}`), file);
    assert.ok(JSON.parse(text("package.json")).files.includes(file), file);
  }
});

test("the sources that run name one address on the network, the hub's", () => {
  const found = ["base", "server", "client", "protocol", "models"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) => [
        ...readFileSync(join(folder, name), "utf8").matchAll(/["'`]((?:https?|wss?|ftp):\/\/[^/"'`\s]+)/g),
      ])
      .map((match) => match[1] ?? ""),
  );
  assert.deepEqual([...new Set(found)], ["https://huggingface.co"]);
});
