/** Commands that write into a document: its gaps, other words, its front matter. */

import type { ChangeAnnotation, TextEdit, WorkspaceEdit } from "vscode-languageserver-protocol";
import type { Translate } from "../../../base/translate.ts";
import type { FillGapsResult, RephraseResult, WriteFieldResult } from "../../../protocol/commands/writing.ts";
import { askedWindow } from "../../features/context-window.ts";
import { summaryNotes } from "../../features/read/summary-notes.ts";
import { fillGaps } from "../../features/write/fill-gaps.ts";
import { fillNotes } from "../../features/write/fill-text.ts";
import { rephrase } from "../../features/write/rephrase.ts";
import { onPart, workOn } from "../document/document-work.ts";
import type { OpenDocument } from "../document/positions.ts";
import type { Services } from "../services.ts";
import type { CheckedArguments } from "./arguments.ts";

/** Fills the gaps in a part of a document. */
export const fillGapsInPart = onPart(
  async (
    services,
    target,
    { uri, version, apply, annotate }: CheckedArguments["fillGaps"],
    call,
  ): Promise<FillGapsResult> => {
    const { document, start, end, settings } = target;
    const work = { feature: "infill", title: services.t("Spanfill: filling gaps"), ...call } as const;
    const { fills, ms, model, calibrated, ...about } = await workOn(services, target, work, (model, options) =>
      fillGaps({ model, settings }, { document, start, end }, options),
    );
    const placedFills = fills.map((fill) => ({
      range: document.rangeOf(fill.start, fill.end),
      text: fill.text,
      confidence: fill.confidence,
      left: fill.left,
    }));
    const edits: TextEdit[] = placedFills
      .filter((fill) => fill.text !== "" && !fill.left)
      .map((fill) => ({ range: fill.range, newText: fill.text }));
    const edit = annotate
      ? annotated(uri, version, edits, services.t)
      : { documentChanges: [{ textDocument: { uri, version }, edits }] };
    const passed = about.passed.map(({ start, end, why }) => ({ range: document.rangeOf(start, end), why }));
    const notes = fillNotes(document.text, about, services.t);
    const result = { edit, fills: placedFills, passed, notes, ms: Math.round(ms), model, calibrated };
    return apply
      ? { ...result, applied: await applyEdits(services, document, services.t("Fill gaps"), edits, edit) }
      : result;
  },
);

/** Edits with an annotation for each, so that each can be confirmed. */
function annotated(uri: string, version: number, edits: readonly TextEdit[], t: Translate): WorkspaceEdit {
  const changeAnnotations: Record<string, ChangeAnnotation> = {};
  const annotatedEdits = edits.map((edit, i) => {
    const label = t("Gap {0}", i + 1);
    changeAnnotations[label] = { label, needsConfirmation: true };
    return { ...edit, annotationId: label };
  });
  return { documentChanges: [{ textDocument: { uri, version }, edits: annotatedEdits }], changeAnnotations };
}

/** Finds other words for a part of a document. */
export const rephrasePart = onPart(
  async (services, target, { count, apply }: CheckedArguments["rephrase"], call): Promise<RephraseResult> => {
    const { document, text, start, end, settings } = target;
    const work = { feature: "infill", title: services.t("Spanfill: rephrasing"), ...call } as const;
    const { alternatives, ms, model, calibrated, ...place } = await workOn(services, target, work, (model, options) =>
      rephrase({ model, settings }, { text, start, end, count }, options),
    );
    const range = document.rangeOf(place.start, place.end);
    const result = { range, alternatives, ms: Math.round(ms), model, calibrated };
    const edits = alternatives.slice(0, 1).map((best) => ({ range, newText: best.text }));
    return apply ? { ...result, applied: await applyEdits(services, document, services.t("Rephrase"), edits) } : result;
  },
);

/** Writes a field of a document's front matter. */
export const writeField = onPart(
  async (
    services,
    target,
    { field, value, apply }: CheckedArguments["writeField"],
    call,
  ): Promise<WriteFieldResult> => {
    const { document, text, settings, check } = target;
    // Imported here, with its YAML library, because few sessions need it.
    const { fieldEdit, proposeField } = await import("../../features/write/front-matter.ts");
    const work = {
      feature: "summarize",
      title:
        field === "title" ? services.t("Spanfill: writing a title") : services.t("Spanfill: writing a description"),
      ...call,
    } as const;
    const proposal =
      value === undefined
        ? await workOn(services, target, work, async (model, options) =>
            proposeField(
              { model: await model(), ...askedWindow(settings) },
              { text, field, language: document.languageId },
              options,
            ),
          )
        : undefined;
    const chosen = value ?? proposal?.summary ?? "";
    const { start, end, newText } = await fieldEdit(text, field, chosen, document.languageId);
    check();
    const range = document.rangeOf(start, end);
    const result = {
      value: chosen,
      range,
      newText,
      notes: proposal === undefined ? [] : summaryNotes(proposal, services.t),
    };
    const edits = chosen === "" ? [] : [{ range, newText }];
    return apply
      ? {
          ...result,
          applied: await applyEdits(
            services,
            document,
            field === "title" ? services.t("Write title") : services.t("Write description"),
            edits,
          ),
        }
      : result;
  },
);

/**
 * Has the client apply edits to the document in its present version, and tells the user where it did not.
 * @returns whether it did
 */
export async function applyEdits(
  { client, t }: Services,
  { uri, version }: OpenDocument,
  label: string,
  edits: TextEdit[],
  edit: WorkspaceEdit = { documentChanges: [{ textDocument: { uri, version }, edits }] },
): Promise<boolean> {
  const refusal = edits.length === 0 ? t("the model had nothing to say") : await client.applyEdit(label, edit);
  if (refusal !== undefined)
    client.showMessage(t("Spanfill changed nothing ({0}): {1}.", label.toLowerCase(), refusal));
  return refusal === undefined;
}
