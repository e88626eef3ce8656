// What a person without a mouse does: every surface is reached, used and left by keys alone.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const QUESTION = "When was the harbour built?";

/** Things to do, by what they show. */
export const KEYBOARD = {
  async "by keyboard: the walkthrough's steps are gone through, and its sample is opened"(person) {
    const { page } = person;
    await person.choose("Welcome: Open Walkthrough");
    await person.pick("Get started with Spanfill");
    await page.locator(".getting-started-step.expanded").first().waitFor();
    await page.keyboard.press("Control+ArrowDown");
    const title = "Fill the gaps";
    await tabTo(page, title);
    await page.keyboard.press("Enter");
    await page.locator(".getting-started-step.expanded", { hasText: title }).waitFor();
    // The page is painted anew, without the focus, when the extension has started.
    await person.again(async (limitMs) => {
      await tabTo(page, /^Open a sample text$/);
      await person.picture("keyboard-walkthrough");
      await page.keyboard.press("Enter");
      return person.appears(page.locator(".tab.active", { hasText: "Untitled" }), limitMs);
    });
    await person.closeAll();
  },
  async "by keyboard: other words are seen in place, chosen, and taken back"(person) {
    const { page } = person;
    await person.goTo("harbour.md", "inner");
    await person.choose("Spanfill: Rephrase Selection");
    await page.locator(".quick-input-title:visible", { hasText: "Rephrase" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await person.picture("keyboard-rephrase");
    await page.keyboard.press("Enter");
    await person.undone("harbour.md");
  },
  async "by keyboard: other words for the word at the cursor are in its hover, one link each"(person) {
    const { page } = person;
    await person.goTo("harbour.md", "merchants");
    await page.keyboard.press("ArrowLeft");
    const hover = page.locator(".monaco-hover:visible", { hasText: /\d%/ });
    await person.again(async (limitMs) => {
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await page.keyboard.press("Control+i");
      return person.appears(hover.first(), limitMs);
    });
    await person.picture("keyboard-word-hover");
    await page.keyboard.press("Control+k"); // once more: into it
    await page.keyboard.press("Control+i");
    await tabTo(page, /^\p{L}[\p{L}\p{M}'’-]*$/u);
    await page.keyboard.press("Enter");
    await person.undone("harbour.md");
  },
  async "by keyboard: a relative link shows the summary of what it leads to"(person) {
    const { page } = person;
    await person.goTo("index.md", "the harbour's notes");
    await page.keyboard.press("ArrowLeft");
    const hover = page.locator(".monaco-hover:visible", { hasText: "Spanfill ·" });
    await person.again(async (limitMs) => {
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await page.keyboard.press("Control+i");
      return person.appears(hover.first(), limitMs);
    });
    await person.picture("keyboard-link-hover");
    await page.keyboard.press("Escape");
  },
  async "by keyboard: gaps are seen in a preview, all ticked, and Ctrl+Enter applies them"(person) {
    const { page } = person;
    await person.goTo("gaps.md", "The sky");
    await page.keyboard.press("ArrowLeft");
    await person.choose("Spanfill: Fill Gaps with Preview...");
    const gaps = page.locator(".part.panel .monaco-list-row", { hasText: "The sky is" });
    await gaps.first().waitFor();
    await person.picture("keyboard-gaps-preview");
    await page.keyboard.press("Control+Enter");
    await gaps.first().waitFor({ state: "detached" });
    await person.undone("gaps.md");
  },
  async "by keyboard: without a model for it, a question and a label say what to do"(person) {
    const { page } = person;
    await person.goTo("harbour.md", "The harbour was built in 1862");
    for (const title of ["Spanfill: Ask about Selection...", "Spanfill: Classify Selection"]) {
      await person.choose(title);
      if (title.includes("Ask")) {
        await asked(page).waitFor();
        await page.keyboard.type(QUESTION);
        await person.picture("keyboard-question");
        await page.keyboard.press("Enter");
      }
      await person.sees(/was not (taught|trained|fine-tuned)/);
      await person.picture(title.includes("Ask") ? "keyboard-no-answer" : "keyboard-no-label");
      await person.choose("Notifications: Clear All Notifications");
    }
  },
  async "by keyboard: an answer is highlighted where it stands, and a label is told"(person) {
    const { page } = person;
    const model = builtIn(person.server);
    person.set({ "spanfill.models.ask": model, "spanfill.models.classify": model });
    await person.goTo("harbour.md", "merchants needed");
    await page.keyboard.press("Escape");
    await person.choose("Spanfill: Ask about Selection...");
    await asked(page).waitFor();
    await page.keyboard.type(QUESTION);
    await page.keyboard.press("Enter");
    await person.seesOneOf(/no answer to this/, /\d% likely|likelihood|not trained|answer \d/i);
    await person.picture("keyboard-answer");
    await person.choose("Spanfill: Classify Selection");
    await person.sees(/Spanfill: .*\(/);
    await person.picture("keyboard-label");
    await person.choose("Notifications: Clear All Notifications");
    person.set({});
  },
  async "by keyboard: a summary is inserted as a quotation, and taken back"(person) {
    const { page } = person;
    await person.goTo("harbour.md", "A ferry crosses");
    await page.keyboard.press("Home");
    await page.keyboard.press("Shift+End");
    await page.keyboard.press("Control+k");
    await page.keyboard.press("Control+y");
    await person.sees("nothing left out");
    await person.choose("Spanfill: Insert Summary Above as Comment or Quotation");
    await page.locator(".tab.dirty", { hasText: "harbour.md" }).waitFor();
    await person.picture("keyboard-quotation");
    await person.undone("harbour.md");
    await person.choose("View: Close Editors in Other Groups");
  },
  async "by keyboard: a folder's digest is a new document with links"(person) {
    const { page } = person;
    await person.choose("View: Show Explorer");
    await page.keyboard.press("Control+Home");
    await page.keyboard.type("notes");
    await page.locator(".explorer-folders-view .monaco-list-row.focused", { hasText: "notes" }).waitFor();
    await page.keyboard.press("Shift+F10");
    await person.sees("Summarize Folder");
    await person.picture("keyboard-folder-menu");
    const item = page.locator(".context-view .action-item.focused:visible", { hasText: "Summarize Folder" });
    for (let count = 0; count < 60 && (await item.count()) === 0; count++) await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.locator(".tab.active", { hasText: "DIGEST.md" }).waitFor();
    await person.sees("boats.md");
    await person.picture("keyboard-digest");
    await person.closeAll();
  },
  async "by keyboard: the menu pauses suggestions and resumes them"(person) {
    await person.goTo("harbour.md", "merchants");
    for (const [chosen, sure] of [["Pause Suggestions", "Until I resume them"], ["Resume Suggestions"]]) {
      await person.choose("Spanfill: Show Everything It Can Do");
      await person.pick(chosen);
      if (sure !== undefined) await person.pick(sure);
    }
    await person.choose("Spanfill: Why Was There No Suggestion Here?");
    await person.sees(/No suggestion here|would suggest here/);
    await person.choose("Notifications: Clear All Notifications");
  },
};

/** The box that a question is typed into. */
function asked(page) {
  return page.locator(".quick-input-title:visible", { hasText: "Ask about Selection" });
}

/** Presses Tab until something with a text has the focus. */
async function tabTo(page, text) {
  const focused = () => page.evaluate("document.activeElement?.textContent?.trim() ?? ''");
  const matches = (found) => (typeof text === "string" ? found.includes(text) && found.length < 200 : text.test(found));
  for (let count = 0; count < 60; count++) {
    if (matches(await focused())) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${text}`);
}

/** A built-in model's id. */
function builtIn({ extension }) {
  const folder = join(extension, "models", "builtin");
  return readdirSync(folder).find((name) => existsSync(join(folder, name, "config.json")));
}
