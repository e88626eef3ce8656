/**
 * Bottleneck adapters as AdapterHub's library keeps them: adapter_config.json, and arrays named by their sublayer.
 * @see BnConfig, configuration/adapter_config.py, and Adapter, methods/modeling.py of the library `adapters`
 */
import * as z from "zod";
import { table } from "../../base/table.ts";
import { ModelError } from "../errors.ts";
import { firstIssue } from "../issue.ts";
import {
  type Activation,
  type AdapterInput,
  type BottleneckInput,
  type BottleneckSlot,
  type GraphAdapter,
  inputName,
  type Sublayer,
  slotInputs,
  slotName,
  sublayers,
} from "../t5/adapters/adapters.ts";
import { BOTTLENECK_LAYOUTS, type BottleneckMethod } from "../t5/adapters/bottleneck.ts";
import type { T5Config } from "../t5/config.ts";
import type { AdapterTensor } from "./adapter.ts";

/** An adapter_config.json of AdapterHub's. */
export type HubAdapterConfig = z.output<typeof schema>;

const factor = z.number().positive();
const bottleneck = z.looseObject({
  architecture: z.string().nullish(),
  mh_adapter: z.boolean(),
  output_adapter: z.boolean(),
  cross_adapter: z.boolean().default(false),
  is_parallel: z.boolean().default(false),
  reduction_factor: z.union([factor, z.record(z.string(), factor)]),
  non_linearity: z.string(),
  original_ln_before: z.boolean().default(false),
  original_ln_after: z.boolean().default(true),
  residual_before_ln: z.union([z.boolean(), z.string()]).default(true),
  scaling: z.union([z.number(), z.enum(["learned", "channel"])]).default(1),
  leave_out: z.array(z.int()).default([]),
});
const schema = z.looseObject({
  config: bottleneck,
  hidden_size: z.int().nullish(),
  model_type: z.string().nullish(),
  model_name: z.string().nullish(),
  name: z.string().nullish(),
  version: z.string().nullish(),
});

/** Whether an adapter_config.json is AdapterHub's rather than PEFT's. */
export function isAdapterHub(json: unknown): boolean {
  return (
    z.looseObject({ config: z.unknown(), peft_type: z.undefined().optional() }).safeParse(json).success &&
    "config" in Object(json)
  );
}

/**
 * Reads an AdapterHub configuration.
 * @throws ModelError "checkpoint" that names what is malformed, or what is not supported
 */
export function parseHubConfig(json: unknown, file: string): HubAdapterConfig {
  const { architecture } =
    z.looseObject({ config: z.looseObject({ architecture: z.string().nullish() }) }).safeParse(json).data?.config ?? {};
  if (architecture != null)
    throw wrong(
      file,
      `is of the architecture "${architecture}"; of AdapterHub's, only bottleneck adapters are read. Save LoRA with PEFT`,
    );
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw wrong(file, `is not as the adapters library writes it (${firstIssue(parsed.error)})`);
  const { config, model_type: type } = parsed.data;
  if (type != null && !T5_TYPES.includes(type))
    throw wrong(file, `belongs to a model of the type "${type}", not to a T5`);
  const odd = ["ln_before", "ln_after", "use_gating", "phm_layer", "inv_adapter"].find((key) => Boolean(config[key]));
  if (odd !== undefined) throw wrong(file, `has ${odd} ${JSON.stringify(config[odd])}, which is not supported`);
  if (!config.original_ln_after) throw wrong(file, "has original_ln_after false, which is not supported");
  if (!config.is_parallel && config.original_ln_before && config.residual_before_ln !== true)
    throw wrong(file, `has residual_before_ln ${JSON.stringify(config.residual_before_ln)}, which is not supported`);
  activationOf(parsed.data, file);
  return parsed.data;
}

const T5_TYPES = ["t5", "mt5", "umt5"];

