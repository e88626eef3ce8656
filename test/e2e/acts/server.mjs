// A person names a server in the panel, tries it, uses it for one task, loses it, and takes it back.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../../scripts/free-port.mjs";

const TOKEN = "a-token-of-the-server-that-is-long-enough";
const MODEL = "t5-efficient-tiny-nl4-spanfill";

/** Things to do, by what they show. */
export const SERVER = {
  async "a server is added and tested, used for one task, lost, and taken back"(
    person,
    { machine, workspace, settings },
  ) {
    const { page } = person;
    const panel = page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
    const served = await serve(person);
    try {
      await panel.getByRole("tab", { name: "Models" }).click();
      await panel.locator(".search input").fill(MODEL);
      await panel.locator(".row .cell.id", { hasText: new RegExp(`^${MODEL}$`) }).click();
      await panel.getByRole("button", { name: "Devices", exact: true }).click();
      const row = (state) => panel.locator(`tr[data-device=server][data-state=${state}]`);
      await row("missing").waitFor();
      await panel.locator("#set-server").click();
      await type(page, "Inference server", served.address);
      await type(page, "Token of", TOKEN);
      await row("usable").waitFor();
      await panel.getByText(/^spanfill .* at 127\.0\.0\.1:\d+ answers in \d+ ms\. It offers/).waitFor();
      if (await panel.locator("#goes").count()) throw new Error("nothing was chosen yet, and text goes somewhere");
      await panel.getByRole("button", { name: "Measure float32 on Server" }).click();
      await panel.locator("tr[data-device=server] td[data-precision=float32]", { hasText: /\d tokens\/s/ }).waitFor();
      await panel.locator("#device").selectOption("server");
      await panel.locator("#goes", { hasText: `text goes to ${served.host}` }).waitFor();
      await panel.locator("[data-feature=summarize]").uncheck();
      const kept = () => (existsSync(machine) ? readFileSync(machine, "utf8") : "{}");
      await person.until("the setting", () => /"spanfill\.server\.features":[^\]]*"infill"/.test(kept()));
      await person.picture("server-usable");
      for (const text of [kept(), readFileSync(settings, "utf8")])
        if (text.includes(TOKEN)) throw new Error("the token is in the settings");

      const fill = (number) => fillGap(person, workspace, number);
      const before = await served.requests();
      await fill(1);
      if (!((await served.requests()) > before)) throw new Error("the server was not asked");

      await served.stop();
      await fill(2); // by the CPU
      await openDevices(person, panel);
      await panel.getByRole("button", { name: "Look again" }).click();
      await row("failed").waitFor();
      await panel.locator("#goes", { hasText: served.host }).waitFor();
      await person.picture("server-lost");

      await served.start();
      await panel.getByRole("button", { name: "Look again" }).click();
      await row("usable").waitFor();
      const found = await served.requests();
      // The engine tries it in the background.
      for (let i = 3; (await served.requests()) === found; i += 1) {
        if (i === 20) throw new Error("the server was not taken back");
        await fill(i);
        await wait(2000);
      }
      await openDevices(person, panel);
      await person.picture("server-back");
      await panel.locator("#device").selectOption("auto");
      await panel.locator("#goes").waitFor({ state: "detached" });
    } finally {
      await served.stop();
    }
  },
};

/** Shows the panel's devices again. */
async function openDevices(person, panel) {
  await person.closeAll();
  await person.command("Spanfill: Open Panel");
  await panel.getByRole("button", { name: "Devices", exact: true }).click();
  await panel.locator("#devices").waitFor();
}

/** Has a gap filled in a file, and takes that back. */
async function fillGap(person, workspace, number) {
  writeFileSync(join(workspace, "mill.md"), `# The mill\n\nThe mill is one ___ the oldest of its ${number} kinds.\n`);
  await person.openFile("mill.md");
  await person.page
    .locator(".view-line", { hasText: `${number}` })
    .first()
    .waitFor();
  await person.command("Spanfill: Fill Gaps in Selection");
  await person.page.locator(".tab.dirty", { hasText: "mill.md" }).waitFor();
  await person.page.locator(".view-line", { hasText: "mill" }).first().click();
  await person.undone("mill.md");
}

/** Types into the box with a title. */
async function type(page, title, text) {
  await page.locator(".quick-input-title:visible", { hasText: title }).waitFor();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
  await page.keyboard.press("Enter");
}

/** A server of the built-in model, on loopback, with a token; it has the same address after each start. */
async function serve(person) {
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const tokenFile = join(person.pictures, "server-token.txt");
  writeFileSync(tokenFile, TOKEN);
  const cli = join(person.server.extension, "dist", "cli.js");
  const args = [cli, "serve", "--http", host, "--model", MODEL, "--token-file", tokenFile];
  const headers = { authorization: `Bearer ${TOKEN}` };
  let child;
  const served = {
    host,
    address: `http://${host}`,
    /** Requests that the process has answered. */
    async requests() {
      const text = await (await fetch(`http://${host}/metrics`, { headers })).text();
      return [...text.matchAll(/^spanfill_requests_total\S* (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
    },
    async start() {
      child = spawn(process.execPath, args, { stdio: "ignore" });
      for (let tries = 0; tries < 300; tries += 1) {
        if ((await fetch(`http://${host}/v2/health/ready`).catch(() => undefined))?.ok) return;
        await wait(200);
      }
      throw new Error("the server did not start");
    },
    async stop() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
  await served.start();
  return served;
}
