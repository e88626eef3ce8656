/** The models and methods that the workers know; others are refused by name before anything is sent. */
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { TrainRun } from "../run/run.ts";

/** @throws ModelError "input" for a model, a method or an option that --on does not have */
export function checkSupported({ method, settings, tokenizerJson }: TrainRun, config: T5Config): void {
  const refused = [
    ...(config.experts === null ? [] : ["experts (Switch Transformers)"]),
    ...(config.longAttention === null ? [] : ["LongT5's attention"]),
    ...(config.fairseq === null ? [] : ["METRO-T0's layers"]),
    ...(config.convolution === 0 ? [] : ["Primer's convolutions"]),
    ...(config.talkingHeads ? ["talking heads"] : []),
    ...(config.sharedHeads || config.sharedKeyValue ? ["shared keys and values"] : []),
    ...(method.kind === "bottleneck" || method.kind === "prompt" ? [`--method ${method.kind}`] : []),
    ...(method.kind === "full" && method.metro !== undefined ? ["--objective metro"] : []),
    ...(settings.checkpointing === true ? ["--checkpointing"] : []),
    ...(tokenizerJson === undefined ? [] : ["a changed vocabulary"]),
  ];
  if (refused.length === 0) return;
  throw new ModelError(
    "input",
    `--on does not train ${refused.join(", ")}: it knows T5, mT5 and umT5, with --method full or lora. Leave --on out to train here.`,
  );
}
