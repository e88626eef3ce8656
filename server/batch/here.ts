/** Documents of a batch, answered in this process. */
import { basename } from "node:path";
import { defined } from "../../base/defined.ts";
import { ModelError } from "../../models/errors.ts";
import type { LoadedModel } from "../engine/engine.ts";
import { summarize } from "../features/read/summarize.ts";
import type { BatchOptionsOfModel } from "./asked.ts";
import type { Answering } from "./batch.ts";

/** Returns the means that summarize one document after another. @param model loads it at the first document */
export function answeringHere(
  model: () => Promise<LoadedModel>,
  asked: string,
  { style, minimumConfidence, maxWords, maxContextTokens }: BatchOptionsOfModel,
): Answering {
  return async (tasks, { read, answer, signal }) => {
    const loaded = await model();
    for (const task of tasks) {
      if (signal.aborted) return;
      const { file } = task;
      const document = await read(task);
      if (document === undefined) {
        await answer(task, { file, error: CHANGED });
        continue;
      }
      const { text, sha256 } = document;
      const params = { text, language: basename(file), style, minimumConfidence };
      try {
        const { cancelled, ms, logProbs, confidence, ...summary } = await summarize(
          { model: loaded },
          { ...params, ...defined({ maxWords, maxContextTokens }) },
          { signal },
        );
        if (cancelled) return;
        // From run to run the runtime's sums differ in the tenth digit.
        await answer(task, { file, sha256, asked, ...summary, confidence: Number(confidence.toFixed(DIGITS)) });
      } catch (error) {
        if (!(error instanceof ModelError) || !OF_ONE_TEXT.includes(error.code)) throw error;
        await answer(task, { file, sha256, asked, error: { code: error.code, message: error.message } });
      }
    }
  };
}

/** The error of a file that was there when the batch began. */
export const CHANGED = { code: "input", message: "The file was changed or removed meanwhile. Run the command again." };

const DIGITS = 4;

/** Codes of what one text may cause; others concern all. */
const OF_ONE_TEXT: readonly string[] = ["input", "memory", "runtime"];
