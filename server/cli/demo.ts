/**
 * The command that `npm start` runs without arguments: a summary and an infill of sample documents, with times and
 * next steps.
 */
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import type { Fill } from "../features/write/infill-candidates.ts";
import { readRegularTextSync } from "../files/regular-file.ts";
import type { ModelOptions } from "../open-model.ts";
import { withModelOptions } from "./options.ts";
import { runCommand } from "./terminal.ts";

/** The command. Its action prints a summary and a filled text, or {summarize, infill} with --json. */
export function demoCommand(): Command {
  const command = new Command("demo").description("Summarize and infill two sample documents with the built-in model.");
  return withModelOptions(command).action((options: ModelOptions) =>
    runCommand(options.json === true, async ({ signal }) => {
      const [{ openModel, roundedMs }, { summarize }, { summaryNotes }, { infill, LEAST_CHANCE }, { parseSettings }] =
        await Promise.all([
          import("../open-model.ts"),
          import("../features/read/summarize.ts"),
          import("../features/read/summary-notes.ts"),
          import("../features/write/infill.ts"),
          import("../../protocol/settings.ts"),
        ]);
      await using opened = await openModel(options);
      const { model, loadMs } = opened;
      const document = sample("sample.md");
      const draft = sample("sample-gaps.md");
      const minimumConfidence = parseSettings({}).settings["summary.minimumConfidence"];
      const summaryIn = (style: "sentence" | "bullets") =>
        summarize({ model }, { text: document, style, minimumConfidence }, { signal });
      const sentence = await summaryIn("sentence");
      const bullets = await summaryIn("bullets");
      const filled = await infill({ model }, { text: draft, gap: GAP, leaveBelow: LEAST_CHANCE }, { signal });
      const { config, id, parameters } = model.info;
      const text = `
${id}: ${(parameters / 1e6).toFixed(1)} million parameters, ${config.numLayers}+${config.numDecoderLayers} layers, ${options.precision}; loaded in ${seconds(loadMs)}

A DOCUMENT (models/builtin/sample.md, ${words(document)} words)
${indented(firstLines(document))}

ITS SUMMARY (${[seconds(sentence.ms.total), ...summaryNotes(sentence)].join("; ")})
${indented(sentence.summary)}

THE SAME IN BULLETS (${[seconds(bullets.ms.total), ...summaryNotes(bullets)].join("; ")})
${indented(bullets.summary)}

A DRAFT WITH ${filled.fills.length + filled.left.length} GAPS (models/builtin/sample-gaps.md)
${indented(draft.trimEnd())}

FILLED (${seconds(filled.ms.total)}; the model's words are in [brackets]${leftNote(filled.left.length)})
${indented(bracketed(draft, filled.fills).trimEnd())}

TRY NEXT
  npm start -- summarize README.md --style bullets
  echo "A map is a ___ of keys and values." | npm start --silent -- infill
  npm start -- --help
`;
      const json = {
        summarize: { ...sentence, ms: roundedMs(sentence.ms) },
        infill: { ...filled, ms: roundedMs(filled.ms) },
        loadMs,
      };
      return { text, json, cancelled: sentence.cancelled || bullets.cancelled || filled.cancelled };
    }),
  );
}

const GAP = "___";

function sample(name: string): string {
  return readRegularTextSync(fileURLToPath(new URL(`../models/builtin/${name}`, import.meta.url)));
}

/** The draft with its gaps filled, each fill in brackets. */
function bracketed(draft: string, fills: readonly Pick<Fill, "gap" | "text">[]): string {
  const filled = new Map(fills.map(({ gap, text }) => [gap, `[${text.trim()}]`]));
  return draft.split(GAP).reduce((text, rest, i) => `${text}${filled.get(i - 1) ?? GAP}${rest}`);
}

function leftNote(left: number): string {
  return left === 0 ? "" : `; ${left} left open: not sure`;
}

function firstLines(text: string): string {
  const lines = text.trimEnd().split("\n");
  return lines.length <= 9 ? lines.join("\n") : [...lines.slice(0, 8), "…"].join("\n");
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

function words(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