/** Transformers' names of the functions that T5's adapters have. */
const NON_LINEARITIES: Readonly<Record<string, Activation>> = table({
  relu: "relu",
  swish: "silu",
  silu: "silu",
  gelu_new: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
  gelu: "gelu",
  sigmoid: "sigmoid",
  leakyrelu: "leaky-relu",
});
/** Files from before the library wrote its version have other names. @see ACTIVATION_RENAME of its utils.py */
const OLD_NAMES: Readonly<Record<string, string>> = table({ gelu: "gelu_new", gelu_orig: "gelu" });

function activationOf({ config, version }: HubAdapterConfig, file: string): Activation {
  const written = config.non_linearity.toLowerCase();
  const name = version == null ? (OLD_NAMES[written] ?? written) : written;
  const activation = Object.hasOwn(NON_LINEARITIES, name) ? NON_LINEARITIES[name] : undefined;
  if (activation === undefined)
    throw wrong(
      file,
      `has the unknown non_linearity "${config.non_linearity}"; known: ${Object.keys(NON_LINEARITIES).join(", ")}`,
    );
  return activation;
}

/**
 * An adapter as graphs take it, with its scale multiplied in.
 * @param arrays by their stored names
 * @throws ModelError "checkpoint" that names the array or setting which does not fit the base
 */
export function hubAdapter(
  base: T5Config,
  config: HubAdapterConfig,
  arrays: ReadonlyMap<string, AdapterTensor>,
  file: string,
): GraphAdapter {
  const D = base.dModel;
  if (config.hidden_size != null && config.hidden_size !== D)
    throw wrong(file, `is for a model of the width ${config.hidden_size}; its base has ${D}`);
  const found = byLayer(base, arrays, file);
  const slots = new Map<string, BottleneckSlot>();
  const inputs = new Map<string, AdapterInput>();
  const reads = readsOf(config);
  const activation = activationOf(config, file);
  for (const layer of sublayers(base)) {
    const parts = found.get(layer.name);
    if (!wants(config, layer)) {
      if (parts !== undefined) throw wrong(file, `holds arrays for ${layer.name}, where its configuration has none`);
      continue;
    }
    if (parts === undefined) throw wrong(file, `lacks arrays for ${layer.name}, where its configuration has some`);
    const slot: BottleneckSlot = { kind: "bottleneck", layer: layer.name, reads, activation };
    slots.set(slotName(slot), slot);
    const width = widthOf(D, config, layer.index, file);
    const shaped = (part: string, ...dims: readonly number[]) => {
      const array = parts.get(part);
      if (array === undefined) throw wrong(file, `lacks ${part} of ${layer.name}`);
      if (array.shape.join() === dims.join()) return array.values;
      throw wrong(
        file,
        `has ${part} of ${layer.name} as [${array.shape}], where [${dims}] is needed (hidden size ${D}, reduction_factor ${JSON.stringify(config.config.reduction_factor)})`,
      );
    };
    const scaling = config.config.scaling;
    const scales =
      typeof scaling === "number" ? Float32Array.of(scaling) : shaped("scaling", scaling === "learned" ? 1 : D);
    const scale = (row: number) => scales[scales.length === 1 ? 0 : row] ?? 1;
    const up = shaped("adapter_up.weight", D, width).map((value, i) => value * scale(Math.floor(i / width)));
    const values = {
      down: transposed(shaped("adapter_down.0.weight", width, D), D),
      downBias: shaped("adapter_down.0.bias", width),
      up: transposed(up, width),
      upBias: shaped("adapter_up.bias", D).map((value, row) => value * scale(row)),
    };
    for (const [array, dims] of Object.entries(slotInputs(base, slot, width)))
      inputs.set(inputName(slot, array), { dims, values: values[array as keyof typeof values] });
  }
  return { slots, inputs };
}

function readsOf({ config }: HubAdapterConfig): BottleneckInput {
  if (config.is_parallel) return "residual";
  return config.original_ln_before ? "sum" : "output";
}

function wants({ config }: HubAdapterConfig, { part, index }: Sublayer): boolean {
  if (config.leave_out.includes(index)) return false;
  return part === "self" ? config.mh_adapter : part === "cross" ? config.cross_adapter : config.output_adapter;
}

