import assert from "node:assert/strict";
import { test } from "node:test";
import { createGraphBuilder } from "../../../models/graph/builder.ts";
import { columnLinear } from "../../../models/graph/runtime-ops.ts";
import { seededRandom } from "../../../models/random.ts";
import { int8ProductsSaturate } from "../../../server/engine/runtime/saturation.ts";
import { createSession, float32, float32Data } from "../../../server/engine/runtime/session.ts";

const [ROWS, INNER, COLUMNS] = [16, 256, 48];

/** What the graph makes of large values, whose products saturate in 16 bits, relative to float64's result. */
async function errorOf(unsigned: boolean): Promise<number> {
  const random = seededRandom(1);
  const x = Float32Array.from({ length: ROWS * INNER }, () => random());
  const values = Array.from(
    { length: INNER * COLUMNS },
    () => Math.round(100 + 27 * random()) * (random() < 0.7 ? 1 : -1),
  );
  const scales = Array.from({ length: COLUMNS }, () => 0.01 * (1 + random()));
  const g = createGraphBuilder();
  const input = g.input("x", "float32", ["S", INNER]);
  const weights = g.constant("int8", [INNER, COLUMNS], values);
  const y = columnLinear(g, input, weights, g.constant("float32", [COLUMNS], scales), unsigned);
  const session = await createSession(g.build("product", { y }), { folder: "", threads: 1, spin: false });
  const got = float32Data((await session.run({ x: float32(x, [ROWS, INNER]) }))["y"]);
  await session.dispose();
  let [error, norm] = [0, 0];
  for (let row = 0; row < ROWS; row++)
    for (let column = 0; column < COLUMNS; column++) {
      let sum = 0;
      for (let k = 0; k < INNER; k++)
        sum += (x[row * INNER + k] ?? 0) * (values[k * COLUMNS + column] ?? 0) * (scales[column] ?? 0);
      error += ((got[row * COLUMNS + column] ?? 0) - Math.fround(sum)) ** 2;
      norm += sum ** 2;
    }
  return Math.sqrt(error / norm);
}

test("products of uint8 columns are right on every processor", async () => {
  const error = await errorOf(true);
  assert.ok(error < 0.01, `relative error ${error}`);
});

test("a processor whose int8 products saturate is recognized by its result", async () => {
  const [saturates, error] = [await int8ProductsSaturate(), await errorOf(false)];
  assert.equal(saturates, error > 0.01, `saturates: ${saturates}; relative error ${error}`);
});
