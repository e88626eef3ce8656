/** The commands that ask a model of one's own about a part of a document: a question, or what to call it. */
import type { z } from "zod";
import { defined } from "../../base/defined.ts";
import { percent } from "../../base/figures.ts";
import type { AskResult, askSchema, ClassifyResult, classifySchema } from "../../protocol/questions.ts";
import { type Asked, longWork, targetOf } from "./document/document-work.ts";
import type { Services } from "./services.ts";

/** Answers a question from a part of a document. */
export async function askRange(
  services: Services,
  { question, show, ...about }: z.output<typeof askSchema>,
  asked: Asked,
): Promise<AskResult> {
  const { document, text, start, end, settings, check } = await targetOf(services, about);
  // With training's wording of tasks, which is rarely needed.
  const { ask, askNotes } = await import("../features/ask/ask.ts");
  const chosen = (await services.settings.settingsFor())["models.ask"] !== "";
  const { maxContextTokens } = settings;
  const params = { text: text.slice(start, end), question, chosen, maxContextTokens };
  const made = await longWork(
    services,
    { feature: "ask", title: "looking for an answer", ...asked },
    async (model, options) => ask({ model: await model() }, params, options),
  );
  check();
  const notes = askNotes(made);
  if (show) services.client.showMessage(shown(made.answers[0]?.text, notes));
  const { chunks, coverage, ms, model } = made;
  const answers = made.answers.map(({ text, likelihood, places }) => ({
    text,
    likelihood,
    ranges: places.map((place) => document.rangeOf(start + place.start, start + place.end)),
  }));
  return { answers, chunks, coverage, ms: Math.round(ms), model, notes };
}

/** Says which label suits a part of a document. */
export async function classifyRange(
  services: Services,
  { labels, show, ...about }: z.output<typeof classifySchema>,
  asked: Asked,
): Promise<ClassifyResult> {
  const { text, start, end, settings, check } = await targetOf(services, about);
  const { classify, classifyNotes } = await import("../features/ask/classify.ts");
  const chosen = (await services.settings.settingsFor())["models.classify"] !== "";
  const { maxContextTokens } = settings;
  const given = defined({ labels });
  const params = { text: text.slice(start, end), chosen, maxContextTokens, ...given };
  const made = await longWork(
    services,
    { feature: "classify", title: "classifying", ...asked },
    async (model, options) => classify({ model: await model() }, params, options),
  );
  check();
  const notes = classifyNotes(made);
  const [first] = made.labels;
  const label = first && `${first.label} (${percent(first.probability)})`;
  if (show) services.client.showMessage(shown(label, notes));
  const { tokens, cancelled, ms, ...result } = made;
  return { ...result, ms: Math.round(ms), notes };
}

function shown(said: string | undefined, notes: readonly string[]): string {
  return said === undefined ? "The model had nothing to say." : `${said} (${notes.join("; ")})`;
}
