/** Merges PEFT's adapters into the weights of their base: LoRA, rsLoRA, DoRA, IA3, and modules saved whole. */
import * as z from "zod";
import { ModelError } from "../errors.ts";

/** An adapter_config.json. */
export type AdapterConfig = z.output<typeof schema>;

/** The arrays of an adapter that change one tensor of the base. */
export interface TensorChange {
  /** LoRA's A [rank, in] and B [out, rank]. */
  A?: AdapterTensor;
  B?: AdapterTensor;
  /** DoRA's magnitudes [out]. */
  magnitude?: AdapterTensor;
  /** IA3's factors: [out, 1] for outputs, [1, in] for inputs. */
  factors?: AdapterTensor;
  /** The tensor itself: trained whole, or kept beside a change of it, as PEFT does of the LM head. */
  whole?: AdapterTensor;
}

/** An array of an adapter, float32. */
export interface AdapterTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const schema = z.looseObject({
  peft_type: z.string().default("PEFT"),
  base_model_name_or_path: z.string().nullish(),
  lora_alpha: z.number().default(8),
  alpha_pattern: z.record(z.string(), z.number()).default({}),
  use_rslora: z.boolean().default(false),
});

/**
 * Reads an adapter's configuration.
 * @throws ModelError "checkpoint" when it is malformed
 */
export function parseAdapterConfig(json: unknown, file: string): AdapterConfig {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const key = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new ModelError("checkpoint", `${file} is not as PEFT writes it (${key}). Download it again.`, {
    cause: parsed.error,
  });
}

/**
 * Why an adapter cannot be merged; undefined if it can.
 * @see LoraConfig and IA3Config of peft
 */
export function unmergeable(config: AdapterConfig): string | undefined {
  const { peft_type: type } = config;
  if (type === "PROMPT_TUNING" || type === "PREFIX_TUNING" || type === "P_TUNING")
    return "its vectors stand before a text and are in no weight; train a soft prompt here with --method prompt";
  if (type !== "LORA" && type !== "IA3") return `only LoRA, rsLoRA, DoRA and IA3 can be merged${BY_PEFT}`;
  const init = config["init_lora_weights"];
  if (typeof init === "string" && /^(pissa|olora|corda|loftq|eva)/i.test(init) && init !== "eva")
    return `it began from changed weights of its base (init_lora_weights "${init}"); save it with peft's path_initial_model_for_weight_conversion`;
  const odd = ["fan_in_fan_out", "layer_replication", "use_qalora", "lora_bias", "trainable_token_indices"].find(
    (key) => config[key] !== undefined && config[key] !== null && config[key] !== false,
  );
  return odd === undefined ? undefined : `its ${odd} is not known${BY_PEFT}`;
}

const BY_PEFT = "; merge it with peft (merge_and_unload, save_pretrained)";

const PARTS = { lora_A: "A", lora_B: "B", lora_magnitude_vector: "magnitude", ia3_l: "factors" } as const;
const PART = /^(.+)\.(lora_A|lora_B|lora_magnitude_vector|ia3_l)(?:\.default)?(?:\.weight)?$/;

/**
 * Assigns an adapter's arrays to the base's tensors.
 * @param isTied whether the base's LM head is its embedding
 * @returns by the names of the base's tensors
 * @throws ModelError "checkpoint" that names an array which belongs to none
 */
