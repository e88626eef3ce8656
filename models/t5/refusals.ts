/** Configurations and weights that are near a T5's and do not run. */
import * as z from "zod";
import { ModelError } from "../errors.ts";
import { firstIssue } from "../issue.ts";

/**
 * Refuses a config.json that names only models with another head than a language model's.
 * @throws ModelError "config" that names the head, and what would serve
 */
export function refuseHeads(json: unknown): void {
  const { architectures } = headSchema.catch({ architectures: [] }).parse(json);
  const head = architectures.find((name) => /For(Sequence|Token)Classification$|ForQuestionAnswering$/.test(name));
  if (head === undefined || architectures.some((name) => /(ForConditionalGeneration|EncoderModel)$/.test(name))) return;
  throw new ModelError(
    "config",
    `config.json says ${head}, whose head marks words or classes instead of writing. Use a T5ForConditionalGeneration; for labels, train one with \`spanfill train --task classify\`, for questions with --task qa.`,
  );
}

const headSchema = z.object({ architectures: z.array(z.string()) });

/** @throws ModelError "config" for weights that another program quantized */
export function refuseQuantized(json: object): void {
  const quantization = "quantization_config" in json ? json.quantization_config : undefined;
  if (typeof quantization !== "object" || quantization === null) return;
  const method = "quant_method" in quantization ? String(quantization.quant_method) : "another program";
  throw new ModelError(
    "config",
    `config.json says that the weights were quantized by ${method}, which is not read. Use the model's float version; Spanfill quantizes it itself.`,
  );
}

/**
 * Refuses models with another head than a language model's, and adapters and quantized tensors of other programs.
 * @throws ModelError "checkpoint" that names what was found, and what would serve
 */
export function refuseOtherHeads(names: Iterable<string>): void {
  const advice =
    "Use a T5ForConditionalGeneration; for labels, train one with `spanfill train --task classify`, for questions with --task qa.";
  for (const name of names) {
    const head = /^(classification_head|qa_outputs|classifier)\./.exec(name)?.[1];
    const kind = head === "qa_outputs" ? "question answering" : "classification";
    if (head !== undefined)
      throw new ModelError(
        "checkpoint",
        `The weights have a head for ${kind} (${head}), which marks words or classes instead of writing. ${advice}`,
      );
    if (/\.(lora_[AB]|lora_embedding_[AB]|ia3_l)\b/.test(name))
      throw new ModelError(
        "checkpoint",
        `The weights hold ${name}, part of an adapter (LoRA or IA3). Merge it into its base first (peft's merge_and_unload).`,
      );
    if (QUANTIZED.test(name))
      throw new ModelError(
        "checkpoint",
        `The weights hold ${name}: they were quantized by another program (GPTQ, AWQ, bitsandbytes, float8 with scales). Use the model's float version; Spanfill quantizes it itself.`,
      );
  }
}

const QUANTIZED =
  /\.(?:qweight|qzeros|weight_format|SCB|absmax|scale_\w+)$|_scale(?:s|_\w{1,40})?$|\.quant_state\.|^scaled_fp8$/;

/** Explains what is wrong with the values of a config.json. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], json: object): string {
  const values = new Map<string, unknown>(Object.entries(json));
  const keys = issues.map((issue) => String(issue.path[0]));
  const missing = keys.filter((key) => values.get(key) === undefined);
  if (missing.length > 0) {
    return `config.json lacks ${missing.join(", ")}, which cannot be guessed. Take the config.json that came with the weights.`;
  }
  const [issue] = issues;
  const key = keys[0] ?? "";
  const value = values.get(key);
  const shown = typeof value === "number" ? String(value) : JSON.stringify(value)?.slice(0, 60);
  return `config.json gives ${key} as ${shown}, ${wrongWith(issue)}. Take the config.json that came with the weights.`;
}

function wrongWith(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === "too_small")
    return issue.inclusive === false
      ? `where more than ${issue.minimum} is needed`
      : `where at least ${issue.minimum} is needed`;
  if (issue?.code === "too_big") return `where at most ${issue.maximum} is possible`;
  return issue === undefined ? "which is not possible" : `where ${firstIssue({ issues: [issue] })}`;
}
