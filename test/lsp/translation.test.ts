/** The server's texts in the client's language. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import type { CodeAction, CodeLens } from "vscode-languageserver-protocol";
import { defined } from "../../base/defined.ts";
import { slowNotice, translatedSlowNotice } from "../../server/engine/slow-notice.ts";
import { translationFor } from "../../server/lsp/translation.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { startSession } from "./session.ts";

const model = randomModelFolder();
after(() => model.dispose());
const uri = "file:///a.md";
const at = { line: 2, character: 0 };

for (const [locale, language] of [
  ["de", "de"],
  ["fr-CA", "fr"],
  ["en", undefined],
  ["tlh", undefined],
  [undefined, undefined],
] as const) {
  const bundle: Record<string, string> =
    language === undefined ? {} : JSON.parse(readFileSync(`l10n/bundle.l10n.${language}.json`, "utf8"));
  const said = (text: string) => bundle[text] ?? text;

  test(`with the locale ${locale}: code actions, lens titles and reasons`, async () => {
    await using session = await startSession({
      settings: {
        model: model.directory,
        precision: "float32",
        threads: 1,
        codeLens: { enabled: true },
        enable: { "b.md": false },
      },
      initialize: defined({ locale }),
    });
    session.open(uri, "# One\n\nthe ___ of it\n");
    const params = { textDocument: { uri }, range: { start: at, end: at }, context: { diagnostics: [] } };
    const actions = (await session.client.request("textDocument/codeAction", params)) as CodeAction[];
    assert.deepEqual(
      actions.map(({ title }) => title),
      ["Fill gap", "Continue here", "Write title", "Write description"].map(said),
    );
    const lenses = (await session.client.request("textDocument/codeLens", { textDocument: { uri } })) as CodeLens[];
    assert.deepEqual(
      lenses.map(({ command }) => command?.title),
      [said("Summarize section")],
    );
    const position = { line: 2, character: 1 };
    const { reason } = (await session.command("spanfill.explainSuggestion", { uri, position })) as { reason?: string };
    assert.equal(reason, said("the cursor is where no word begins or goes on"));
    const { notes } = (await session.command("spanfill.summarizeRange", { uri, style: "sentence" })) as {
      notes: string[];
    };
    const [before = "", afterwards = ""] = said("likelihood {0}, not calibrated").split("{0}");
    assert.ok(
      notes.some((note) => note.startsWith(before) && note.endsWith(afterwards)),
      notes.join(),
    );
  });
}

test("the engine's notice, which its process writes in English, is translated with its reason", () => {
  const t = translationFor("de");
  const german = translatedSlowNotice(slowNotice("glibc is too old"), t);
  assert.match(german, /WebAssembly, Grund: glibc is too old\.$/);
  assert.equal(translatedSlowNotice("Something else.", t), "Something else.");
});

test("a locale that is not a language reads nothing", () => {
  for (const locale of ["../../package", "", "d", "de/../../x"]) {
    const { language } = translationFor(locale);
    assert.ok(["en", "de"].includes(language), `${locale}: ${language}`);
  }
});
