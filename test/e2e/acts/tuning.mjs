// Fine-tuning in the panel, on real questions to a bank (Banking77): from the first step to an editor that says
// something else.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { PATIENCE_MS } from "../window.mjs";

const LABELS = ["card_arrival", "exchange_rate"];
const ROWS_EACH = 60;
/** A whole run, on a machine that others use too. */
const TRAINING_MS = 200_000;
const TITLE = "Bank questions";
const ID = "bank-questions";

/** Things to do, by what they show; each begins where the one before ended. */
export const TUNING = {
  async "before training, the editor has no label for a question"(person, { workspace }) {
    person.page.setDefaultTimeout(PATIENCE_MS); // training takes its share of the machine
    const rows = brotliDecompressSync(readFileSync("bench/data/banking77.jsonl.br"))
      .toString("utf8")
      .trim()
      .split("\n");
    const all = rows.map((row) => JSON.parse(row));
    const learned = LABELS.flatMap((label) =>
      all.filter((row) => row.split === "train" && row.label === label).slice(0, ROWS_EACH),
    );
    const lines = learned.map(({ text, label }) => `${JSON.stringify({ text, label })}\n`);
    writeFileSync(join(workspace, "bank.jsonl"), lines.join(""));
    const heldOut = all.find(({ split, label }) => split === "test" && label === "exchange_rate");
    writeFileSync(join(workspace, "question.md"), `${heldOut.text}\n`);
    await person.openFile("question.md");
    await person.command("Spanfill: Classify Selection");
    await person.sees(/was not (taught|trained|fine-tuned)/);
    await person.command("Notifications: Clear All Notifications");
  },
  async "training is begun in four steps"(person, { workspace }) {
    await person.command("Spanfill: Fine-Tune a Model");
    const panel = inPanel(person);
    await panel.getByRole("button", { name: "New run" }).click({ timeout: PATIENCE_MS });
    await panel.locator("input[name=task][value=classify]").check();
    await panel.getByRole("button", { name: "Next" }).click();
    await panel.locator("#data-path").fill(join(workspace, "bank.jsonl"));
    await panel.locator("#data-path").press("Enter");
    await panel.getByText("exchange_rate").first().waitFor({ timeout: PATIENCE_MS });
    await person.picture("tuning-data");
    await panel.getByRole("button", { name: "Next" }).click();
    await panel.locator(".form[data-step=base] input[name=base]:checked").waitFor();
    await panel.getByRole("button", { name: "Next" }).click();
    await panel.locator("#setting-title").fill(TITLE);
    await panel.locator("#setting-epochs").fill("2");
    await panel.locator("#setting-batchSize").fill("8");
    await person.picture("tuning-settings");
    await panel.getByRole("button", { name: "Start" }).click();
    await panel.locator(`.run[data-run=${ID}][data-state=running]`).waitFor({ timeout: PATIENCE_MS });
  },
  async "training goes on over a reload, in the status bar, and waits while a person types"(person) {
    await person.closeAll();
    await person.reload();
    await person.openFile("question.md");
    const item = person.page.locator(".statusbar-item", { hasText: /Training/ });
    await item.waitFor({ timeout: PATIENCE_MS });
    await person.page.keyboard.press("Control+End");
    for (const letter of "Thank you.") {
      await person.page.keyboard.type(letter);
      await person.page.waitForTimeout(100);
    }
    await item.locator(".codicon-debug-pause").waitFor({ timeout: PATIENCE_MS });
    await person.picture("tuning-status");
    for (let i = 0; i < 12; i += 1) await person.page.keyboard.press("Backspace");
    await item.locator(".codicon-beaker").waitFor({ timeout: PATIENCE_MS });
  },
  async "training ends with a message, and with its button the editor says something else"(person, { machine, notes }) {
    const { page } = person;
    const message = page.locator(".notification-toast", { hasText: `${TITLE} is trained` });
    await message.waitFor({ timeout: TRAINING_MS });
    notes.push(await message.locator(".notification-list-item-message").textContent());
    await person.picture("tuning-done");
    await message.getByRole("button", { name: "Use Now" }).click();
    const chosen = `"spanfill.models.classify": "${ID}"`;
    await person.until("the setting", () => existsSync(machine) && readFileSync(machine, "utf8").includes(chosen));
    await person.command("Spanfill: Classify Selection");
    await person.sees(/exchange_rate \d+%/);
    await person.picture("tuning-used");
    await person.closeAll();
  },
  async "training that has ended is in the history, with what it came to"(person) {
    await person.command("Spanfill: Show Training Runs");
    const panel = inPanel(person);
    await panel.locator(`#runs tr[data-run=${ID}][data-state=done]`).waitFor({ timeout: PATIENCE_MS });
    await person.picture("tuning-history");
    await panel.locator(`#runs tr[data-run=${ID}]`).getByRole("button", { name: TITLE, exact: true }).click();
    await panel.locator(`.run[data-run=${ID}][data-state=done]`).waitFor();
    await panel.locator("#confusion").waitFor();
    await person.picture("tuning-result");
  },
  async "training that has ended is compared with its base, layer by layer and by slips"(person, { notes }) {
    const panel = inPanel(person);
    await panel.locator("#compare-with-base").click();
    await panel.locator("#similarity tbody tr").first().waitFor({ timeout: TRAINING_MS });
    const slips = await panel.locator("#slips tbody tr").allTextContents();
    if (slips.length !== 6) throw new Error(`${slips.length} rows of slips: ${slips.join("; ")}`);
    notes.push(`after training: ${slips[0].trim().replace(/\s+/g, " ")}`);
    await panel.locator("#slips").scrollIntoViewIfNeeded();
    await person.picture("tuning-compared");
  },
};

/** The panel's page, in its two frames. */
export function inPanel({ page }) {
  return page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
}
