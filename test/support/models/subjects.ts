/** The two engines that the parity tests compare with transformers: the plain reference, and the real one. */

import type { Precision } from "../../../server/engine/engine.ts";
import { openRunner } from "../../../server/engine/runtime/ort/runner.ts";
import { float32Data } from "../../../server/engine/runtime/session.ts";
import type { Subject } from "./parity-check.ts";
import { openReferenceRunner } from "./reference-runner.ts";

/** The reference runner of a model folder. */
export async function referenceSubject(directory: string): Promise<Subject> {
  const runner = openReferenceRunner(directory);
  return { runner, config: runner.config, encoderStates: runner.encoderStates };
}

/** The engine's runner of a model folder, on one thread (the models are tiny). */
export async function engineSubject(
  directory: string,
  precision: Precision,
  stageParameters?: number,
): Promise<Subject> {
  const runner = await openRunner(directory, precision, 1, stageParameters);
  return {
    runner,
    config: runner.config,
    async encoderStates(inputs) {
      const encoded = await runner.encode(inputs);
      const states = float32Data(encoded.hidden); // [B, S, D]
      const width = Math.max(...inputs.map((ids) => ids.length)) * runner.config.dModel;
      const rows = inputs.map((ids, i) => states.slice(i * width, i * width + ids.length * runner.config.dModel));
      encoded.dispose();
      return rows;
    },
  };
}
