/** The one definition of Spanfill's settings: what the server validates with, and what package.json's settings are made from. */
import { z } from "zod";
import { DEVICES } from "./devices.ts";

/** Where settings live: `spanfill.inlineCompletion.length` and so on. */
export const SETTINGS_SECTION = "spanfill";

/** What VS Code needs to know of a setting besides its type. */
interface Presentation {
  /** `window` (the default), `resource`: per folder, `language-overridable`: also per language, `machine-overridable`: not synced. */
  readonly scope?: "window" | "resource" | "language-overridable" | "machine-overridable";
  readonly enumDescriptions?: readonly string[];
  /** Whether a folder that is not trusted may not set it: it chooses what is loaded and run, or what is kept. */
  readonly restricted?: true;
}

const setting = <T extends z.ZodType>(type: T, description: string, presentation: Presentation = {}): T =>
  type.meta({ description, ...presentation });

/** Every setting by its name below the section, with type, range, default and description. */
const shape = {
  model: setting(
    z.string().default(""),
    "The model: a built-in model's name, that of a downloaded or imported one, or the absolute path of a folder with config.json, weights and a tokenizer. Empty: the built-in model.",
    { scope: "machine-overridable", restricted: true },
  ),
  "models.summarize": setting(
    z.string().default(""),
    "The model for summaries, where that is to be another one. Empty: `spanfill.model`.",
    {
      scope: "machine-overridable",
      restricted: true,
    },
  ),
  "models.infill": setting(
    z.string().default(""),
    "The model for filling gaps and for suggestions, where that is to be another one. Empty: `spanfill.model`.",
    { scope: "machine-overridable", restricted: true },
  ),
  "models.ask": setting(
    z.string().default(""),
    "The model for questions: one that was fine-tuned to answer them. Empty: `spanfill.model`, if it was.",
    { scope: "machine-overridable", restricted: true },
  ),
  "models.classify": setting(
    z.string().default(""),
    "The model for classifying: one that was fine-tuned on texts and their labels. Empty: `spanfill.model`, if it was.",
    { scope: "machine-overridable", restricted: true },
  ),
  precision: setting(z.enum(["int8", "float32"]).default("int8"), "Precision of the model's weights.", {
    scope: "machine-overridable",
    restricted: true,
    enumDescriptions: ["Smaller and faster, nearly as good.", "As published; four times the memory."],
  }),
  device: setting(
    z.enum(["auto", ...DEVICES]).default("auto"),
    "What the model runs on. Other devices than the CPU take its float32 weights, whatever the precision; where one fails, the CPU does its work.",
    {
      scope: "machine-overridable",
      restricted: true,
      enumDescriptions: [
        "The quickest of those that were measured with the model, in the panel or by `spanfill devices --measure`; the CPU where none was.",
        "The processor.",
        "The graphics card, by Vulkan, Direct3D or Metal.",
        "The graphics card, by DirectML (Windows).",
        "Apple's accelerators (macOS).",
        "NVIDIA's cards (x64 Linux, with CUDA's libraries).",
      ],
    },
  ),
  threads: setting(
    z.int().min(0).max(256).default(0),
    "Threads the model computes with. 0: as many as the machine has cores.",
    { scope: "machine-overridable", restricted: true },
  ),
  idleMinutes: setting(
    z.number().min(0).max(10_080).default(5),
    "Minutes without use after which the model's memory is freed; the next use loads it again. 0: never.",
    { scope: "machine-overridable", restricted: true },
  ),
  enable: setting(
    z.record(z.string(), z.boolean()).default({}),
    'Where Spanfill does something by itself (suggestions, hovers, code lenses, code actions), by patterns as in .gitignore: `{"drafts/**": false}`. The last one that fits counts; where none fits, it is on. What you ask for works everywhere.',
    { scope: "language-overridable", restricted: true },
  ),
  "inlineCompletion.enabled": setting(
    z.boolean().default(true),
    "Suggest text at the cursor while you type. When off, a suggestion can still be asked for.",
    { scope: "language-overridable" },
  ),
  "inlineCompletion.comments": setting(
    z.boolean().default(true),
    "Suggest text in the comments and docstrings of programs, too. Their code is left alone.",
    { scope: "language-overridable" },
  ),
  "inlineCompletion.length": setting(
    z.enum(["word", "sentence", "line", "paragraph"]).default("sentence"),
    "How much a suggestion holds.",
    {
      scope: "language-overridable",
      enumDescriptions: [
        "One word.",
        "At most to the end of the sentence.",
        "At most to the end of the line.",
        "Up to several sentences.",
      ],
    },
  ),
  "inlineCompletion.minimumConfidence": setting(
    // On validation data a third of all suggestions are that sure, and 36% of these begin right (18% of all).
    z.number().min(0).max(1).default(0.2),
    "Suggestions the model is less sure of are not shown while you type: the chance, as was measured, that they begin as the author would go on. 0: show all.",
    { scope: "language-overridable" },
  ),
  "inlineCompletion.alternatives": setting(
    z.int().min(1).max(10).default(3),
    "How many different suggestions are made when you ask for one.",
    { scope: "resource" },
  ),
  gapMarker: setting(
    z.string().min(1).max(100).default("___"),
    "What marks a gap to be filled. A marker of one repeated character also matches a longer run of it.",
    { scope: "language-overridable" },
  ),
  "summary.style": setting(
    z.enum(["sentence", "paragraph", "bullets", "title"]).default("paragraph"),
    "What the summary of a selection or a file looks like.",
    {
      scope: "resource",
      enumDescriptions: ["One sentence.", "A few sentences.", "A list.", "A heading for the text."],
    },
  ),
  "summary.minimumConfidence": setting(
    // From here on likelier right than wrong. On repositories that no training saw, 26% of the summaries below are right, but
    // 45% of the sentences that stand instead.
    z.number().min(0).max(1).default(0.5),
    "Where the model is less sure of its summary, the best sentence of the text stands instead and is marked as such: the chance, as was measured, that a person's summary would be like it. 0: always the model's own words.",
    { scope: "resource" },
  ),
  "summary.keep": setting(
    z.enum(["memory", "disk"]).default("memory"),
    "Where summaries are kept, so that what has not changed is not summarized again. They tell what your texts are about: they stay on this machine, and the command Forget Summaries removes them.",
    {
      scope: "machine-overridable",
      restricted: true,
      enumDescriptions: [
        "Until the window is closed.",
        "Also in a file of Spanfill's cache folder that only you can read.",
      ],
    },
  ),
  "hover.enabled": setting(
    z.boolean().default(true),
    "Show a section's summary when the mouse rests on its Markdown heading, and that of a file or section when it rests on a relative link to it.",
    { scope: "resource" },
  ),
  "hover.words": setting(
    z.boolean().default(true),
    "Show what else could stand in a word's place, and how likely, when the mouse rests on it. A click puts it there.",
    { scope: "language-overridable" },
  ),
  "codeLens.enabled": setting(z.boolean().default(false), "Offer a summary above each Markdown heading.", {
    scope: "resource",
  }),
  maxContextTokens: setting(
    z.int().min(64).max(4096).default(512),
    "Tokens the model reads at once. T5 models are trained on 512; more takes longer and may read worse.",
    { scope: "resource" },
  ),
  "training.pauseWhileTyping": setting(
    z.boolean().default(true),
    "Training runs wait while you type, and go on a few seconds after the last key.",
  ),
  logLevel: setting(
    z.enum(["off", "error", "warn", "info", "debug"]).default("info"),
    "What the language server writes to its log. At debug it says why there was no suggestion.",
  ),
} as const;

