/** The conclusions from a measurement: its law, predictions, and the shape that is enough for the text. */
import { flopsPerToken } from "../../../models/t5/account.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import { exponentOf, type FittedLaw, fitLaw, predict, type ScalePoint } from "./law.ts";
import type { MeasuredRun, Measurement } from "./result.ts";
import { type NamedShape, PREDICTED, shapeOf, sizeOf } from "./shapes.ts";

/** A finished measurement with its law. @param vocabulary the configuration whose vocabulary shapes have */
export async function concluded(
  measurement: Measurement,
  measured: readonly NamedShape[],
  vocabulary: T5Config,
  seed: number,
): Promise<Measurement> {
  const { runs } = measurement;
  const fitted = fitLaw(pointsOf(runs), DRAWS, seed);
  const speed = speedOf(runs, measured);
  const text = Math.max(...runs.map((run) => run.text));
  const others = await Promise.all(
    PREDICTED.filter((name) => measured.every((shape) => shape.name !== name)).map((name) => shapeOf(name, vocabulary)),
  );
  const largest = Math.max(...measured.map(({ config }) => sizeOf(config)));
  const shapes = [...measured, ...others.filter(({ config }) => sizeOf(config) <= FURTHEST * largest)];
  const predictions = shapes
    .flatMap(({ name, config }) =>
      PLACES.map(({ hours, times }) => {
        const size = sizeOf(config);
        const tokens = (3600 * hours * speed) / flopsPerToken(config).training;
        const loss = predict(fitted, { parameters: size, tokens, text: times * text });
        return { shape: name, parameters: parameterCount(config), size, hours, times, loss };
      }),
    )
    .sort((a, b) => a.size - b.size);
  return { ...measurement, law: lawOf(fitted), predictions, ...enoughOf(predictions, measured) };
}

const FIRST_STEPS = 25;
/** Draws of the bootstrap. */
const DRAWS = 100;
/** Sizes beyond so many times the largest measured one are not predicted. */
const FURTHEST = 8;
/** An hour and a night on the text, and a night on four times as much. */
const PLACES = [
  { hours: 1, times: 1 },
  { hours: 8, times: 1 },
  { hours: 8, times: 4 },
];
/** A loss within this share of the best one is as good. */
const AS_GOOD = 0.01;

/**
 * The points that a law holds for: not those of a run's first quarter, nor of the first steps, in which every model
 * learns little but how frequent each token is.
 */
export function pointsOf(runs: readonly MeasuredRun[]): ScalePoint[] {
  return runs.flatMap(({ shape, share, size, text, points }) => {
    const last = points.at(-1)?.step ?? 0;
    const first = Math.max(last / 4, Math.min(FIRST_STEPS, last / 2));
    return points
      .filter(({ step }) => step > 0 && step >= first)
      .map(({ tokens, loss }) => ({ parameters: size, tokens, text, loss, run: `${shape} ${share}` }));
  });
}

/** Operations in a second of processor time while training, evaluations counted as time: the middle run's. */
function speedOf(runs: readonly MeasuredRun[], measured: readonly NamedShape[]): number {
  const speeds = runs.flatMap(({ shape, points, processorSeconds }) => {
    const config = measured.find(({ name }) => name === shape)?.config;
    const tokens = points.at(-1)?.tokens ?? 0;
    return config === undefined ? [] : [(tokens * flopsPerToken(config).training) / processorSeconds];
  });
  return speeds.sort((a, b) => a - b)[speeds.length >> 1] ?? 0;
}

function lawOf(fitted: FittedLaw): NonNullable<Measurement["law"]> {
  const term = (name: "parameters" | "tokens" | "text") => ({
    coefficient: fitted.law[name].coefficient,
    exponent: exponentOf(fitted, name),
  });
  const squares = fitted.residuals.reduce((sum, residual) => sum + residual ** 2, 0);
  const error = Math.sqrt(squares / fitted.residuals.length);
  return { parameters: term("parameters"), tokens: term("tokens"), text: term("text"), error };
}

function enoughOf(
  predictions: NonNullable<Measurement["predictions"]>,
  measured: readonly NamedShape[],
): Pick<Measurement, "enough"> {
  const [night] = PLACES.filter(({ hours, times }) => hours > 1 && times === 1);
  const alike = predictions.filter(({ hours, times }) => hours === night?.hours && times === 1);
  const best = Math.min(...alike.map(({ loss }) => loss.value));
  const enough = alike.find(({ loss }) => loss.value <= (1 + AS_GOOD) * best);
  if (enough === undefined) return {};
  const { shape, parameters, hours, loss } = enough;
  return { enough: { shape, parameters, hours, loss, measured: measured.some(({ name }) => name === shape) } };
}
