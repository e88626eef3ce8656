/** The most that this machine's processor and memory give, measured through ONNX Runtime. */
import { createGraphBuilder } from "../../models/graph/builder.ts";
import * as ops from "../../models/graph/ops.ts";
import { columnLinear } from "../../models/graph/runtime-ops.ts";
import type { Graph } from "../../models/graph/types.ts";
import { createSession, float32 } from "../../server/engine/runtime/session.ts";

/** Rates of the machine. */
export interface Limits {
  /** Floating-point operations a second of products of float32 matrices. */
  readonly float32: number;
  /** Operations a second of products of int8 matrices, quantizing one side included. */
  readonly int8: number;
  /** Bytes a second at which 300 MB are read. */
  readonly bandwidth: number;
}

const SIDE = 1024;
const INNER = 4096;
const READ_ROWS = 75;
const ROW = 1_000_000;

/** Measures the limits, each the best of several runs. @throws ModelError "runtime" */
export async function measureLimits(threads: number): Promise<Limits> {
  const x = float32(new Float32Array(SIDE * INNER).fill(0.5), [SIDE, INNER]);
  const read = float32(new Float32Array(READ_ROWS * ROW).fill(1), [READ_ROWS, ROW]); // zeros might share one page
  const operations = 2 * SIDE * SIDE * INNER;
  return {
    float32: operations / (await seconds(product(), { x }, threads)),
    int8: operations / (await seconds(quantizedProduct(), { x }, threads)),
    bandwidth: (4 * READ_ROWS * ROW) / (await seconds(sums(), { x: read }, threads)),
  };
}

async function seconds(graph: Graph, feeds: Parameters<Session["run"]>[0], threads: number): Promise<number> {
  const session = await createSession(graph, { folder: "", threads, spin: true });
  try {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 15; i += 1) {
      const started = performance.now();
      await session.run(feeds);
      best = Math.min(best, performance.now() - started);
    }
    return best / 1000;
  } finally {
    await session.dispose();
  }
}

type Session = Awaited<ReturnType<typeof createSession>>;

/** Only sums of the product come out: the binding copies outputs. */
function product(): Graph {
  const g = createGraphBuilder();
  const x = g.input("x", "float32", [SIDE, INNER]);
  const weight = g.constant("float32", [INNER, SIDE], Array<number>(INNER * SIDE).fill(0.5));
  return g.build("product", { y: ops.reduceSum(g, ops.matmul(g, x, weight), [1], false) });
}

function quantizedProduct(): Graph {
  const g = createGraphBuilder();
  const x = g.input("x", "float32", [SIDE, INNER]);
  const values = g.constant("int8", [INNER, SIDE], Array<number>(INNER * SIDE).fill(3));
  const scales = g.constant("float32", [SIDE], Array<number>(SIDE).fill(0.01));
  return g.build("quantized_product", { y: ops.reduceSum(g, columnLinear(g, x, values, scales), [1], false) });
}

function sums(): Graph {
  const g = createGraphBuilder();
  const x = g.input("x", "float32", [READ_ROWS, ROW]);
  return g.build("sums", { y: ops.reduceSum(g, x, [1], false) });
}
