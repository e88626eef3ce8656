/** Chooses the method that suits the model, the machine and the data, and explains why. */
import { sizeInWords } from "../../../base/figures.ts";
import { flopsPerToken } from "../../../models/t5/account.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { Method } from "../../../models/t5/trainable.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import { learnedCount, type RunSize, roomNeeded } from "./room.ts";

/** A question to the advisor; choices that the user left open are undefined. */
export interface AdviceRequest {
  readonly kind: Method["kind"] | undefined;
  readonly checkpointing: boolean | undefined;
  /** Each kind of method with its options. */
  readonly methods: { readonly [K in Method["kind"]]: Extract<Method, { kind: K }> };
  readonly size: Omit<RunSize, "method" | "checkpointing">;
  /** Source and target tokens of all epochs. */
  readonly tokens: number;
  readonly steps: number;
  readonly threads: number;
  readonly freeBytes: number;
}

/** The advice. */
export interface Advice {
  readonly method: Method;
  readonly checkpointing: boolean;
  /** One or two sentences. */
  readonly reason: string;
}

/** Above this number of parameters, LoRA learns nearly as well and needs much less. */
const FULL_PARAMETERS = 100e6;

/** A run that would take longer is shortened by LoRA unless the user chose otherwise. */
const LONG_SECONDS = 4 * 3600;

/** Approximate operations per second of one thread. */
const FLOPS_PER_THREAD = 60e9;

/** Approximate time per parameter and step: each is read and written several times. */
const SECONDS_PER_UPDATE = 1e-8;

/**
 * Chooses a method: all weights if they fit and the run is not too slow, otherwise LoRA. Layers are computed twice if
 * memory is short even then. Only a user chooses a soft prompt: small models learn little from one.
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
 * Estimates a run's time to within a factor of about three, enough to distinguish minutes from hours. Weights that
 * learn cost two more forward passes, others that let gradients through cost one, and layers computed again another;
 * each step updates every weight that learns.
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
  prompt: "A soft prompt learns",
};
