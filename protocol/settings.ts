/**
 * The only definition of Spanfill's settings: the server validates with it, and package.json's settings are generated
 * from it.
 */
import * as z from "zod";
import { DEVICES } from "./devices.ts";
import { FEATURES } from "./features.ts";

/** The section of all settings: `spanfill.inlineCompletion.length` and so on. */
export const SETTINGS_SECTION = "spanfill";

/** A setting's presentation in VS Code. */
interface Presentation {
  /**
   * `window` (the default); `resource`: per folder; `language-overridable`: also per language; `machine-overridable`:
   * not synced.
   */
  readonly scope?: "window" | "resource" | "language-overridable" | "machine-overridable";
  readonly enumDescriptions?: readonly string[];
  /** Whether an untrusted folder may not set it, because it affects what is loaded, run or stored. */
  readonly restricted?: true;
}

const setting = <T extends z.ZodType>(type: T, description: string, presentation: Presentation = {}): T =>
  type.meta({ description, ...presentation });

/** Every setting, by its name within the section: type, range, default and description. */
const shape = {
  model: setting(
    z.string().default(""),
    "The model: the name of a built-in, downloaded or imported model, or the absolute path of a folder with config.json, weights and a tokenizer. Empty: the built-in model.",
    { scope: "machine-overridable", restricted: true },
  ),
  "models.summarize": setting(z.string().default(""), "Model for summaries, if different. Empty: `spanfill.model`.", {
    scope: "machine-overridable",
    restricted: true,
  }),
  "models.infill": setting(
    z.string().default(""),
    "Model for filling gaps and for suggestions, if different. Empty: `spanfill.model`.",
    { scope: "machine-overridable", restricted: true },
  ),
  "models.ask": setting(
    z.string().default(""),
    "Model for questions; it must have been fine-tuned to answer them. Empty: `spanfill.model`, if that was.",
    { scope: "machine-overridable", restricted: true },
  ),
  "models.classify": setting(
    z.string().default(""),
    "Model for classifying; it must have been fine-tuned on texts and their labels. Empty: `spanfill.model`, if that was.",
    { scope: "machine-overridable", restricted: true },
  ),
  precision: setting(z.enum(["int8", "float32"]).default("int8"), "Precision of the model's weights.", {
    scope: "machine-overridable",
    restricted: true,
    enumDescriptions: ["Smaller and faster, nearly as good.", "As published; four times the memory."],
  }),
  device: setting(
    z.enum(["auto", ...DEVICES]).default("auto"),
    "The device that the model runs on. Devices other than the CPU always use the float32 weights. If a device fails, the CPU takes its place.",
    {
      scope: "machine-overridable",
      restricted: true,
      enumDescriptions: [
        "The fastest device measured with the model, in the panel or by `spanfill devices --measure`; the CPU if none was measured.",
        "The processor.",
        "The graphics card, through Vulkan, Direct3D or Metal.",
        "The graphics card, through DirectML (Windows).",
        "Apple's accelerators (macOS).",
        "NVIDIA graphics cards (x64 Linux, with the CUDA libraries).",
        "The inference server of `spanfill.server.url`. Token ids, which decode to your text, are sent there.",
      ],
    },
  ),
  "server.url": setting(
    z.string().default(""),
    "Address of an inference server, like https://host:8000, or grpcs://host:8001 for gRPC; used only where `spanfill.device` is `server`. Token ids, which decode to your text, are then sent there. The command Set Server Token stores its token. Empty: the one that the environment's SPANFILL_SERVER names, if there is one.",
    { scope: "machine-overridable", restricted: true },
  ),
  "server.certificates": setting(
    z.string().default(""),
    "Absolute path of a file of certificates (PEM) that are trusted for the server besides the usual ones.",
    { scope: "machine-overridable", restricted: true },
  ),
  "server.features": setting(
    z.array(z.enum(FEATURES)).default([...FEATURES]),
    "What the server answers where `spanfill.device` is `server`: summaries, filling and suggestions (infill), questions, labels. The CPU answers the rest, whose text stays on this machine.",
    { scope: "machine-overridable", restricted: true },
  ),
  threads: setting(
    z.int().min(0).max(256).default(0),
    "Number of threads that the model uses. 0: half of the machine's logical cores if there are more than four, otherwise all of them.",
    { scope: "machine-overridable", restricted: true },
  ),
  idleMinutes: setting(
    z.number().min(0).max(10_080).default(5),
    "Idle minutes after which the model's memory is freed; the next use loads the model again. 0: never.",
    { scope: "machine-overridable", restricted: true },
  ),
  enable: setting(
    z.record(z.string(), z.boolean()).default({}),
    'Where Spanfill acts without being asked (suggestions, hovers, code lenses, code actions), as patterns like those of .gitignore: `{"drafts/**": false}`. The last matching pattern applies; without a match it is on. What you ask for works everywhere.',
    { scope: "language-overridable", restricted: true },
  ),
  "inlineCompletion.enabled": setting(
    z.boolean().default(true),
    "Suggest text at the cursor while you type. When this is off, you can still ask for a suggestion.",
    { scope: "language-overridable" },
  ),
  "inlineCompletion.comments": setting(
    z.boolean().default(true),
    "Also suggest text in the comments and docstrings of programs, never in their code.",
    { scope: "language-overridable" },
  ),
  "inlineCompletion.length": setting(
    z.enum(["word", "sentence", "line", "paragraph"]).default("sentence"),
    "How long a suggestion is.",
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
    // From 0.38 to 0.45 as many keys are saved, less 1.5 for each suggestion read in vain (25.4 and 25.5 of 100): of
    // these one that saves more, with fewer than five in vain.
    z.number().min(0).max(1).default(0.4),
    "How often a word that is suggested while you type is right, at least: 0.4 shows words that are right in four of ten cases or more. Higher values show fewer. 0: show all.",
    { scope: "language-overridable" },
  ),
  "inlineCompletion.learnFrom": setting(
    z.enum(["off", "document", "workspace"]).default("document"),
    "The texts whose words and names are suggested besides common English. The words are counted in memory and stay on this machine; the command Forget Summaries forgets them.",
    {
      scope: "resource",
      restricted: true,
      enumDescriptions: [
        "None.",
        "The document.",
        "The document and other prose in its workspace folder. Not read: what `.gitignore` or `.spanfillignore` names, files that may keep secrets, and anything in an untrusted workspace.",
      ],
    },
  ),
  "inlineCompletion.alternatives": setting(
    z.int().min(1).max(10).default(3),
    "Number of different suggestions when you ask for one.",
    { scope: "resource" },
  ),
  gapMarker: setting(
    z.string().min(1).max(100).default("___"),
    "The text that marks a gap. A marker of one repeated character also matches longer runs of it.",
    { scope: "language-overridable" },
  ),
  "summary.style": setting(
    z.enum(["sentence", "paragraph", "bullets", "title"]).default("paragraph"),
    "Style of the summary of a selection or a file.",
    {
      scope: "resource",
      enumDescriptions: ["One sentence.", "A few sentences.", "A list.", "A heading for the text."],
    },
  ),
  "summary.minimumConfidence": setting(
    // From here on summaries come as near to people's as the best sentences do. On 284 documents of repositories
    // outside the training data (mean of ROUGE-1, 2 and L): 34.9, with 0.5 32.8, the best sentences alone 34.8.
    z.number().min(0).max(1).default(0.65),
    "Least confidence in a summary: the measured probability that a person's summary would be similar. Below it (below half of it where the summary has words that the text has not), the best sentence of the text appears instead and is marked as such. 0: the model's own words, unless they contain a name or number that the text lacks.",
    { scope: "resource" },
  ),
  "summary.keep": setting(
    z.enum(["memory", "disk"]).default("memory"),
    "Where summaries are kept, so that unchanged text is not summarized again. They reveal what your texts are about, so they stay on this machine, and the command Forget Summaries removes them.",
    {
      scope: "machine-overridable",
      restricted: true,
      enumDescriptions: [
        "Until the window is closed.",
        "Also in a file in Spanfill's cache folder that only you can read.",
      ],
    },
  ),
  "hover.enabled": setting(
    z.boolean().default(true),
    "Show a section's summary when you hover over its heading, and the summary of a file or section when you hover over a relative link to it.",
    { scope: "resource" },
  ),
  "hover.words": setting(
    z.boolean().default(true),
    "Show alternatives, with their probabilities, when you hover over a word. Click one to use it.",
    { scope: "language-overridable" },
  ),
  "codeLens.enabled": setting(z.boolean().default(false), "Offer a summary above each heading.", {
    scope: "resource",
  }),
  maxContextTokens: setting(
    z.int().min(64).max(4096).default(512),
    "Number of tokens that the model reads at once. T5 models are trained on 512; more takes longer and may give worse results. At 512 a LongT5 reads up to 16,384 of them in commands that summarize, ask or classify.",
    { scope: "resource" },
  ),
  "training.pauseWhileTyping": setting(
    z.boolean().default(true),
    "Training runs wait while you type, and continue a few seconds after the last key.",
  ),
  logLevel: setting(
    z.enum(["off", "error", "warn", "info", "debug"]).default("info"),
    "What the language server writes to its log. At debug, the log also explains why there was no suggestion.",
  ),
} as const;

