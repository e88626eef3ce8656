/** The tools for agents, by MCP (`spanfill serve --mcp`) and by VS Code's language model tools; one table for both. */
import * as z from "zod";

/** Input of `summarize_text`. */
export const summarizeTextSchema = z.object({
  text: z.string().min(1).describe("The text to summarize, of any length."),
  style: z
    .enum(["sentence", "paragraph", "bullets", "title"])
    .optional()
    .describe("Style of the summary; one sentence if absent."),
});
export type SummarizeTextInput = z.input<typeof summarizeTextSchema>;

/** Output of `summarize_text`. */
export interface SummarizeTextOutput {
  readonly summary: string;
  /** Short notes on the summary: whose words it uses, how confident the model is, what was not read. */
  readonly notes: readonly string[];
}

/** Input of `fill_gaps_in_text`. */
export const fillGapsInTextSchema = z.object({
  text: z.string().min(1).describe("Text with gaps, each marked by ___ (three underscores)."),
  fillAll: z
    .boolean()
    .optional()
    .describe("Whether to fill gaps whose best fill is likely wrong, too; if absent, those stay open."),
});
export type FillGapsInTextInput = z.input<typeof fillGapsInTextSchema>;

/** Output of `fill_gaps_in_text`. */
export interface FillGapsInTextOutput {
  /** The text with its gaps filled and nothing else changed. */
  readonly text: string;
  /** One per filled gap, in order. */
  readonly fills: readonly string[];
  /** The gaps that stay open because no fill is likely right, from 0 among all gaps. */
  readonly left: readonly number[];
  /** Short phrases a reader should know: markers that were left, a language that the model does not know. */
  readonly notes: readonly string[];
}

/** The tools by their names. */
export const TOOLS = {
  summarize_text: {
    title: "Summarize Text",
    description:
      "Summarizes English text with a small model on the user's own machine: nothing is sent anywhere. Quick (milliseconds), plain, and for text of any length; use it for text that should not leave the machine, or to get the gist of long text cheaply. It may be wrong about details.",
    input: summarizeTextSchema,
  },
  fill_gaps_in_text: {
    title: "Fill Gaps in Text",
    description:
      "Fills gaps (___) in English text with a small model on the user's own machine, from the text before and after each: nothing is sent anywhere. Good for single words and short phrases; the rest of the text stays as it is, to the byte.",
    input: fillGapsInTextSchema,
  },
} as const;

/** package.json's `contributes.languageModelTools`. */
export function languageModelTools(): readonly object[] {
  return Object.entries(TOOLS).map(([name, { title, description, input }]) => {
    const { $schema, ...inputSchema } = z.toJSONSchema(input, { io: "input" });
    return {
      name: `spanfill_${name}`,
      displayName: title,
      modelDescription: description,
      userDescription: description.slice(0, description.indexOf(":")),
      toolReferenceName: name,
      canBeReferencedInPrompt: true,
      icon: "$(edit-sparkle)",
      inputSchema,
    };
  });
}
