/**
 * Whether a scaling law foretells a larger shape: shapes learn from a text, the law is fitted without the largest one,
 * and its losses are compared with the prediction.
 */
import { pointsOf } from "../../server/training/scale/conclude.ts";
import { exponentOf, fitLaw, predict } from "../../server/training/scale/law.ts";
import { measureScaling } from "../../server/training/scale/scale.ts";

/** The texts, the shapes and the time of a measurement. */
export interface ScalingOptions {
  readonly data: string;
  readonly shapes: readonly string[];
  readonly minutes: number;
}

/** Prints the prediction for the largest shape beside its measured losses; goes on where it was stopped. */
export async function benchScaling(options: ScalingOptions): Promise<void> {
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort());
  const { measurement } = await measureScaling(
    { ...options, steps: Number.MAX_SAFE_INTEGER, seed: 0, threads: 1 },
    { signal: controller.signal, onStep: () => undefined },
  );
  const { runs } = measurement;
  const largest = runs.reduce((a, b) => (b.size > a.size ? b : a));
  const points = pointsOf(runs);
  const isHeldOut = ({ parameters }: { readonly parameters: number }) => parameters === largest.size;
  const fitted = fitLaw(
    points.filter((point) => !isHeldOut(point)),
    200,
    0,
  );
  for (const { shape, share, size, points: losses, processorSeconds } of runs) {
    const { tokens = 0, loss = Number.NaN } = losses.at(-1) ?? {};
    console.log(
      `${shape}, ${share} of the text: ${size} parameters, ${tokens} tokens, ${loss.toFixed(3)} nats, ${processorSeconds.toFixed(0)} s`,
    );
  }
  for (const name of ["parameters", "tokens", "text"] as const) {
    const { value, low, high } = exponentOf(fitted, name);
    console.log(`exponent of ${name}: ${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`);
  }
  for (const point of points.filter(isHeldOut)) {
    const { value, low, high } = predict(fitted, point);
    const off = (100 * (point.loss / value - 1)).toFixed(1);
    console.log(
      `${largest.shape} after ${point.tokens} tokens: predicted ${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)}), measured ${point.loss.toFixed(3)}, ${off}% off`,
    );
  }
}
