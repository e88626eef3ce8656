import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { LANGUAGES } from "../../client/editor/languages.ts";
import { COMMAND_NAMES, commandId, FORMER_NAMES, FORMER_PALETTE_IDS } from "../../protocol/commands.ts";
import { COMMENTED_LANGUAGES } from "../../protocol/comments.ts";
import { configurationProperties, restrictedConfigurations } from "../../protocol/settings.ts";
import { languageModelTools } from "../../protocol/tools.ts";
import { formatOf } from "../../server/text/document.ts";

const source = readFileSync("package.json", "utf8");
const texts: Record<string, string> = JSON.parse(readFileSync("package.nls.json", "utf8"));
/** As VS Code reads it, with the texts of package.nls.json. */
const manifest = JSON.parse(
  source.replace(/"%([\w.]+)%"/g, (reference, key: string) => JSON.stringify(texts[key] ?? reference)),
);
const { commands, menus, keybindings, configuration, walkthroughs } = manifest.contributes;
interface Key {
  readonly command: string;
  readonly when: string;
}
const ids: string[] = commands.map(({ command }: { command: string }) => command);
const client = readdirSync("client", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(`client/${name}`, "utf8"));

test("package.json's settings are those of protocol/settings.ts (npm run settings writes them)", () => {
  assert.deepEqual(configuration.properties, configurationProperties());
});

test("a folder that is not trusted chooses neither what is loaded and run nor what is kept", () => {
  const { restrictedConfigurations: written } = manifest.capabilities.untrustedWorkspaces;
  assert.deepEqual(written, restrictedConfigurations(), "npm run settings writes them");
  const names =
    "model models.summarize models.infill models.ask models.classify precision device server.url server.certificates server.features threads idleMinutes";
  assert.deepEqual(
    written,
    [...names.split(" "), "enable", "inlineCompletion.learnFrom", "summary.keep"].map((name) => `spanfill.${name}`),
  );
});

test("package.json's tools are those of protocol/tools.ts (npm run settings writes them)", () => {
  assert.deepEqual(manifest.contributes.languageModelTools, languageModelTools());
});

test("every text that package.json refers to is in package.nls.json, and no other", () => {
  const used = [...source.matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key);
  assert.deepEqual(used.toSorted(), Object.keys(texts).toSorted());
});

test("package.json activates for the client's languages, programs with comments and the panel, and for nothing else", () => {
  const programs = Object.keys(COMMENTED_LANGUAGES).filter((id) => !(LANGUAGES as readonly string[]).includes(id));
  assert.deepEqual(manifest.activationEvents, [
    ...LANGUAGES.map((language) => `onLanguage:${language}`),
    ...programs.map((language) => `onLanguage:${language}`),
    "onWebviewPanel:spanfill.panel",
    ...Object.keys(FORMER_PALETTE_IDS).map((id) => `onCommand:${id}`),
  ]);
  const clauses = [...keybindings, ...menus["editor/context"]].map(({ when }: Key) => when);
  assert.equal(clauses.length, 9);
  // Ghost text comes in the comments of programs, too.
  const written = [...LANGUAGES, ...programs];
  const infill: string = keybindings.find(({ command }: Key) => command === "spanfill.continueAtCursor").when;
  assert.ok(infill.endsWith(`editorLangId =~ /^(${written.join("|")})$/`), infill);
  for (const when of clauses.filter((clause) => clause !== infill))
    assert.ok(when.includes(`editorLangId =~ /^(${LANGUAGES.join("|")})$/`), when);
});

test("keys, menus and the walkthrough use declared commands, and every command has a function in the client", () => {
  const steps: { description: string; completionEvents: string[] }[] = walkthroughs[0].steps;
  const inSteps = steps.flatMap(({ description, completionEvents }) =>
    [description, ...completionEvents].flatMap((text) => text.match(/spanfill\.\w+(?=\)|$)/g) ?? []),
  );
  const declared = [...ids, ...Object.keys(configurationProperties())];
  const used = [...keybindings, ...Object.values<{ command: string }[]>(menus).flat()].map(({ command }) => command);
  assert.ok(inSteps.length > 5, inSteps.join());
  assert.deepEqual(
    [...used, ...inSteps].filter((command) => !declared.includes(command)),
    [],
  );
  assert.deepEqual(
    ids.filter((command) => !client.some((file) => file.includes(`"${command}"`))),
    [],
  );
});

test("former ids of commands lead to declared ones, and neither the palette nor the menus list them", () => {
  const former = Object.entries(FORMER_PALETTE_IDS);
  assert.deepEqual(
    former.filter(([id, now]) => ids.includes(id) || !ids.includes(now)),
    [],
  );
  const { contributes } = manifest;
  assert.deepEqual(
    former.filter(([id]) => JSON.stringify(contributes).includes(`${id}"`)),
    [],
  );
});

test("the pictures that package.json names are there", () => {
  const named: { media: { svg: string } }[] = walkthroughs[0].steps;
  const missing = [manifest.icon, ...named.map(({ media }) => media.svg)].filter((path) => !existsSync(path));
  assert.deepEqual(missing, []);
});

test("what the client tells a person can be translated", () => {
  // Sentences begin with the name; those of a message go through l10n.t.
  const bare = client.flatMap((file) => file.match(/(?<!l10n\.t\()["`]Spanfill: \w[^"`]*["`]/g) ?? []);
  assert.deepEqual(bare, []);
});

test("the palette's commands are not the server's, which the language client registers by itself", () => {
  const servers: string[] = [
    ...COMMAND_NAMES.map(commandId),
    ...Object.keys(FORMER_NAMES).map((name) => `spanfill.${name}`),
  ];
  assert.deepEqual(
    [...ids, ...Object.keys(FORMER_PALETTE_IDS)].filter((command) => servers.includes(command)),
    [],
  );
});

test("the document model reads every language of the client as what it is", () => {
  const guessed = LANGUAGES.filter((id) => id !== "plaintext" && formatOf("", id) === "plaintext");
  assert.deepEqual(guessed, []);
});
