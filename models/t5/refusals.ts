/** Configurations that are near a T5's and do not run. */
import type * as z from "zod";
import { ModelError } from "../errors.ts";
import { firstIssue } from "../issue.ts";

/** @throws ModelError "config" for a METRO-T0, whose keys are a T5's */
export function refuseMetro(json: object): void {
  if (!("model_type" in json) || json.model_type !== "fairseq_t5") return;
  throw new ModelError(
    "config",
    "config.json is that of a METRO-T0 (fairseq_t5), whose biases, norms after each sublayer and learned positions no T5 has. It does not run here: choose a Flan-T5, which answers the same kinds of prompts.",
  );
}

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
