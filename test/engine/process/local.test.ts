import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { modelIdentity } from "../../../server/catalog/folder/identity.ts";
import type { FilledSpan, Generation, LoadedModel } from "../../../server/engine/engine.ts";
import { createLocalEngine } from "../../../server/engine/process/local.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const folder = randomModelFolder();
const cache = mkdtempSync(join(tmpdir(), "spanfill-cache-"));
Object.assign(process.env, { SPANFILL_CACHE: cache });
after(() => {
  folder.dispose();
  rmSync(cache, { recursive: true, force: true });
});
const reference = { directory: folder.directory, precision: "float32", threads: 1 } as const;
const inputOf = (model: LoadedModel, text = "the one that is") => model.encode([{ kind: "text", text }]);
const idsOf = async (model: LoadedModel, text: string) => (await model.encodeAll([text]))[0] ?? [];

test("loads a folder, and the same folder once", async () => {
  const engine = createLocalEngine();
  const model = await engine.load(reference);
  assert.equal(await engine.load(reference), model);
  assert.equal(model.info.config.dModel, 32);
  assert.equal(model.info.sentinelIds.length, 10);
  assert.equal(model.info.spellsLayout, false);
  assert.equal(await model.decode(await model.encode([{ kind: "text", text: "that is one" }])), "that is one");
  await engine.dispose();
  await assert.rejects(engine.load(reference), /closed/);
});

test("loads a folder anew that was changed since; whoever knew the old one is told, and answered by neither", async () => {
  const [engine, other] = [createLocalEngine(), randomModelFolder({ seed: 2 })];
  const inputs = [[2, 3, 4, 5, 1]];
  const scoreOf = async (model: LoadedModel) => (await model.score(inputs[0] ?? [], [6, 7, 1])).logProbs;
  const [first, expected] = [
    await scoreOf(await engine.load(reference)),
    await scoreOf(await engine.load({ ...reference, directory: other.directory })),
  ];
  const directory = mkdtempSync(join(tmpdir(), "spanfill-swap-"));
  cpSync(folder.directory, directory, { recursive: true });
  const here = { ...reference, directory };
  const before = { ...here, identity: modelIdentity(directory) };
  const old = await engine.load(before);
  assert.deepEqual(await scoreOf(old), first);
  // The weights alone: config.json stays as it is.
  cpSync(join(other.directory, "model.safetensors"), join(directory, "model.safetensors"));
  const last = scoreOf(old);
  assert.equal(await engine.load(before), old, "those who ask for what is loaded get it");
  assert.equal(await engine.load(here), old, "as do those who don't mind");
  const model = await engine.load({ ...here, identity: modelIdentity(directory) });
  assert.deepEqual(await scoreOf(model), expected);
  assert.equal((await last).length, 3);
  // A request that began before names the older files.
  await assert.rejects(engine.load(before), { name: "ModelError", code: "changed" });
  assert.equal(await engine.load({ ...here, identity: modelIdentity(directory) }), model);
  await engine.dispose();
  other.dispose();
  rmSync(directory, { recursive: true });
});

test("a graph that is first needed after the weights were exchanged is not made of them", async () => {
  const [engine, other] = [createLocalEngine(), randomModelFolder({ seed: 2 })];
  const directory = mkdtempSync(join(tmpdir(), "spanfill-swap-"));
  cpSync(folder.directory, directory, { recursive: true });
  const here = { ...reference, directory };
  const model = await engine.load({ ...here, identity: modelIdentity(directory) });
  const request = { inputs: [[2, 3, 4, 5, 1]], maxNewTokens: 4 };
  await model.generate(request);
  rmSync(join(directory, "model.safetensors"));
  cpSync(join(other.directory, "model.safetensors"), join(directory, "model.safetensors"));
  await assert.rejects(model.generate({ ...request, numBeams: 2 }), { name: "ModelError", code: "changed" });
  const anew = await engine.load({ ...here, identity: modelIdentity(directory) });
  assert.equal((await anew.generate({ ...request, numBeams: 2 })).sequences.length, 1);
  await engine.dispose();
  other.dispose();
  rmSync(directory, { recursive: true });
});

