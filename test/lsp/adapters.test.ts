/** Adapters in the language server: chosen like models, one engine for all of them, their base beside. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Generated } from "../../protocol/panel.ts";
import type { EngineStatus } from "../../protocol/requests.ts";
import { importModel } from "../../server/catalog/import.ts";
import { placesOf } from "../../server/catalog/store.ts";
import { BOTTLENECKS, bottleneckFixture, writeBottleneckBase } from "../support/models/bottleneck-fixture.ts";
import { startSession } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-lsp-adapters-"));
// The server reads it when it starts.
process.env["SPANFILL_MODELS"] = join(folder, "models");
after(() => rmSync(folder, { recursive: true, force: true }));

test("requests name adapters of one base, and one process answers them all", async () => {
  const places = placesOf();
  mkdirSync(places.own, { recursive: true });
  writeBottleneckBase(join(places.own, "base"));
  const { signal } = new AbortController();
  for (const id of ["houlsby", "parallel"])
    await importModel(join(BOTTLENECKS, id), places, { signal, base: "base", id });
  const { input, adapters } = bottleneckFixture();
  const text = input.flatMap((id) => (id > 2 ? [`w${id}`] : [])).join(" ");
  const settings = { model: "base", precision: "float32", threads: 1 };
  await using session = await startSession({ settings });
  const pids = new Set<number | undefined>();
  const answer = async (id: string, count: number) => {
    const request = { kind: "generate", id, precision: "float32", text, maxNewTokens: count };
    const usual = { numBeams: 1, temperature: 0, noRepeatNgramSize: 0, alternatives: 0 };
    const { sequences } = (await session.client.request("spanfill/panel", { ...request, ...usual })) as Generated;
    pids.add(((await session.command("spanfill.status")) as EngineStatus).pid);
    return sequences[0]?.tokens.map((token) => token.text.trim());
  };
  const expected = (name: string) => adapters[name]?.tokens.flatMap((id) => (id > 2 ? [`w${id}`] : [])) ?? [];
  for (const name of ["houlsby", "parallel", "houlsby"])
    assert.deepEqual(await answer(name, adapters[name]?.tokens.length ?? 0), expected(name), name);
  assert.notDeepEqual(await answer("base", expected("houlsby").length), expected("houlsby"));
  assert.equal(pids.size, 1);
});