/** The width of a layer's bottleneck; the library rounds a fraction down. */
function widthOf(D: number, { config }: HubAdapterConfig, index: number, file: string): number {
  const { reduction_factor: factors } = config;
  const given = typeof factors === "number" ? factors : (factors[index] ?? factors["default"]);
  if (given === undefined) throw wrong(file, `has no reduction_factor for layer ${index} and no default`);
  const width = Math.floor(D / given);
  if (width >= 1) return width;
  throw wrong(
    file,
    `has the reduction_factor ${given}, which leaves a fraction of the hidden size ${D}: a bottleneck of 0`,
  );
}

/** An adapter_config.json as the library writes it, for bottlenecks that were learned here. */
export function hubConfigText(
  base: T5Config,
  { layout, width, scale }: BottleneckMethod,
  names: { readonly adapter: string; readonly base: string },
): string {
  const { parts, reads, activation } = BOTTLENECK_LAYOUTS[layout];
  const has = (part: string) => (parts as readonly string[]).includes(part);
  const D = base.dModel;
  const json = {
    config: {
      mh_adapter: has("self"),
      output_adapter: has("ff"),
      cross_adapter: false,
      // The library takes the whole part of D / reduction_factor.
      reduction_factor: D % width === 0 ? D / width : D / (width + 0.5),
      non_linearity: activation === "silu" ? "swish" : activation,
      is_parallel: reads === "residual",
      original_ln_before: reads === "sum",
      original_ln_after: true,
      residual_before_ln: true,
      adapter_residual_before_ln: false,
      ln_before: false,
      ln_after: false,
      init_weights: "mam_adapter",
      scaling: scale,
      use_gating: false,
      dropout: 0,
      leave_out: [],
    },
    hidden_size: D,
    model_class: "T5ForConditionalGeneration",
    model_name: names.base,
    model_type: "t5",
    name: names.adapter,
    version: "adapters.1.3.0",
  };
  // The library tells a factor from a name by its type, which is a float only with a point.
  return `${JSON.stringify(json, null, 2).replace(/("scaling": \d+)(?=,)/, "$1.0")}\n`;
}

/** The library's name of a learned array (see bottleneckNames of trainable.ts). */
export function hubName(name: string, adapter: string): string {
  return name.replace(
    /\.adapter_(down|up)\./,
    (_, part) => `.adapters.${adapter}.adapter_${part === "down" ? "down.0" : part}.`,
  );
}

const ARRAY =
  /^(?:.*\.)?((?:en|de)coder\.block\.\d+\.layer\.\d+)\.adapters\.([^.]+)\.(adapter_(?:down\.0|up)\.(?:weight|bias)|scaling)$/;

/** The arrays of each sublayer, by the ends of their names. */
function byLayer(base: T5Config, arrays: ReadonlyMap<string, AdapterTensor>, file: string) {
  const known = new Set(sublayers(base).map(({ name }) => name));
  const found = new Map<string, Map<string, AdapterTensor>>();
  const names = new Set<string>();
  for (const [stored, array] of arrays) {
    const [, layer = "", name = "", part = ""] = ARRAY.exec(stored) ?? [];
    if (part === "") throw wrong(file, `holds ${stored}, which no bottleneck of a T5 has`);
    if (!known.has(layer))
      throw wrong(
        file,
        `holds ${stored}, a layer that its base lacks (num_layers ${base.numLayers}, num_decoder_layers ${base.numDecoderLayers})`,
      );
    if (array.shape.includes(0)) throw wrong(file, `has ${stored} as [${array.shape}]: a bottleneck of 0`);
    names.add(name);
    found.set(layer, (found.get(layer) ?? new Map<string, AdapterTensor>()).set(part, array));
  }
  if (names.size > 1) throw wrong(file, `holds several adapters (${[...names].join(", ")}). Save each by itself`);
  return found;
}

/** A transposed copy of a matrix with so many columns. */
export function transposed(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r += 1)
    for (let c = 0; c < columns; c += 1) out[c * rows + r] = values[r * columns + c] ?? 0;
  return out;
}

function wrong(file: string, what: string): ModelError {
  return new ModelError(
    "checkpoint",
    `The adapter ${file} ${what}. Choose another adapter, or save it anew with the adapters library.`,
  );
}
