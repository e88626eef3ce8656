/** Models that are imported are opened by a process that can be ended. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { openImported } from "../../../server/catalog/open-imported.ts";
import { type OpeningLimits, openApart } from "../../../server/engine/process/open-apart.ts";
import { built } from "../../support/built.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-apart-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});
const signal = AbortSignal.timeout(240_000);

test("opens what this process opens, and refuses what it refuses with the same words", async () => {
  const childPath = built("child.js");
  const task = { to: model.directory };
  assert.deepEqual(await openApart(task, signal, { childPath }), await openImported(task, signal));
  for (const [name, content] of [
    ["config.json", "{}"],
    ["tokenizer.json", '{"model":{}}'],
    ["model.safetensors", "not weights"],
  ] as const) {
    const to = join(folder, name);
    mkdirSync(to);
    cpSync(model.directory, to, { recursive: true });
    writeFileSync(join(to, name), content);
    const errors = await Promise.all(
      [openImported({ to }, signal), openApart({ to }, signal, { childPath })].map((opening) =>
        opening.then(
          () => assert.fail(`${name} was taken`),
          (error: unknown) => error,
        ),
      ),
    );
    const [here, apart] = errors.map((error) => (error instanceof ModelError ? [error.code, error.message] : error));
    assert.deepEqual(apart, here);
  }
});

const bad: [what: string, script: string, limits: OpeningLimits, message: RegExp][] = [
  ["never ends", "process.on('message', () => { for (;;); });", { silentMs: 2000 }, /no sign of life for 2 s/],
  [
    "goes on for ever",
    "process.on('message', () => setInterval(() => process.send({ type: 'alive' }), 20));",
    { wholeMs: 3000 },
    /took more than 0\.05 minutes/,
  ],
  [
    "fills the memory",
    "const all = []; process.on('message', () => { for (let i = 0; i < 60; i++) all.push(Buffer.alloc(1e7, 1)); });",
    { mostBytes: 300e6 },
    /took more than .* GB of memory and was ended/,
  ],
  ["crashes", "process.on('message', () => process.abort());", {}, /ended its process, which was ended by SIGABRT\./],
];
for (const [what, script, limits, message] of bad) {
  if (what === "fills the memory" && process.platform === "win32") continue; // no cheap report of memory there
  test(`an import that ${what} is ended with a message, while this process goes on`, async () => {
    const childPath = join(folder, `${what.replaceAll(" ", "-")}.cjs`);
    writeFileSync(childPath, `console.log(process.pid);${script}`);
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 10);
    const opening = openApart({ to: "/models/x" }, signal, { childPath, ...limits });
    await assert.rejects(opening, (error) => error instanceof ModelError && message.test(error.message));
    clearInterval(ticking);
    assert.ok(ticks > 1, `${ticks}`);
  });
}

test("a cancel ends an import that hangs", async () => {
  const childPath = join(folder, "hangs.cjs");
  writeFileSync(childPath, "process.on('message', () => { process.send({ type: 'alive' }); for (;;); });");
  const cancel = new AbortController();
  const opening = openApart({ to: "/models/x" }, cancel.signal, { childPath });
  setTimeout(() => cancel.abort(new Error("enough")), 500);
  await assert.rejects(opening, /enough/);
});
