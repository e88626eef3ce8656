// What README.md shows: films and pictures of the extension at work on a page of documentation, without a mouse where
// there is a key.

import { inPanel, TUNING } from "./tuning.mjs";

/** The files of the folder that is shown. */
export const NOTES = {
  "install.md": `# Installing the tool

There are two ___ to install the tool.

Make sure that you have the latest ___ of Node.js on your machine. By default, pages are kept in the cache for thirty days.

For more ___ about the settings, see the manual.
`,
  "cache.md": `# Caching rendered pages

Rendering a page takes up to 300 milliseconds, and most pages do not change from one build to the next.

## Where entries are kept

Entries live in a folder outside the project, one file per key. A file is written under a temporary name and then renamed, so a build that is interrupted never leaves half an entry behind.

## Settings

`,
};

const KEY_MS = 90;
/** What is typed; after each the model knows a word. */
const SUGGESTED = ["If you do not want ", "use the cache, pass `--no-cache`. There are a number "];

/** Films: what comes before, what is filmed, what tidies up. */
export const FILMS = {
  "ghost-text": {
    async before(person) {
      await opened(person, "cache.md");
      await person.page.keyboard.press("Control+End");
    },
    async now(person) {
      const { page } = person;
      await page.waitForTimeout(600);
      for (const words of SUGGESTED) {
        await page.keyboard.type(words, { delay: KEY_MS });
        await person.ghostText().waitFor();
        await page.waitForTimeout(1000);
        await page.keyboard.press("Tab");
        await page.waitForTimeout(400);
      }
      await page.keyboard.type("other settings.", { delay: KEY_MS });
      await page.waitForTimeout(500);
    },
    after: reverted,
  },
  "fill-gaps": {
    async before(person) {
      await opened(person, "install.md");
    },
    async now({ page }) {
      await page.waitForTimeout(1200);
      await page.keyboard.press("Control+k");
      await page.keyboard.press("Control+g");
      await page.locator(".tab.dirty", { hasText: "install.md" }).waitFor();
      await page.waitForTimeout(1500);
    },
    after: reverted,
  },
  hover: {
    async before(person) {
      await opened(person, "cache.md");
    },
    async now(person) {
      const { page } = person;
      const heading = page.locator(".view-line", { hasText: "Where entries are kept" }).first();
      const { x, y, height } = await heading.boundingBox();
      await page.waitForTimeout(800);
      await page.mouse.move(x + 120, y + height / 2, { steps: 5 });
      await page.mouse.move(x + 124, y + height / 2);
      await page.locator(".monaco-hover:visible", { hasText: "Spanfill ·" }).first().waitFor();
      await page.waitForTimeout(1500);
    },
    async after(person) {
      await person.page.mouse.move(790, 440);
      await reverted(person);
    },
  },
};

/** Pictures, in the same way. */
export const PICTURES = {
  models: {
    async before(person) {
      await person.page.setViewportSize({ width: 1280, height: 800 });
      await person.choose("Spanfill: Open Panel");
    },
    now: (person) => inPanel(person).getByText("google/t5-efficient-tiny-nl6").first().waitFor(),
    after: (person) => person.choose("View: Close All Editors"),
  },
  tuning: {
    async before(person, places) {
      const [without, begun] = Object.values(TUNING);
      await without(person, places);
      await begun(person, places);
    },
    now: (person) =>
      inPanel(person)
        .getByText(/step (1[4-9]|2\d) of/)
        .first()
        .waitFor(),
    async after(person) {
      await inPanel(person).getByText("done").first().waitFor();
      await person.choose("View: Close All Editors");
      await person.choose("Notifications: Clear All Notifications");
    },
  },
  "gaps-preview": {
    async before(person) {
      await person.page.setViewportSize({ width: 800, height: 600 });
      await opened(person, "install.md");
      await person.choose("Spanfill: Fill Gaps with Preview...");
    },
    async now(person) {
      await person.page.locator(".part.panel .monaco-list-row", { hasText: "There are two" }).first().waitFor();
      // The preview has the focus, and room for one gap.
      for (let i = 0; i < 2; i++) await person.choose("View: Increase Current View Size");
    },
  },
};

async function opened(person, name) {
  await person.open(name);
  await person.page.keyboard.press("Control+Home");
  await person.page.locator(".view-line").first().waitFor();
}

async function reverted(person) {
  await person.page.keyboard.press("Escape");
  await person.closeAll();
}
