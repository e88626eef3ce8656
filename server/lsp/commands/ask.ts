/** Commands about what a part of a document says: its summary, an answer to a question, its label. */
import { defined } from "../../../base/defined.ts";
import { percent } from "../../../base/figures.ts";
import type { AskResult, ClassifyResult, SummarizeRangeResult } from "../../../protocol/commands/reading.ts";
import { longTextModel } from "../../catalog/long-text.ts";
import { askedWindow } from "../../features/context-window.ts";
import { rememberedSummary } from "../../features/read/remembered-summary.ts";
import { summaryNotes } from "../../features/read/summary-notes.ts";
import { asked, DEADLINES } from "../deadlines.ts";
import { onPart, type WorkOptions, workOn } from "../document/document-work.ts";
import { withSummaries } from "../document/summaries.ts";
import { cancelled } from "../errors.ts";
import type { Services } from "../services.ts";
import type { CheckedArguments } from "./arguments.ts";

/** Summarizes a part of a document. */
export const summarizeRange = onPart(
  async (
    services,
    { document, text, start, end, settings },
    { style, show }: CheckedArguments["summarizeRange"],
    call,
  ): Promise<SummarizeRangeResult> => {
    const params = {
      text: text.slice(start, end),
      language: document.languageId,
      style: style ?? settings["summary.style"],
      ...askedWindow(settings),
      minimumConfidence: settings["summary.minimumConfidence"],
    };
    const startMs = performance.now();
    const isWritten = params.style === "sentence" || params.style === "title";
    const isFree = isWritten && settings.model === "" && settings["models.summarize"] === "";
    const longText = isFree ? await longTextModel(params.text.length) : undefined;
    const run = (own: AbortSignal, onProgress: WorkOptions["onProgress"]) =>
      asked(services, DEADLINES.reading(end - start), own, (signal) =>
        withSummaries(services, (context) => rememberedSummary(context, params, { signal, onProgress }), longText),
      );
    const result = await services.progress.run({ title: services.t("Spanfill: summarizing"), ...call, run });
    if (result === undefined) throw cancelled();
    const notes = summaryNotes(result, services.t, longText === undefined ? undefined : result.model);
    if (show) showAnswer(services, result.summary, notes);
    return { ...result, ms: Math.round(performance.now() - startMs), notes };
  },
);

/** Answers a question from a part of a document. */
export const askRange = onPart(
  async (services, target, { question, show }: CheckedArguments["askRange"], call): Promise<AskResult> => {
    const { document, text, start, end, settings } = target;
    // Imported here, with training's wording of tasks, because few sessions need it.
    const { ask, askNotes } = await import("../../features/ask/ask.ts");
    const chosen = (await services.settings.settingsFor())["models.ask"] !== "";
    const params = { text: text.slice(start, end), question, chosen, ...askedWindow(settings) };
    const work = { feature: "ask", title: services.t("Spanfill: looking for an answer"), ...call } as const;
    const result = await workOn(services, target, work, async (model, options) =>
      ask({ model: await model() }, params, options),
    );
    const notes = askNotes(result, services.t);
    if (show) showAnswer(services, result.answers[0]?.text, notes);
    const { chunks, coverage, ms, model } = result;
    const answers = result.answers.map(({ text, likelihood, places }) => ({
      text,
      likelihood,
      ranges: places.map((place) => document.rangeOf(start + place.start, start + place.end)),
    }));
    return { answers, chunks, coverage, ms: Math.round(ms), model, notes };
  },
);

/** Finds the label that suits a part of a document. */
export const classifyRange = onPart(
  async (services, target, { labels, show }: CheckedArguments["classifyRange"], call): Promise<ClassifyResult> => {
    const { text, start, end, settings } = target;
    const { classify, classifyNotes } = await import("../../features/ask/classify.ts");
    const chosen = (await services.settings.settingsFor())["models.classify"] !== "";
    const params = { text: text.slice(start, end), chosen, ...askedWindow(settings), ...defined({ labels }) };
    const work = { feature: "classify", title: services.t("Spanfill: classifying"), ...call } as const;
    const { tokens, cancelled, ms, ...result } = await workOn(services, target, work, async (model, options) =>
      classify({ model: await model() }, params, options),
    );
    const notes = classifyNotes(result, services.t);
    const [first] = result.labels;
    const label = first && `${first.label} (${percent(first.probability)})`;
    if (show) showAnswer(services, label, notes);
    return { ...result, ms: Math.round(ms), notes };
  },
);

function showAnswer({ client, t }: Services, answer: string | undefined, notes: readonly string[]): void {
  client.showMessage(answer ? `${answer} (${notes.join("; ")})` : t("The model had nothing to say."));
}
