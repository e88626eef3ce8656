import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LANGUAGES } from "../../client/languages.ts";
import { COMMANDS } from "../../protocol/requests.ts";
import { configurationProperties } from "../../protocol/settings.ts";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const { commands, menus, keybindings, configuration } = manifest.contributes;
const ids: string[] = commands.map(({ command }: { command: string }) => command);

test("package.json's settings are those of protocol/settings.ts (npm run settings writes them)", () => {
  // Through JSON, and as text: the order is part of it.
  assert.equal(
    JSON.stringify(configuration.properties, undefined, 1),
    JSON.stringify(configurationProperties(), undefined, 1),
  );
});

test("package.json activates for the client's languages and no others", () => {
  assert.deepEqual(
    manifest.activationEvents,
    LANGUAGES.map((language) => `onLanguage:${language}`),
  );
  const clauses = [...keybindings, ...menus["editor/context"]].map(({ when }: { when: string }) => when);
  assert.equal(clauses.length, 5);
  for (const when of clauses) assert.ok(when.includes(`editorLangId =~ /^(${LANGUAGES.join("|")})$/`), when);
});

test("keys and menus use declared commands, and every command has a function in the client", () => {
  const used = [...keybindings, ...Object.values<{ command: string }[]>(menus).flat()].map(({ command }) => command);
  assert.deepEqual(
    used.filter((command) => !ids.includes(command)),
    [],
  );
  const client = ["extension", "summary-view"].map((name) => readFileSync(`client/${name}.ts`, "utf8")).join("");
  assert.deepEqual(
    ids.filter((command) => !client.includes(`"${command}"`)),
    [],
  );
});

test("the palette's commands are not the server's, which the language client registers by itself", () => {
  const servers: string[] = Object.values(COMMANDS);
  assert.deepEqual(
    ids.filter((command) => servers.includes(command)),
    [],
  );
});