test("generates the same from the same, streams, and scores what it generates", async () => {
  const engine = createLocalEngine();
  const model = await engine.load(reference);
  const inputs = [await inputOf(model)];
  const streamed: (readonly number[])[] = [];
  const first = await model.generate({ inputs, maxNewTokens: 20 }, { onTokens: (ids) => streamed.push([...ids]) });
  const again = await model.generate({ inputs, maxNewTokens: 20 });
  const best = first.sequences[0]?.[0];
  assert.ok(best !== undefined && best.ids.length > 0);
  assert.deepEqual(again.sequences[0]?.[0]?.ids, best.ids);
  assert.deepEqual(streamed.at(-1), best.ids);
  const score = await model.score(inputs[0] ?? [], best.ids);
  for (const [i, logProb] of best.logProbs.entries()) assert.ok(Math.abs(logProb - (score.logProbs[i] ?? 0)) < 1e-3);
  await engine.dispose();
});

test("windows filled in one run give what each gives alone, proposals included", async () => {
  const engine = createLocalEngine();
  const model = await engine.load(reference);
  const [first = 0, second = 0] = model.info.sentinelIds;
  const request = { maxNewTokens: 4, numBeams: 3, numReturnSequences: 3, lengthPenalty: 0, decoderPrefix: [first] };
  const windows = [
    { window: { texts: ["the one", "is that"], hints: [undefined], maxTokens: 64 }, proposals: ["one", "that is"] },
    { window: { texts: ["that is the one and", ""], hints: [undefined], maxTokens: 64 }, proposals: [] },
    { window: { texts: ["is", "one"], hints: [undefined], maxTokens: 64 }, proposals: ["the", "one", "that"] },
  ];
  const search = { ...request, stopTokens: [second] };
  const [one, ...others] = windows;
  assert.ok(one);
  const together = await model.fill({ ...search, ...one, others });
  for (const [i, window] of windows.entries()) {
    const alone = await model.fill({ ...search, ...window });
    const found = i === 0 ? together : together.others?.[i - 1];
    assert.ok(found);
    assert.equal(found.inputTokens, alone.inputTokens);
    const texts = ({ spans }: (typeof alone.sequences)[number]) => spans.map((span) => span?.text);
    assert.deepEqual(found.sequences.map(texts), alone.sequences.map(texts));
    for (const [at, { text, logProbs, endLogProb }] of alone.proposed.entries()) {
      const same: FilledSpan | undefined = found.proposed[at];
      assert.equal(same?.text, text);
      for (const [token, logProb] of [...logProbs, endLogProb].entries()) {
        const other = [...(same?.logProbs ?? []), same?.endLogProb ?? 0][token] ?? 0;
        assert.ok(Math.abs(other - logProb) < 1e-3, `${text} ${token}: ${other}, not ${logProb}`);
      }
    }
  }
  await engine.dispose();
});

test("proposals for a gap are as likely as scoring says; those of many tokens are left out", async () => {
  const engine = createLocalEngine();
  const model = await engine.load(reference);
  const [first = 0, second = 0] = model.info.sentinelIds;
  const window = { texts: ["the one", "is that"], hints: [undefined], maxTokens: 64 };
  const request = { window, maxNewTokens: 4, decoderPrefix: [first], stopTokens: [second] };
  const proposals = ["one", "that is", "one that is the one that is", "the"];
  const input = await model.encodeWindow(window);
  for (const shortlist of ["off", 40] as const) {
    const { proposed } = await model.fill({ ...request, shortlist, proposals });
    assert.deepEqual(
      proposed.map(({ text, closed }) => [text, closed]),
      [
        [" one", true],
        [" that is", true],
        [" the", true],
      ],
    );
    for (const { text, logProbs, endLogProb } of shortlist === "off" ? proposed : []) {
      const ids = await idsOf(model, text.trim());
      const expected = (await model.score(input, [first, ...ids, second])).logProbs.slice(1);
      for (const [i, logProb] of [...logProbs, endLogProb].entries()) {
        assert.ok(Math.abs(logProb - (expected[i] ?? 0)) < 1e-4, `${text} ${i}: ${logProb}, not ${expected[i]}`);
      }
    }
  }
  const plain = await model.fill(request);
  assert.deepEqual(plain.proposed, []);
  const [best] = plain.sequences;
  const [span] = best?.spans ?? [];
  assert.ok(span === undefined || !span.closed || span.endLogProb < 0);
  await engine.dispose();
});

