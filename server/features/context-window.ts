/** How many tokens a model reads at once. */
import { defined } from "../../base/defined.ts";
import { LONG_CONTEXT } from "../../models/t5/long/config.ts";
import { parseSettings, type Settings } from "../../protocol/settings.ts";
import type { LoadedModel } from "../engine/engine.ts";

/** What T5 is trained on. */
export const USUAL_CONTEXT = 512;

/** Tokens of one encoder window: those asked for, else what the model was made for. */
export function windowTokens({ info }: LoadedModel, asked?: number): number {
  return asked ?? (info.config.longAttention === null ? USUAL_CONTEXT : LONG_CONTEXT);
}

/** The window that the settings ask for; none at the setting's default, by which each model has its own. */
export function askedWindow({ maxContextTokens }: Pick<Settings, "maxContextTokens">): {
  readonly maxContextTokens?: number;
} {
  const usual = parseSettings({}).settings.maxContextTokens;
  return defined({ maxContextTokens: maxContextTokens === usual ? undefined : maxContextTokens });
}