/** A setting's name below the section. */
export type SettingName = keyof typeof shape;

/** Valid settings, by name: `settings["inlineCompletion.length"]`. */
export type Settings = { readonly [Name in SettingName]: z.output<(typeof shape)[Name]> };

/** Settings, and what was wrong with those that were given. */
export interface ParsedSettings {
  readonly settings: Settings;
  /** A sentence for each setting that was not valid; its default stands in. */
  readonly problems: readonly string[];
}

/**
 * The settings in a client's answer: nested objects or names with dots, as far as they are there. Names that are not
 * ours are left alone: a client may keep settings of its own in the section.
 */
export function parseSettings(given: unknown): ParsedSettings {
  const problems: string[] = [];
  const entries = Object.entries(shape).map(([name, type]) => {
    const value = valueAt(given, name);
    const parsed = type.safeParse(value ?? undefined);
    if (parsed.success) return [name, parsed.data];
    const fallback = type.parse(undefined);
    const what = parsed.error.issues.map(({ message }) => message).join("; ");
    const used = JSON.stringify(fallback);
    problems.push(`${SETTINGS_SECTION}.${name} is ${JSON.stringify(value)} (${what}); ${used} is used instead.`);
    return [name, fallback];
  });
  return { settings: Object.fromEntries(entries) as Settings, problems };
}

/**
 * package.json's `contributes.configuration.properties`: full name to JSON schema with default, description, scope, and its
 * place on the settings page, which is that of its declaration here.
 */
export function configurationProperties(): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(shape).map(([name, type], order) => {
      const { $schema, restricted, ...schema } = z.toJSONSchema(type, { io: "input" });
      return [`${SETTINGS_SECTION}.${name}`, { order, ...schema }];
    }),
  );
}

/**
 * package.json's `capabilities.untrustedWorkspaces.restrictedConfigurations`: VS Code does not pass on what an untrusted folder says of
 * these. Other editors say nothing of trust: there the server takes what its client sends.
 */
export function restrictedConfigurations(): string[] {
  return Object.entries(shape)
    .filter(([, type]) => type.meta()?.["restricted"] === true)
    .map(([name]) => `${SETTINGS_SECTION}.${name}`);
}

/** What is found under a name with dots, whether the object is nested there or has the dots in its keys. */
function valueAt(given: unknown, name: string): unknown {
  if (typeof given !== "object" || given === null) return undefined;
  const entries = Object.entries(given);
  const own = entries.find(([key]) => key === name);
  if (own !== undefined) return own[1];
  for (const [key, value] of entries) {
    if (name.startsWith(`${key}.`)) {
      const inner = valueAt(value, name.slice(key.length + 1));
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}
