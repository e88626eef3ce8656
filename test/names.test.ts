/** Local names say what a value is in the domain, not how it came about. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const FOLDERS = [
  "protocol",
  "server/runs",
  "server/training/data",
  "server/evaluation",
  "server/metrics",
  "server/panel",
  "client/panel",
];

const EMPTY_NAMES = "made|one|own|found|known|place|kept|said|told|given|asked";

/** Variables and parameters; properties that another folder names are not declared here. */
const DECLARATION = new RegExp(`\\b(?:const|let) (?:${EMPTY_NAMES})\\b|\\((?:${EMPTY_NAMES})(?:: [^)]*)?\\) =>`, "g");

test("no variable is named after how its value came about", () => {
  const emptyNames = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) => {
        const path = join(folder, name);
        return [...readFileSync(path, "utf8").matchAll(DECLARATION)].map(([text]) => `${path}: ${text}`);
      }),
  );
  assert.deepEqual(emptyNames, []);
});