export function adapterChanges(
  arrays: ReadonlyMap<string, AdapterTensor>,
  base: ReadonlyMap<string, readonly number[]>,
  isTied: boolean,
): ReadonlyMap<string, TensorChange> {
  const changes = new Map<string, TensorChange>();
  for (const [stored, array] of arrays) {
    const name = stored.replace(/^base_model\.model\./, "").replace(".base_layer.", ".");
    const [, module, part] = PART.exec(name) ?? [];
    const target = module === undefined ? name.replace(/\.modules_to_save(\.default)?/, "") : `${module}.weight`;
    const isHead = target === "lm_head.weight";
    const besideHead = isHead && (module !== undefined || stored.includes(".base_layer."));
    if (besideHead && isTied)
      throw refused(
        "learns beside lm_head, which is the embedding in this base (tie_word_embeddings): merging it would change both",
      );
    if (/^(shared|(en|de)coder\.embed_tokens)\./.test(target))
      throw refused(
        `changes ${target.replace(/\.lora_embedding_[AB][\s\S]*$/, ".weight")}, which a T5 shares between its ends: merging it would change both`,
      );
    if (!base.has(target) && !(isHead && module === undefined)) throw refused(`holds ${stored}, which its base lacks`);
    const change = changes.get(target) ?? {};
    change[part === undefined ? "whole" : PARTS[part as keyof typeof PARTS]] = array;
    changes.set(target, change);
  }
  return changes;
}

/**
 * A tensor of the base with its change.
 * @param weight float32 [out, in]; the change's own, if it has one
 * @throws ModelError "checkpoint" when the arrays do not fit it
 * @see Linear.merge of peft's tuners/lora/layer.py and tuners/ia3/layer.py; DoraLinearLayer of tuners/lora/dora.py
 */
export function changed(
  name: string,
  weight: Float32Array,
  shape: readonly number[],
  change: TensorChange,
  config: AdapterConfig,
): Float32Array {
  const [rows = 0, columns = 1] = shape;
  const { A, B, magnitude, factors, whole } = change;
  const fits = (array: AdapterTensor | undefined, ...axes: readonly number[]) => {
    if (array !== undefined && array.shape.join() !== axes.join())
      throw refused(`gives ${name} as [${array.shape.join(",")}], where [${axes.join(",")}] is needed`);
  };
  fits(whole, ...shape);
  if (whole !== undefined && A === undefined && B === undefined) return whole.values;
  if (factors !== undefined) {
    const isInput = factors.shape[0] === 1;
    fits(factors, ...(isInput ? [1, columns] : [rows, 1]));
    return weight.map((value, i) => value * (factors.values[isInput ? i % columns : Math.floor(i / columns)] ?? 1));
  }
  if (A === undefined || B === undefined) throw refused(`has only one of the two matrices for ${name}`);
  const [rank = 1] = A.shape;
  fits(A, rank, columns);
  fits(B, rows, rank);
  fits(magnitude, rows);
  const scale = loraScale(name, rank, config);
  const out = new Float32Array(weight.length);
  const row = new Float64Array(columns);
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      let sum = 0;
      for (let k = 0; k < rank; k += 1) sum += (B.values[r * rank + k] ?? 0) * (A.values[k * columns + c] ?? 0);
      row[c] = (weight[r * columns + c] ?? 0) + scale * sum;
    }
    const norm = magnitude === undefined ? 1 : Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    const factor = magnitude === undefined ? 1 : (magnitude.values[r] ?? 1) / norm;
    for (let c = 0; c < columns; c += 1) out[r * columns + c] = factor * (row[c] ?? 0);
  }
  return out;
}

/** The factor of LoRA's product beside a tensor. */
export function loraScale(name: string, rank: number, config: AdapterConfig): number {
  return alphaOf(name.replace(/\.weight$/, ""), config) / (config.use_rslora ? Math.sqrt(rank) : rank);
}

/** A module's alpha: that of the first pattern which matches the end of its name. @see get_pattern_key of peft */
function alphaOf(module: string, { alpha_pattern: patterns, lora_alpha: usual }: AdapterConfig): number {
  const found = Object.entries(patterns).find(([pattern]) => matchesEnd(pattern, module));
  return found?.[1] ?? usual;
}

function matchesEnd(pattern: string, module: string): boolean {
  if (!/^[\w.^$|()\\d*+[\]-]{1,200}$/.test(pattern)) return false;
  try {
    return new RegExp(`^(?:.*\\.)?(?:${pattern})$`).test(module);
  } catch {
    return false;
  }
}

function refused(what: string): ModelError {
  return new ModelError("checkpoint", `The adapter ${what}. Merge it with peft (merge_and_unload, save_pretrained).`);
}
