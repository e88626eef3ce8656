// What a writer does, whatever the model's words are.
const PROSE = `# The harbour

The harbour was built in 1862, when the railway reached the coast and merchants needed a place to load coal. Two long walls of granite keep out the winter storms, and a small lighthouse marks the gap between them.

Today the coal ships are gone. Fishing boats use the inner basin, and the old warehouses have become workshops and flats.

## The ferry

A ferry crosses to the island three times a day. It carries the post, the school children and, in summer, a good number of visitors with bicycles. The crossing takes forty minutes when the sea is calm.
`;
const GAPS = "# Weather\n\nThe sky is ___ today and the sea is ___.\nWe go to the ___ in the evening.\n";
const FILLED = /Spanfill: \d gaps? filled/;
const SOME_FILLED = /Spanfill filled \d of \d gaps/;
/** Words to go on with where the model has nothing to say. */
const WORDS = ["In winter the crossing", " takes", " about", " an", " hour", " and"];

/** The ferry's part of the text as other formats have it, with markup that no summary may show. */
const FERRY = PROSE.slice(PROSE.indexOf("A ferry crosses")).trim();
const FORMATS = {
  "guide.adoc": `= The harbour\n:toc: left\n\n== The ferry\n\n// A comment.\nindexterm:[ferry]${FERRY.replace("the island", "*the island*")}\n`,
  "paper.tex": `\\documentclass{article}\n\\begin{document}\n\\section{The ferry}\\label{ferry}\n% A comment.\n${FERRY.replace("the island", "\\emph{the island}~\\cite{doe}")}\n\\end{document}\n`,
  "page.mdx": `import Tabs from "tabs";\n\n# The harbour\n\n## The ferry\n\n<Tabs>\n\n${FERRY.replace("the island", "**the island**")}\n\n</Tabs>\n`,
};

/** The folder's files, by name. */
export const FILES = {
  ...FORMATS,
  "harbour.md": PROSE,
  "gaps.md": GAPS,
  "locked.md": GAPS,
  "empty.md": "",
  "index.md": "# Notes\n\nWhat is known of it is in [the harbour's notes](harbour.md).\n",
  "notes/boats.md": PROSE.replace("The harbour", "The boats"),
  "notes/ferry.md": PROSE.slice(PROSE.indexOf("## The ferry")).replace("## ", "# "),
  "long.md": Array.from({ length: 400 }, (_, i) => PROSE.replaceAll("harbour", `harbour ${i}`)).join("\n"),
  "many.md": Array.from({ length: 900 }, (_, i) => `Room ${i} of the harbour's office has a ___ and a door.\n`).join(
    "\n",
  ),
  "program.js": "const x = 1;\n",
};

