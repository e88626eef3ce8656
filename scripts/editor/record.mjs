// Records the extension as people use it, for README.md: short films (GIF) and pictures of the real thing, into
// media/readme/. The films' pace is the machine's: their frames are as the browser painted them, with its times.
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FILMS, NOTES, PICTURES } from "../../test/e2e/acts/shown.mjs";
import { Person } from "../../test/e2e/window.mjs";
import { openPage, startCodeServer } from "./code-server.mjs";
import { installEditor } from "./install.mjs";
import { cleanUp } from "./outcome.mjs";
import { tool } from "./tools.mjs";

const SHOWN = join("media", "readme");
const SIZE = { width: 800, height: 450 };
const MOST_BYTES = 400e3;
const COLORS = 255;
/** How long the first frame stays at least, and the last. */
const START_MS = 1500;
const END_MS = 2500;
/** Changes that are more frequent than this, such as a progress bar's, are skipped. */
const LEAST_MS = 50;
/** Longer waits, as while something starts, are cut to this. */
const LONGEST_MS = 2000;
const SETTINGS = {
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.activityBar.location": "hidden",
  "workbench.layoutControl.enabled": false,
  "window.commandCenter": false,
  "window.menuBarVisibility": "hidden",
  "breadcrumbs.enabled": false,
  "editor.minimap.enabled": false,
  "editor.lineNumbers": "off",
  "editor.glyphMargin": false,
  "editor.folding": false,
  "editor.wordWrap": "on",
  "editor.fontSize": 16,
  "editor.occurrencesHighlight": "off",
  "editor.lightbulb.enabled": "off",
  "editor.scrollbar.vertical": "hidden",
  "editor.cursorBlinking": "solid",
  "editor.hover.delay": 300,
  "editor.stickyScroll.enabled": false,
  // The built-in model knows the next word more often than the next sentence.
  "spanfill.inlineCompletion.length": "word",
};

/** Records what SPANFILL_E2E_ONLY matches, everything without it. @returns an outcome (outcome.mjs) */
export async function record({ folder, workspace, results, vsix, settings }) {
  const editor = installEditor();
  for (const [name, text] of Object.entries(NOTES)) writeFileSync(join(workspace, name), text);
  const server = await startCodeServer(editor, { folder, vsix, settings: { ...settings, ...SETTINGS } });
  const only = new RegExp(process.env.SPANFILL_E2E_ONLY ?? "");
  const failures = [];
  let passed = 0;
  const acts = [
    ...Object.entries(FILMS).map(([name, act]) => ({ name: `${name}.gif`, act, take: film })),
    ...Object.entries(PICTURES).map(([name, act]) => ({ name: `${name}.png`, act, take: picture })),
  ].filter(({ name }) => only.test(name));
  mkdirSync(SHOWN, { recursive: true });
  const { page, close } = await openPage(editor.browser);
  try {
    await page.setViewportSize(SIZE);
    await page.goto(`http://${server.host}/?folder=${workspace}`);
    await page.locator(".monaco-workbench .part.statusbar").waitFor();
    const person = new Person(page, server, results);
    await person.choose("View: Close Primary Side Bar");
    await warmUp(person);
    for (const { name, act, take } of acts) {
      try {
        await act.before(person, { workspace });
        const bytes = await take(page, () => act.now(person));
        if (bytes.length > MOST_BYTES) throw new Error(`${name} has ${bytes.length} bytes, more than ${MOST_BYTES}`);
        writeFileSync(join(SHOWN, name), bytes);
        passed += 1;
      } catch (error) {
        await page.screenshot({ path: join(results, `failed-${name}.png`) }).catch(() => undefined);
        failures.push({ title: name, message: error.stack });
      }
      await cleanUp(() => act.after?.(person));
    }
  } finally {
    await cleanUp(close, server.stop);
  }
  const notes = readdirSync(SHOWN).map((name) => `${name}: ${Math.ceil(statSync(join(SHOWN, name)).size / 1000)} kB`);
  return { passed, failures, expected: acts.length, notes };
}

/** Has everything started that starts with the first use. */
async function warmUp(person) {
  await person.open("cache.md");
  await person.choose("Spanfill: Why Was There No Suggestion Here?");
  await person.sees(/No suggestion here|would suggest here/);
  await person.choose("Notifications: Clear All Notifications");
  await person.closeAll();
}

async function picture(page, act) {
  await act();
  await page.waitForTimeout(500);
  return page.screenshot();
}

/** A GIF of the browser's frames during an action. */
async function film(page, act) {
  const session = await page.context().newCDPSession(page);
  const frames = [];
  session.on("Page.screencastFrame", ({ data, metadata, sessionId }) => {
    frames.push({ png: Buffer.from(data, "base64"), ms: 1000 * metadata.timestamp });
    session.send("Page.screencastFrameAck", { sessionId }).catch(() => undefined);
  });
  await session.send("Page.startScreencast", { format: "png", everyNthFrame: 1 });
  await act();
  await page.waitForTimeout(300);
  await session.send("Page.stopScreencast");
  await session.detach();
  frames.sort((one, other) => one.ms - other.ms);
  return gif(frames.map(({ png, ms }) => ({ ...tool("pngjs").PNG.sync.read(png), ms })));
}

/** One palette for all frames; a frame holds what differs from the one before, the rest of it is transparent. */
function gif(frames) {
  const { GIFEncoder, quantize, applyPalette } = tool("gifenc");
  const [{ width, height }] = frames;
  const shown = distinct(frames);
  const palette = quantize(sampled(shown), COLORS);
  const transparentIndex = palette.length;
  const encoder = GIFEncoder();
  let before;
  for (const [i, { data, ms }] of shown.entries()) {
    const index = applyPalette(data, palette);
    const next = shown[i + 1]?.ms;
    const delay = next === undefined ? END_MS : Math.min(LONGEST_MS, Math.max(i === 0 ? START_MS : 0, next - ms));
    const changed =
      before === undefined ? index : index.map((color, at) => (color === before[at] ? transparentIndex : color));
    const first = before === undefined ? { palette: [...palette, [0, 0, 0]] } : {};
    encoder.writeFrame(changed, width, height, { ...first, delay, transparent: true, transparentIndex, dispose: 1 });
    before = index;
  }
  encoder.finish();
  return Buffer.from(encoder.bytes());
}

/** Frames that differ from the one before and stay long enough to be seen. */
function distinct(frames) {
  const kept = [];
  for (const [i, frame] of frames.entries()) {
    const next = frames[i + 1];
    if (next !== undefined && next.ms - (kept.at(-1)?.until ?? frame.ms) < LEAST_MS) continue;
    if (kept.length > 0 && frame.data.equals(kept.at(-1).data)) continue;
    kept.push({ ...frame, until: next?.ms });
  }
  return kept;
}

/** Pixels of frames from all over the film, as many as one frame or a few have. */
function sampled(frames) {
  const step = Math.max(1, Math.floor(frames.length / 6));
  return Buffer.concat(frames.filter((_, i) => i % step === 0 || i === frames.length - 1).map(({ data }) => data));
}
