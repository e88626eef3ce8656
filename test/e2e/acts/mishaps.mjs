// What goes wrong, and whether a person is told what and what to do: cancelled, refused, read-only, a model that is not
// there.

/** Things to do, by what they show. */
export const MISHAPS = {
  async "long work can be cancelled"(person) {
    const { page } = person;
    await person.openFile("many.md");
    await page.keyboard.press("Control+a");
    await person.command("Spanfill: Fill Gaps in Selection");
    const toast = page.locator(".notification-toast", { hasText: "Filling" });
    await toast.getByText(/\d of \d+/).waitFor();
    await person.picture("progress");
    await toast.locator(".monaco-button", { hasText: "Cancel" }).click();
    await toast.waitFor({ state: "detached" });
    if (await page.locator(".tab.dirty", { hasText: "many.md" }).count())
      throw new Error("gaps are filled all the same");
  },
  async "a text without gaps is answered with how to mark one"(person) {
    await person.openFile("long.md");
    await person.command("Spanfill: Fill Gaps in Selection");
    await person.sees("There is no gap to fill");
    await person.picture("no-gap");
    await person.command("Notifications: Clear All Notifications");
  },
  async "an empty text is not summarized"(person) {
    await person.openFile("empty.md");
    await person.command("Spanfill: Summarize File");
    await person.sees("there is no text to summarize");
    await person.picture("empty");
    await person.command("Notifications: Clear All Notifications");
  },
  async "a read-only file stays as it is"(person) {
    await person.openFile("locked.md");
    await person.command("Spanfill: Fill Gaps in Selection");
    await person.sees("this document is read-only");
    await person.sees("sea is ___.");
    await person.picture("read-only");
    await person.command("Notifications: Clear All Notifications");
  },
  async "a program is refused with the reason"(person) {
    await person.openFile("program.js");
    await person.command("Spanfill: Summarize File");
    await person.sees("works in prose");
    await person.sees("Change Language");
    await person.picture("refused");
    await person.command("Notifications: Clear All Notifications");
  },
  async "a model that is not there is named, with the way to its setting"(person) {
    const { page } = person;
    await person.openFile("gaps.md");
    person.set({ "spanfill.model": "no-such-model" });
    const toast = page.locator(".notification-toast", { hasText: "no-such-model" });
    await person.command("Spanfill: Summarize File");
    await toast.locator(".monaco-button", { hasText: "Open Settings" }).waitFor();
    await page.locator("[id='status.languageStatus']").hover();
    await person.sees("Spanfill: failed");
    await person.picture("no-model");
    await page.mouse.move(600, 400);
    person.set({});
    await person.command("Notifications: Clear All Notifications");
    await person.command("Spanfill: Summarize File");
    await person.sees("nothing left out");
  },
};