/** Things to do, by what they show. */
export const WRITING = {
  async "a summary beside the text is copied and inserted"(person) {
    const { page } = person;
    await person.openFile("harbour.md");
    await page.keyboard.press("Control+a");
    await person.command("Spanfill: Summarize Selection");
    await person.sees("nothing left out");
    await person.sees("Insert Above Text");
    await person.picture("summary");
    await page.locator(".codelens-decoration a", { hasText: "Copy" }).click();
    await person.sees("summary copied");
    await page.locator(".codelens-decoration a", { hasText: "Insert Above Text" }).click();
    await page.locator(".tab.dirty", { hasText: "harbour.md" }).waitFor();
    await person.picture("summary-inserted");
    await page.keyboard.press("Control+z");
    await page.locator(".tab.dirty", { hasText: "harbour.md" }).waitFor({ state: "detached" });
    await person.command("View: Close Editors in Other Groups");
  },
  async "the mouse on a heading shows its summary"(person) {
    const { page } = person;
    await person.openFile("harbour.md");
    const heading = page.locator(".view-line", { hasText: "The ferry" }).first();
    const { x, y, height } = await heading.boundingBox();
    await page.mouse.move(x + 60, y + height / 2);
    await page.mouse.move(x + 63, y + height / 2);
    await page.locator(".monaco-hover:visible", { hasText: "Spanfill ·" }).first().waitFor();
    await person.picture("hover");
    await page.mouse.move(5, 5);
  },
  async "in AsciiDoc, LaTeX and MDX, too, hovers and summaries show sentences without markup"(person) {
    const { page } = person;
    for (const name of Object.keys(FORMATS)) {
      await person.openFile(name);
      const { x, y, height } = await page.locator(".view-line", { hasText: "The ferry" }).first().boundingBox();
      await page.mouse.move(x + 60, y + height / 2);
      await page.mouse.move(x + 63, y + height / 2);
      const hover = page.locator(".monaco-hover:visible", { hasText: "Spanfill ·" }).first();
      await hover.waitFor();
      const shown = await hover.textContent();
      if (/[\\*<{}~]|indexterm|A comment/.test(shown)) throw new Error(`${name}: ${shown}`);
      await person.picture(`hover-${name}`);
      await page.mouse.move(5, 5);
      await page.keyboard.press("Control+a");
      await person.command("Spanfill: Summarize Selection");
      await person.sees("Insert Above Text");
      await person.picture(`summary-${name}`);
      await person.command("View: Close Editors in Other Groups");
    }
  },
  async "the status item names model and device"(person) {
    await person.page.locator("[id='status.languageStatus']").hover();
    await person.sees("CPU");
    await person.picture("status");
    await person.page.mouse.move(600, 400);
  },
  async "the context menu of a selection has both commands"(person) {
    const { page } = person;
    await page.locator(".view-line", { hasText: "The ferry" }).first().click();
    await page.keyboard.press("Control+a");
    await page.locator(".view-line", { hasText: "The ferry" }).first().click({ button: "right" });
    await person.sees("Fill Gaps in Selection");
    await person.picture("context-menu");
    await page.keyboard.press("Escape");
  },
  async "gaps are filled, and one undo brings them back"(person) {
    const { page } = person;
    await person.openFile("gaps.md");
    await person.command("Spanfill: Fill Gaps in Selection");
    await person.seesOneOf(FILLED, SOME_FILLED);
    await person.picture("gaps-filled");
    await page.keyboard.press("Control+z");
    await page.locator(".tab.dirty", { hasText: "gaps.md" }).waitFor({ state: "detached" });
    await person.sees("sea is ___.");
  },
  async "several selected gaps are filled, and no others"(person) {
    const { page } = person;
    await person.openFile("gaps.md");
    await page.keyboard.press("Control+Home");
    for (const key of ["ArrowDown", "ArrowDown", "Home"]) await page.keyboard.press(key);
    for (let i = 0; i < "The sky is ".length; i++) await page.keyboard.press("ArrowRight");
    for (let i = 0; i < "___".length; i++) await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Control+d");
    await person.command("Spanfill: Fill Gaps in Selection");
    await person.seesOneOf(/Spanfill: 2 gaps filled/, /Spanfill filled \d of 2 gaps/);
    await person.sees("go to the ___ in");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+z");
    await page.locator(".tab.dirty", { hasText: "gaps.md" }).waitFor({ state: "detached" });
  },
  async "the lamp offers both, and a summary from there is shown beside the text, too"(person) {
    const { page } = person;
    await person.openFile("gaps.md");
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Control+.");
    await person.sees("Fill gaps (3)");
    await person.picture("code-actions");
    await page.locator(".action-widget .monaco-list-row", { hasText: "Summarize selection" }).click();
    await person.sees("nothing left out");
    await person.command("View: Close Editors in Other Groups");
  },
  async "ghost text comes when asked for, and Tab accepts it"(person) {
    const { page } = person;
    await person.openFile("harbour.md");
    await page.keyboard.press("Control+End");
    for (const word of WORDS) {
      await page.keyboard.type(word);
      await person.command("Spanfill: Continue at Cursor");
      if (await person.ghostTextOrNot()) break;
    }
    await person.picture("ghost-text");
    await page.keyboard.press("Tab");
    await person.ghostText().waitFor({ state: "detached" });
  },
  async "ghost text comes while typing"(person) {
    const { page } = person;
    await page.keyboard.press("Control+End");
    for (const word of WORDS) {
      await page.keyboard.type(` ${word.trim()} `, { delay: 30 });
      if (await person.appears(person.ghostText(), 5000)) break;
    }
    await person.ghostText().waitFor();
    await person.picture("ghost-text-typed");
    await page.keyboard.press("Escape");
  },
  async "other words are shown in place before they are written"(person) {
    const { page } = person;
    await person.openFile("harbour.md");
    await page
      .locator(".view-line span", { hasText: "lighthouse" })
      .last()
      .dblclick({ position: { x: 4, y: 8 } });
    await person.command("Spanfill: Rephrase Selection");
    await person.sees("nothing is written until you choose");
    await page.keyboard.press("ArrowDown");
    await person.picture("rephrase");
    await page.keyboard.press("Escape");
  },
  async "a description is proposed and may be changed"(person) {
    const { page } = person;
    await person.openFile("harbour.md");
    await person.command("Spanfill: Write Description");
    await page.locator(".quick-input-widget:visible .quick-input-title", { hasText: "Description" }).waitFor();
    await person.picture("description");
    await page.keyboard.press("Escape");
  },
  async "the menu offers everything, and suggestions are paused"(person) {
    const { page } = person;
    await person.command("Spanfill: Show Everything It Can Do");
    await person.sees("Why Was There No Suggestion Here?");
    await person.picture("menu");
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "Pause Suggestions" }).click();
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "Until I resume them" }).click();
    await page.locator("[id='status.languageStatus']").hover();
    await person.sees("suggestions paused");
    await person.picture("paused");
    await page.mouse.move(600, 400);
    await person.command("Spanfill: Pause or Resume Suggestions");
  },
  async "why there is no suggestion is said"(person) {
    await person.openFile("harbour.md");
    await person.page
      .locator(".view-line span", { hasText: "lighthouse" })
      .last()
      .click({ position: { x: 20, y: 8 } });
    await person.command("Spanfill: Why Was There No Suggestion Here?");
    await person.sees(/No suggestion here|would suggest here/);
    await person.picture("why");
    await person.command("Notifications: Clear All Notifications");
  },
};
