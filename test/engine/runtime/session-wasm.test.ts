/**
 * The engine as WebAssembly against the native one: another build of the runtime, with other kernels, by the same
 * makers.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { createGraphBuilder } from "../../../models/graph/builder.ts";
import * as ops from "../../../models/graph/ops.ts";
import { resolveModel } from "../../../server/catalog/installed.ts";
import type { GenerateRequest, LoadedModel, Precision } from "../../../server/engine/engine.ts";
import { createLocalEngine } from "../../../server/engine/process/local.ts";
import { createRemoteEngine, type RemoteEngine } from "../../../server/engine/process/remote.ts";
import { float32 } from "../../../server/engine/runtime/session.ts";
import { wasmOpener } from "../../../server/engine/runtime/session-wasm.ts";
import { summarize } from "../../../server/features/read/summarize.ts";
import { infill } from "../../../server/features/write/infill.ts";
import { built } from "../../support/built.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const childPath = built("child.js");
const folder = randomModelFolder({ layers: 2, width: 64 });
const places: string[] = [];
after(() => {
  folder.dispose();
  for (const place of places) rmSync(place, { recursive: true, force: true });
});

/** Runs with a child process whose environment asks for WebAssembly. */
async function onWasm<T>(run: (engine: RemoteEngine) => Promise<T>, path = childPath, asked = true): Promise<T> {
  if (asked) process.env["SPANFILL_ENGINE"] = "wasm";
  const engine = createRemoteEngine({ childPath: path });
  try {
    return await run(engine);
  } finally {
    delete process.env["SPANFILL_ENGINE"];
    await engine.dispose();
  }
}

/** Runs on both runtimes; what is not a number must be equal, numbers nearly. */
async function both(directory: string, precision: Precision, work: (model: LoadedModel) => Promise<unknown>) {
  const near = createLocalEngine();
  try {
    const native = await near.load({ directory, precision, threads: 1 });
    assert.equal(native.info.slowNotice, undefined);
    const expected = await work(native);
    await onWasm(async (engine) => {
      const model = await engine.load({ directory, precision, threads: 1 });
      assert.match(model.info.slowNotice ?? "", /WebAssembly, because .*SPANFILL_ENGINE/);
      alike(await work(model), expected);
    });
  } finally {
    await near.dispose();
  }
}

function alike(actual: unknown, expected: unknown, at = "") {
  if (typeof expected === "number" && !Number.isInteger(expected)) {
    assert.ok(Math.abs(Number(actual) - expected) < 0.05, `${at}: ${actual}, natively ${expected}`);
  } else if (typeof expected === "object" && expected !== null) {
    assert.deepEqual(Object.keys(Object(actual)), Object.keys(expected), at);
    for (const [key, value] of Object.entries(expected)) alike(Object(actual)[key], value, `${at}.${key}`);
  } else assert.equal(actual, expected, at);
}

const inputs = [
  [5, 9, 30, 1],
  [7, 1],
];
const requests: Omit<GenerateRequest, "inputs">[] = [
  { maxNewTokens: 24 },
  { maxNewTokens: 16, numBeams: 4, numReturnSequences: 2 },
  { maxNewTokens: 24, noRepeatNgramSize: 2, repetitionPenalty: 1.2 },
  { maxNewTokens: 16, sample: { seed: 3, topK: 20 } },
];
test("a random model in float32 produces the same tokens greedily, with beams, without repetition and with sampling", () =>
  both(folder.directory, "float32", async (model) => {
    const made = [];
    for (const request of requests) made.push((await model.generate({ ...request, inputs })).sequences);
    return made;
  }));

test("the built-in model in int8 fills the sample's gaps and summarizes alike", () => {
  const read = (name: string) => readFileSync(`models/builtin/${name}`, "utf8");
  return both(resolveModel(undefined), "int8", async (model) => {
    const { fills } = await infill({ model }, { text: read("sample-gaps.md"), gap: "___", alternatives: 1 }, {});
    // Beams, and a sentence's beginnings, that are as likely as each other may change places: the kernels round
    // differently.
    const text = read("sample.md").slice(0, 1000);
    const { summary } = await summarize({ model }, { text, style: "sentence", decoding: { beams: 1 } }, {});
    return [summary, fills.map(({ text, confidence }) => [text, confidence])];
  });
});

test("writes into the memory that it is given", async () => {
  const g = createGraphBuilder();
  const x = g.input("x", "float32", [2]);
  const session = await wasmOpener()(g.build("doubles", { y: ops.add(g, x, x) }), ".", 1);
  const into = float32(new Float32Array(2), [2]);
  const made = await session.run({ x: float32(Float32Array.of(1, 2), [2]) }, { y: into });
  assert.equal(made["y"], into);
  assert.deepEqual(into.data, Float32Array.of(2, 4));
  await session.release();
});

/** A copy of the child that finds these packages. */
function childWith(name: string, native: string | undefined): string {
  const place = mkdtempSync(join(tmpdir(), `spanfill-${name}-`));
  places.push(place);
  const parts = readdirSync(dirname(childPath)).filter((file) => /^(child|chunk-\w+)\.js$/.test(file));
  for (const file of parts) cpSync(join(dirname(childPath), file), join(place, file));
  writeFileSync(join(place, "package.json"), '{ "type": "module" }');
  mkdirSync(join(place, "node_modules"));
  symlinkSync(resolve("node_modules/onnxruntime-web"), join(place, "node_modules", "onnxruntime-web"), "junction");
  if (native !== undefined) {
    const broken = join(place, "node_modules", "onnxruntime-node");
    mkdirSync(broken);
    writeFileSync(join(broken, "index.js"), native);
  }
  return join(place, "child.js");
}

const reasons: [string, string | undefined, RegExp][] = [
  ["the package is for another machine", undefined, /this installation has no native engine for \w+-\w+\.$/],
  [
    "the system's libraries are too old",
    'throw new Error("libstdc++.so.6: version `GLIBCXX_3.4.99\' not found\\nRequire stack:")',
    /could not be loaded \(libstdc\+\+\.so\.6: version `GLIBCXX_3\.4\.99' not found\)\.$/,
  ],
];
for (const [why, native, expected] of reasons) {
  test(`works where ${why}, and says so`, () =>
    onWasm(
      async (engine) => {
        const model = await engine.load({ directory: folder.directory, precision: "float32" });
        assert.match(model.info.slowNotice ?? "", expected);
        const { sequences } = await model.generate({ inputs: inputs.slice(0, 1), maxNewTokens: 4 });
        assert.ok((sequences[0]?.[0]?.ids.length ?? 0) > 0);
      },
      childWith("machine", native),
      false,
    ));
}

test("says what to do where there is no engine at all", async () => {
  const path = childWith("bare", undefined);
  rmSync(join(dirname(path), "node_modules"), { recursive: true });
  await onWasm(
    async (engine) => {
      const model = await engine.load({ directory: folder.directory, precision: "float32" });
      await assert.rejects(
        model.generate({ inputs, maxNewTokens: 4 }),
        /No engine can be loaded here, .*Install Spanfill again/,
      );
    },
    path,
    false,
  );
});
