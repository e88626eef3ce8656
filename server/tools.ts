/** The agents' tools: summaries and fills of a text that is not in an editor. */
import { parseSettings } from "../protocol/settings.ts";
import type {
  FillGapsInTextInput,
  FillGapsInTextOutput,
  SummarizeTextInput,
  SummarizeTextOutput,
} from "../protocol/tools.ts";
import type { CallOptions, LoadedModel } from "./engine/engine.ts";
import { summarize } from "./features/read/summarize.ts";
import { summaryNotes } from "./features/read/summary-notes.ts";
import { fillNotes, fillText } from "./features/write/fill-text.ts";
import { LEAST_CHANCE } from "./features/write/infill.ts";

/** How a tool's work is ended, and how far it is. */
export interface ToolOptions extends Pick<CallOptions, "signal"> {
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/**
 * @throws ModelError "input" for blank or binary text; DOMException AbortError when cancelled; what the model throws
 */
export async function summarizeText(
  model: LoadedModel,
  { text, style = "sentence" }: SummarizeTextInput,
  options: ToolOptions,
): Promise<SummarizeTextOutput> {
  const made = await summarize({ model }, { text, style, minimumConfidence: LEAST_CONFIDENCE }, options);
  options.signal?.throwIfAborted();
  return { summary: made.summary, notes: summaryNotes(made) };
}

/** @throws ModelError "input" for text without gaps; DOMException AbortError when cancelled; what the model throws */
export async function fillGapsInText(
  model: LoadedModel,
  { text, fillAll = false }: FillGapsInTextInput,
  options: ToolOptions,
): Promise<FillGapsInTextOutput> {
  const params = { leaveBelow: fillAll ? 0 : LEAST_CHANCE };
  const made = await fillText({ model: async () => model }, { text, languageId: "" }, params, options);
  options.signal?.throwIfAborted();
  const notes = fillNotes(text, made);
  return { text: made.text, fills: made.fills.map((fill) => fill.text), left: made.left.map(({ gap }) => gap), notes };
}

const LEAST_CONFIDENCE = parseSettings(undefined).settings["summary.minimumConfidence"];