test("words of a place are as likely as scoring says, whether or not they share tokens", async () => {
  const engine = createLocalEngine();
  const model = await engine.load(reference);
  const { sentinelIds } = model.info;
  const [before, after] = ["the one", " is that"];
  const words = ["one", "ones", "that", "onethat", "onethatis", "the"];
  const chances = await model.wordChances({
    before,
    after,
    maxTokens: 64,
    words,
    mostRead: 9,
    ownWords: 3,
    ownRounds: 1,
  });
  const input = await model.encodeWindow({ texts: [before, after], hints: [8], maxTokens: 64 });
  assert.deepEqual(
    chances.words.slice(0, words.length).map(({ word }) => word),
    words,
  );
  for (const { word, logProb, endLogProb, spaceLogProb } of chances.words.slice(0, words.length)) {
    const ids = await idsOf(model, word);
    const scored = (await model.score(input, [...sentinelIds.slice(0, 1), ...ids])).logProbs.slice(1);
    const expected = scored.reduce((sum, each) => sum + each, 0);
    assert.ok(Math.abs(logProb - expected) < 1e-3, `${word}: ${logProb}, not ${expected}`);
    assert.ok(endLogProb <= 1e-6 && spaceLogProb <= 1e-6, word);
  }
  // Words between the text and the place are given to the decoder.
  const given = await model.wordChances({ before, given: "that is", after, maxTokens: 64, words: ["one"] });
  const givenIds = await idsOf(model, "that is one");
  const { logProbs } = await model.score(input, [...sentinelIds.slice(0, 1), ...givenIds]);
  assert.ok(Math.abs((given.words[0]?.logProb ?? 0) - (logProbs.at(-1) ?? 0)) < 1e-3);
  // Of words that the model finds equally unlikely the one is read that else is likely.
  const onlyOne = { before, after, maxTokens: 64, words: ["onethatis", "thatisone"], mostRead: 1 };
  const worth = await model.wordChances({ ...onlyOne, besides: [0, 1] });
  const unread = await model.wordChances({ ...onlyOne, mostRead: 0 });
  assert.equal(worth.words[0]?.logProb, unread.words[0]?.logProb);
  assert.notEqual(worth.words[1]?.logProb, unread.words[1]?.logProb);
  // Those that are not read are estimated from their first token.
  const estimated = await model.wordChances({ before, after, maxTokens: 64, words: ["onethatis"], mostRead: 0 });
  const [first] = await idsOf(model, "onethatis");
  const [, firstLog = 0] = (await model.score(input, [...sentinelIds.slice(0, 1), first ?? 0])).logProbs;
  assert.ok((estimated.words[0]?.logProb ?? 0) < firstLog - 2);
  const controller = new AbortController();
  controller.abort();
  assert.deepEqual(await model.wordChances({ before, after, maxTokens: 64, words }, controller), {
    words: [],
    cancelled: true,
  });
  await engine.dispose();
});

test("calls at the same time wait for one another; one cancelled in the queue never runs", async () => {
  const engine = createLocalEngine();
  const model = await engine.load(reference);
  const inputs = [await inputOf(model)];
  const controller = new AbortController();
  let ran = false;
  const order: string[] = [];
  const first = model.generate({ inputs, maxNewTokens: 40 }).then((made) => {
    order.push("first");
    return made;
  });
  const second = model.generate(
    { inputs, maxNewTokens: 40 },
    { signal: controller.signal, onTokens: () => (ran = true) },
  );
  const third = model.generate({ inputs, maxNewTokens: 40 }).then((made) => {
    order.push("third");
    return made;
  });
  controller.abort();
  const cancelled = await second;
  assert.deepEqual([cancelled.cancelled, cancelled.sequences, order], [true, [[]], []]);
  // Log probabilities differ in the last bit from run to run: threads share a sum's terms as they are free.
  const ids = ({ sequences }: Generation) => sequences.map((beams) => beams.map((beam) => beam.ids));
  assert.deepEqual(ids(await third), ids(await first));
  assert.deepEqual([order, ran], [["first", "third"], false]);
  await assert.rejects(model.score([5, 1], [1], { signal: AbortSignal.abort() }), { name: "AbortError" });
  await engine.dispose();
});

test("a folder that could not be loaded can be once it is put right", async () => {
  const copy = mkdtempSync(join(tmpdir(), "spanfill-model-"));
  cpSync(folder.directory, copy, { recursive: true });
  rmSync(join(copy, "tokenizer.json"));
  const engine = createLocalEngine();
  const there = { directory: copy, precision: "float32" } as const;
  await assert.rejects(engine.load(there), (error) => {
    assert.ok(error instanceof ModelError && error.code === "tokenizer");
    assert.match(error.message, /no tokenizer\.json and no spiece\.model/);
    return true;
  });
  writeFileSync(join(copy, "tokenizer.json"), "{");
  await assert.rejects(engine.load(there), /not JSON/);
  cpSync(join(folder.directory, "tokenizer.json"), join(copy, "tokenizer.json"));
  assert.equal((await engine.load(there)).info.config.dModel, 32);
  await engine.dispose();
  rmSync(copy, { recursive: true });
});
