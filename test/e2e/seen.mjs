// What only a window can show, without test options. One window for all of it, since the start of one takes 20 seconds
// of processor time: in German, on a folder that is not trusted at first, with a hostile model and a hostile document;
// then as most people have it. person.mjs does more, and takes pictures.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processesEnd, processesOf } from "../../scripts/editor/system.mjs";
import { GERMAN, speakGerman } from "./german.mjs";
import { HOSTILE_DOCUMENT, HOSTILE_MODEL, HOSTILE_TEXT } from "./hostile.mjs";
import { askForTrust, TRUST } from "./trust.mjs";
import { Person } from "./window.mjs";

const TEXT = "# The ferry\n\nA ferry crosses to the island three times a day, and it carries the post.\n\nIn winter";
/** Between keys, as of a quick typist, and for how long. */
const KEY_MS = 80;
const TYPED_MS = 1000 * Number(process.env.SPANFILL_TYPED_SECONDS ?? 8);

/**
 * Opens a window on a separate folder and looks.
 * @param user the folder of the user's settings
 * @param badModel the folder of a model whose error quotes HOSTILE_NAME
 * @param trained whether the model is sure enough, or not, for a sentence of the text to stand for a summary
 * @returns an outcome (scripts/editor/outcome.mjs)
 */
export async function inWindow({ page, server, workspace, results, user, badModel, trained }) {
  const folder = join(workspace, "window");
  const file = join(folder, "notes.md");
  const set = (settings) => writeFileSync(join(folder, ".vscode", "settings.json"), JSON.stringify(settings));
  mkdirSync(join(folder, ".vscode"), { recursive: true });
  writeFileSync(file, TEXT);
  writeFileSync(join(folder, "cache.md"), HOSTILE_TEXT);
  writeFileSync(join(folder, "program.js"), "const x = 1; // ___\n");
  set({ "spanfill.model": badModel });
  const trust = await askForTrust(page);
  const settings = JSON.parse(readFileSync(join(user, "settings.json"), "utf8"));
  writeFileSync(join(user, "settings.json"), JSON.stringify({ ...settings, ...trust }));
  // As a person would who wants the server's own message.
  const args = { uri: `file://${join(folder, "cache.md")}`, show: true };
  const key = { key: "ctrl+alt+y", command: "spanfill.summarizeRange", args };
  writeFileSync(join(user, "keybindings.json"), JSON.stringify([key]));
  await speakGerman(page);
  const opened = JSON.stringify([["openFile", `vscode-remote://${server.host}${file}`]]);
  await page.goto(`http://${server.host}/?folder=${folder}&payload=${encodeURIComponent(opened)}`);

  const person = new Person(page, server, results, set);
  const document = { "spanfill.summary.minimumConfidence": 1 };
  const usual = { "spanfill.inlineCompletion.minimumConfidence": 0 };
  const stages = [
    [{ ...GERMAN, ...TRUST, ...HOSTILE_MODEL }, document],
    [trained ? HOSTILE_DOCUMENT : {}, usual],
    [LOOKS, usual],
  ];
  const failures = [];
  let expected = 0;
  for (const [looks, next] of stages) {
    for (const [title, look] of Object.entries(looks)) {
      expected += 1;
      try {
        await look(person, file);
        console.log(`ok window ${title}`);
      } catch (error) {
        console.log(`not ok window ${title}`);
        failures.push({ title: `window ${title}`, message: error.stack });
        await person.picture(`failed-${title.replaceAll(/\W+/g, "-")}`).catch(() => undefined);
      }
    }
    set(next);
  }
  return { passed: expected - failures.length, failures, expected };
}

/** What is done in a window as most people have it. */
const LOOKS = {
  async "the mouse on a heading shows its section's summary"(person) {
    await person.page.locator(".tab[data-resource-name='notes.md']").click();
    await (await person.hover("The ferry")).waitFor();
    await person.page.mouse.move(600, 600);
  },
  async "ghost text is painted while typing, and Tab writes what was painted"(person, file) {
    const { page } = person;
    let typed = "";
    await page.locator(".view-line", { hasText: "In winter" }).click();
    await page.keyboard.press("Control+End");
    await person.again(async (limitMs) => {
      const words = typed === "" ? " the crossing " : "and the ";
      await page.keyboard.type(words, { delay: 30 });
      typed += words;
      return person.appears(person.ghostText(), limitMs);
    });
    const painted = (await page.locator("[class*='ghost-text']:visible").allTextContents()).join("");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Control+s");
    await person.until("the saved text", () => !["", TEXT].includes(readFileSync(file, "utf8")));
    const written = readFileSync(file, "utf8");
    if (painted.trim() === "" || plain(written) !== plain(TEXT + typed + painted)) {
      throw new Error(`painted: ${JSON.stringify(painted)}, written: ${JSON.stringify(written)}`);
    }
  },
  async "typing fast writes what was typed, whatever is suggested meanwhile"(person, file) {
    const { page } = person;
    const before = readFileSync(file, "utf8");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+End");
    const words = ["the", "boats", "come", "back", "before", "noon,", "and", "their", "crews", "unload", "them."];
    let typed = "";
    for (let i = 0; typed.length * KEY_MS < TYPED_MS; i++) typed += ` ${words[i % words.length]}`;
    await page.keyboard.type(typed, { delay: KEY_MS });
    await page.keyboard.press("Control+s");
    await person.until("the saved text", () => readFileSync(file, "utf8") !== before);
    await page.waitForTimeout(500);
    const written = readFileSync(file, "utf8");
    if (written !== before + typed)
      throw new Error(`typed ${JSON.stringify(typed)}, written ${JSON.stringify(written)}`);
  },
  async "a closed window leaves no process behind"({ page, server }) {
    const running = processesOf(server.extension);
    if (running.length < 2) throw new Error(`server and engine should run, and there are ${running.length} processes`);
    // VS Code hears of it as when the tab is closed.
    await page.goto("about:blank");
    await processesEnd(server.extension);
  },
};

/** Browsers paint spaces as no-break spaces. */
function plain(text) {
  return text.replaceAll("\u00a0", " ");
}
