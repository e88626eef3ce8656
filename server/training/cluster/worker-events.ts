/** The events that workers write: those of `spanfill train --json`, but for what only this machine can tell. */
import * as z from "zod";
import { type TrainEvent, trainEventSchema } from "../../../protocol/training.ts";

const step = z.int().min(0);
const tokens = z.array(z.int().min(0).max(10_000_000)).max(100_000);
const file = z.object({
  path: z.string(),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Events that are not a local run's, or have other fields. */
const schema = z.discriminatedUnion("type", [
  /** `validations`: step and loss of each evaluation so far. */
  z.object({ type: z.literal("resumed"), step, validations: z.array(z.tuple([step, z.number()])) }),
  /** `outputs`: token ids that the model wrote for the judged examples. */
  z.object({
    ...{ type: z.literal("evaluation"), step, loss: z.number().nullable(), validation: z.number(), best: z.boolean() },
    outputs: z.array(tokens).max(10_000),
  }),
  z.object({ type: z.literal("stopped"), step }),
  z.object({ type: z.literal("done"), steps: step, tokensPerSecond: z.number(), files: z.array(file).max(2) }),
]);

/** The events that are passed on as they are. */
type Passed = Extract<TrainEvent, { type: "estimate" | "step" | "saved" | "rollback" }>;

/** An event of the workers. */
export type WorkerEvent = z.output<typeof schema> | Passed;

/** Checks an event; undefined for one that is not known here. */
export function parseWorkerEvent(said: unknown): WorkerEvent | undefined {
  const { success, data } = schema.safeParse(said);
  if (success) return data;
  const event = trainEventSchema.safeParse(said).data;
  return event !== undefined && isPassed(event) ? event : undefined;
}

function isPassed(event: TrainEvent): event is Passed {
  return ["estimate", "step", "saved", "rollback"].includes(event.type);
}
