/** A measurement from the text to the shape that is enough, on toy shapes that learn for a few steps. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseConfig } from "../../../models/t5/config.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import { resultFile, scalingAdvice } from "../../../server/training/scale/result.ts";
import { measureScaling, type ScaleRequest } from "../../../server/training/scale/scale.ts";
import { shapeOf, sizeOf } from "../../../server/training/scale/shapes.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const base = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-scale-"));
const { SPANFILL_MODELS: models } = process.env;
before(() => {
  process.env["SPANFILL_MODELS"] = join(folder, "models");
});
after(() => {
  if (models === undefined) delete process.env["SPANFILL_MODELS"];
  else process.env["SPANFILL_MODELS"] = models;
  base.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number, count: number) =>
  Array.from({ length: count }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
const texts = (name: string, files: number, count: number): string => {
  mkdirSync(join(folder, name));
  for (let i = 0; i < files; i += 1) writeFileSync(join(folder, name, `${i}.md`), `${text(i, count)}.\n`);
  return join(folder, name);
};
const data = texts("texts", 40, 50);
const shapes = ["tiny-nl1-dm16-ff32-nh2-kv8", "tiny-nl2-dm16-ff32-nh2-kv8"];
const request: ScaleRequest = { data, shapes, minutes: 60, steps: 12, base: base.directory, seed: 1, threads: 1 };
const quiet = { signal: new AbortController().signal, onStep: () => undefined };

describe("a measurement", () => {
  it("stops in the middle, goes on as if it had not, and says which shape is enough", async () => {
    const stop = new AbortController();
    let steps = 0;
    const onStep = () => {
      steps += 1;
      if (steps === 17) stop.abort();
    };
    const stopped = await measureScaling(request, { signal: stop.signal, onStep });
    assert.equal(stopped.measurement.law, undefined);
    assert.deepEqual(
      stopped.measurement.runs.map(({ done }) => done),
      [true, false, false, false],
    );
    assert.equal(await scalingAdvice(data), undefined);
    const { measurement, folder: place } = await measureScaling(request, quiet);
    const { runs, law, predictions = [], enough } = measurement;
    assert.deepEqual(
      runs.map(({ shape, share }) => [shape, share]),
      [...[1, 0.5, 0.25].map((share) => [shapes[0], share]), [shapes[1], 1]],
    );
    for (const { points, processorSeconds, done, text: tokens, share } of runs) {
      assert.deepEqual(
        points.map(({ step }) => step),
        [0, 8, 12],
      );
      assert.ok(points.every(({ loss }, i) => loss <= (points[i - 1]?.loss ?? Number.POSITIVE_INFINITY)));
      assert.ok(done && processorSeconds > 0 && tokens > 0 && Math.abs(tokens / (runs[0]?.text ?? 0) - share) < 0.05);
    }
    assert.ok(law !== undefined && law.error >= 0);
    for (const { loss } of predictions) assert.ok(loss.low <= loss.value && loss.value <= loss.high);
    const advice = await scalingAdvice(data);
    assert.deepEqual([advice?.shape, advice?.hours], [enough?.shape, 8]);
    // What it left is the result alone, whole and readable.
    assert.deepEqual(
      readdirSync(place).filter((name) => !name.startsWith(".")),
      ["scaling.json"],
    );
    assert.deepEqual(JSON.parse(readFileSync(resultFile(place), "utf8")), measurement);

    // The same from the beginning, without a stop: bit by bit the same losses.
    rmSync(resultFile(place));
    const whole = await measureScaling(request, quiet);
    assert.deepEqual(
      whole.measurement.runs.map(({ points }) => points),
      runs.map(({ points }) => points),
    );
  });

  it("is refused by name where shapes, text or memory do not serve", async () => {
    const refused: [Partial<ScaleRequest>, RegExp][] = [
      [{ shapes: [] }, /--shapes names no shape.*at least two/],
      [{ shapes: ["tiny-nl1"] }, /--shapes names one shape/],
      [{ shapes: ["tiny-nl2", "tiny-nl2"] }, /--shapes names tiny-nl2 twice/],
      [{ shapes: ["tiny", "tiny-nl4"] }, /--shapes names tiny and tiny-nl4, which are of one size/],
      [{ shapes: ["tiny-nl0", "tiny"] }, /There is no shape "tiny-nl0"/],
      [{ shapes: ["huge", "tiny"] }, /There is no shape "huge".*tiny, mini, small, base/],
      [{ shapes: ["tiny", "base-nl99999"] }, /num_layers/],
      [
        { shapes: ["tiny", "base-nl200-ff60000"] },
        /The shape base-nl200-ff60000 takes about .* of memory.*Leave it out/,
      ],
      [{ data: texts("few", 4, 20) }, /is too small for a law: \d+ windows.*at least 16/],
      [{ data: texts("one", 1, 500) }, /too little to learn from/],
      [{ data: join(folder, "absent") }, /does not exist/],
    ];
    for (const [changed, message] of refused) {
      await assert.rejects(measureScaling({ ...request, ...changed }, quiet), message, JSON.stringify(changed));
    }
    assert.ok(!existsSync(join(folder, "few", "scaling.json")));
  });
});

it("sizes are counted without the embedding, and names mean the published shapes", async () => {
  const config = parseConfig({
    ...{ model_type: "t5", vocab_size: 32128, d_model: 256, d_ff: 1024, d_kv: 64, num_heads: 4, num_layers: 4 },
  });
  const tiny = await shapeOf("tiny", config);
  assert.equal(parameterCount(tiny.config), 15_570_688);
  // The paper's own count of tiny with its embedding, 32,128 x 256, and two tables of 32 biases for 4 heads.
  assert.equal(sizeOf(tiny.config), 15_570_688 - 32_128 * 256 - 2 * 32 * 4);
  const { numLayers, numDecoderLayers, dModel, dFf } = (await shapeOf("mini-el3-dl2-dm128-ff512", config)).config;
  assert.deepEqual([numLayers, numDecoderLayers, dModel, dFf], [3, 2, 128, 512]);
});
