/** The story of a run whose workers are elsewhere, kept beside its state: they know neither metrics nor samples. */
import { join } from "node:path";
import * as z from "zod";
import { EMPTY_STORY, type RunStory } from "../../../protocol/run-story.ts";
import { evaluationSchema } from "../../../protocol/training.ts";
import { readRegularText } from "../../files/regular-file.ts";
import { writeText } from "../run/results/trained-model.ts";

const point = z.object({
  ...{ step: z.int(), loss: z.number(), learningRate: z.number(), gradientNorm: z.number() },
  ...{ tokensPerSecond: z.number(), memoryBytes: z.number() },
});
const storySchema = z.object({
  key: z.string(),
  step: z.int(),
  curve: z.array(point),
  evaluations: z.array(evaluationSchema),
});

const FILE = "story.json";

/** The story that was kept of the same run; undefined if there is none. */
export async function readStory(state: string, key: string): Promise<RunStory | undefined> {
  try {
    const story = storySchema.parse(JSON.parse(await readRegularText(join(state, FILE))));
    return story.key === key ? { ...EMPTY_STORY, ...story } : undefined;
  } catch {
    return undefined; // the run begins
  }
}

/** Keeps a story. */
export async function writeStory(state: string, key: string, story: RunStory): Promise<void> {
  const { step, curve, evaluations } = story;
  await writeText(join(state, FILE), JSON.stringify({ key, step, curve, evaluations }));
}
