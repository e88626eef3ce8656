/**
 * Detects whether this processor's int8 products saturate: without VNNI, x86 adds two products in 16 bits, which
 * overflow.
 */
import { createGraphBuilder } from "../../../models/graph/builder.ts";
import { columnLinear } from "../../../models/graph/runtime-ops.ts";
import type { Graph } from "../../../models/graph/types.ts";
import { doOnce } from "../../files/once.ts";
import { createSession, float32, float32Data } from "./session.ts";

const [INNER, COLUMNS] = [64, 32];

/**
 * Whether the runtime's product of uint8 and int8 saturates here; determined once per process by a small product.
 * @throws ModelError "runtime"
 */
export const int8ProductsSaturate: () => Promise<boolean> = doOnce(async () => {
  const session = await createSession(largestProduct(), { folder: "", threads: 1, spin: false });
  try {
    const { y } = await session.run({ x: float32(new Float32Array(INNER).fill(1), [1, INNER]) });
    // Each product is 1 x 127.
    return float32Data(y).some((sum) => sum < 0.99 * 127 * INNER);
  } finally {
    await session.dispose();
  }
});

/** A graph that multiplies the largest inputs, which become 255, by the largest weights. */
function largestProduct(): Graph {
  const g = createGraphBuilder();
  const x = g.input("x", "float32", [1, INNER]);
  const values = g.constant("int8", [INNER, COLUMNS], Array<number>(INNER * COLUMNS).fill(127));
  const scales = g.constant("float32", [COLUMNS], Array<number>(COLUMNS).fill(1));
  return g.build("saturation", { y: columnLinear(g, x, values, scales) });
}