/** A setting's name within the section. */
export type SettingName = keyof typeof shape;

/** Valid settings, by name: `settings["inlineCompletion.length"]`. */
export type Settings = { readonly [Name in SettingName]: z.output<(typeof shape)[Name]> };

/** Valid settings, and the problems with those that were passed. */
export interface ParsedSettings {
  readonly settings: Settings;
  /** A sentence for each invalid setting, which gets its default. */
  readonly problems: readonly string[];
}

/**
 * Parses the settings in a client's answer: nested objects or names with dots, as far as present. Other names are
 * ignored, since a client may keep its own settings in the section.
 */
export function parseSettings(raw: unknown): ParsedSettings {
  const problems: string[] = [];
  const entries = Object.entries(shape).map(([name, type]) => {
    const value = valueAt(raw, name);
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
 * package.json's `contributes.configuration.properties`: full name to JSON schema with default, description, scope,
 * and the order on the settings page, which is that of the declarations here.
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
 * package.json's `capabilities.untrustedWorkspaces.restrictedConfigurations`: VS Code does not pass on an untrusted
 * folder's values of these. Other editors do not report trust, so the server accepts what their clients send.
 */
export function restrictedConfigurations(): string[] {
  return Object.entries(shape)
    .filter(([, type]) => type.meta()?.["restricted"] === true)
    .map(([name]) => `${SETTINGS_SECTION}.${name}`);
}

/** The value at a name with dots, whether the object is nested or has the dots in its keys. */
function valueAt(settings: unknown, name: string): unknown {
  if (typeof settings !== "object" || settings === null) return undefined;
  const entries = Object.entries(settings);
  const exact = entries.find(([key]) => key === name);
  if (exact !== undefined) return exact[1];
  for (const [key, value] of entries) {
    if (name.startsWith(`${key}.`)) {
      const inner = valueAt(value, name.slice(key.length + 1));
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}
