/** Configurations that are near a T5's and do not run. */
import { ModelError } from "../errors.ts";

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
