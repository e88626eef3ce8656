/** Which method suits a model, the machine and the data, with the reason in words. */
import { sizeInWords } from "../../../base/figures.ts";
import { flopsPerToken } from "../../../models/t5/account.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { Method } from "../../../models/t5/lowering/trainable.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import { learnedCount, type RunSize, roomNeeded } from "./room.ts";

/** The user's choices; undefined ones are left to the advisor. */
export interface AdviceRequest {
  readonly kind: Method["kind"] | undefined;
  readonly checkpointing: boolean | undefined;
  /** The method of each kind, as settings make it. */
  readonly methods: { readonly [K in Method["kind"]]: Extract<Method, { kind: K }> };
  readonly size: Omit<RunSize, "method" | "checkpointing">;
  /** Source and target tokens of all epochs. */
  readonly tokens: number;
  readonly steps: number;
  readonly threads: number;
  readonly freeBytes: number;
}

/** The advisor's choices. */
export interface Advice {
  readonly method: Method;
  readonly checkpointing: boolean;
  /** A sentence or two. */
  readonly reason: string;
}

/** Above this many parameters LoRA learns nearly as well and asks for much less. */
const FULL_PARAMETERS = 100e6;

/** A run that would take longer than this is shortened by LoRA where nobody asked for more. */
const LONG_SECONDS = 4 * 3600;

/** Operations a second of one thread, roughly. */
const FLOPS_PER_THREAD = 60e9;

/** The rough time for one parameter in one step: it is read and written several times. */
const SECONDS_PER_UPDATE = 1e-8;

/**
 * Chooses: everything learns where it fits and is not too slow, else LoRA; layers are computed again where memory is
 * short even then. A soft prompt is only chosen by its user: small models learn little from one.
 */
export function advise(config: T5Config, request: AdviceRequest): Advice {
  const { kind, size, freeBytes, methods } = request;
  const parameters = parameterCount(config);
  const bytes = (method: Method, checkpointing: boolean) =>
    roomNeeded(config, { ...size, method, checkpointing }).memoryBytes;
  const fits = (method: Method, checkpointing: boolean) => bytes(method, checkpointing) < 0.8 * freeBytes;
  const seconds = roughSeconds(config, { ...request, method: methods.full, checkpointing: false });
  const again = (method: Method) => request.checkpointing ?? !fits(method, false);
  const told = (method: Method, why: string): Advice => {
    const checkpointing = again(method);
    const about = `about ${sizeInWords(bytes(method, checkpointing))} of the ${sizeInWords(freeBytes)} that are free`;
    const how = checkpointing ? ", each layer computed twice to save memory" : "";
    return { method, checkpointing, reason: `${why}: ${about}${how}.` };
  };
  if (kind !== undefined) return told(methods[kind], `${names[kind]}, as asked`);
  const count = `${(parameters / 1e6).toFixed(0)} M parameters`;
  if (parameters > FULL_PARAMETERS) return told(methods.lora, `${names.lora}, for the model is large (${count})`);
  if (!fits(methods.full, true)) return told(methods.lora, `${names.lora}, for everything would not fit in memory`);
  if (seconds > LONG_SECONDS) {
    const hours = (seconds / 3600).toFixed(0);
    return told(methods.lora, `${names.lora}, for everything would take roughly ${hours} hours`);
  }
  return told(methods.full, `${names.full}, for the model is small (${count}) and the run short`);
}

/**
 * How long a run takes, to about a factor of three: only minutes and hours are distinguished. What learns costs two
 * forward passes more, what does not learn but lets gradients through one, layers computed again another; and each step
 * updates all that learns.
 */
export function roughSeconds(
  config: T5Config,
  run: Pick<AdviceRequest, "tokens" | "steps" | "threads"> & {
    readonly method: Method;
    readonly checkpointing: boolean;
  },
): number {
  const { encoder, decoder } = flopsPerToken(config);
  const passes = (run.method.kind === "full" ? 3 : 2) + (run.checkpointing ? 1 : 0);
  const computing = (passes * run.tokens * Math.max(encoder, decoder)) / (FLOPS_PER_THREAD * run.threads);
  return computing + run.steps * learnedCount(config, run.method) * SECONDS_PER_UPDATE;
}

const names: { readonly [K in Method["kind"]]: string } = {
  full: "Every weight learns",
  lora: "LoRA learns beside the weights",
  bottleneck: "Bottlenecks learn between the weights",
  prompt: "A soft prompt learns",
};
