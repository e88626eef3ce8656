/** Commands that continue a text at the cursor, and say why there is nothing to continue it with. */
import { defined } from "../../../base/defined.ts";
import type { ContinueHereResult, ContinueTextResult, ExplainResult } from "../../../protocol/commands/writing.ts";
import { completeComment } from "../../features/write/inline-completion.ts";
import { onPart, withModel } from "../document/document-work.ts";
import { learnedFolder, whyQuiet } from "../document/quiet.ts";
import { cancelled } from "../errors.ts";
import { suggestion, suggestWithin } from "../handlers.ts";
import type { Services } from "../services.ts";
import type { CheckedArguments } from "./arguments.ts";
import { applyEdits } from "./write.ts";

/** Inserts the best suggestion at the cursor. */
export const continueHere = onPart(
  async (
    services,
    { document, start, check },
    { position }: CheckedArguments["continueHere"],
    { signal },
  ): Promise<ContinueHereResult> => {
    const completions = await suggestion(services, document, { offset: start, explicit: true }, signal);
    if (completions.cancelled) throw cancelled();
    check();
    const text = completions.items[0]?.text ?? "";
    const edits = text === "" ? [] : [{ range: { start: position, end: position }, newText: text }];
    return { text, applied: await applyEdits(services, document, services.t("Continue"), edits) };
  },
);

/** Suggests within a text that is not in a document, such as a comment in a program. */
export async function continueText(
  services: Services,
  { uri, ...params }: CheckedArguments["continueText"],
  { signal }: { readonly signal: AbortSignal },
): Promise<ContinueTextResult> {
  const settings = await services.settings.settingsFor(uri);
  const quiet = params.explicit ? undefined : await whyQuiet(services, uri, settings);
  if (quiet !== undefined) return { items: [], reason: quiet };
  const context = {
    settings,
    typing: services.typing,
    folder: await learnedFolder(services, uri, settings),
    t: services.t,
  };
  const completions = await suggestWithin(services, params.explicit, signal, (signal) =>
    withModel(services, "infill", (model) =>
      completeComment({ ...context, model }, { ...params, document: uri }, signal),
    ),
  );
  if (completions.cancelled) throw cancelled();
  services.log.debug(
    `inline completion in a comment: ${completions.reason ?? `${completions.items.length} suggested`}`,
  );
  return { items: completions.items.map(({ text }) => text), ...defined({ reason: completions.reason }) };
}

/** Says what typing at a place would suggest, or why nothing. */
export async function explainSuggestion(
  services: Services,
  { uri, position }: CheckedArguments["explainSuggestion"],
  { signal }: { readonly signal: AbortSignal },
): Promise<ExplainResult> {
  const document = services.openDocument(uri);
  const place = { offset: document.offsetAt(position), explicit: false };
  const { items, reason } = await suggestion(services, document, place, signal);
  signal.throwIfAborted();
  const [best] = items;
  return best === undefined ? { reason: reason ?? services.t("the request was cancelled") } : { suggestion: best.text };
}
