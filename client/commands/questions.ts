/** Asks about a text: answers are highlighted in it, and labels are shown. */
import {
  commands,
  type Disposable,
  env,
  l10n,
  OverviewRulerLane,
  type Range,
  type TextDocument,
  TextEditorRevealType,
  ThemeColor,
  window,
  workspace,
} from "vscode";
import { defined } from "../../base/defined.ts";
import type { AskResult, ClassifyResult } from "../../protocol/commands/reading.ts";
import { warn } from "../editor/messages.ts";
import { inform, notify, remark } from "../editor/notices.ts";
import { type Choice, createPick } from "../editor/picks.ts";
import type { LanguageServer } from "../server/language-client.ts";
import { hasChanged } from "./edits.ts";
import { answered } from "./prose-editor.ts";

const MOST_QUESTIONS = 20;
const SAID_MS = 8000;

/** The questions of a window, and the answers that it shows; the extension makes one when it begins. */
export interface Questions {
  /** Newest first. */
  readonly asked: string[];
  shown?: Shown | undefined;
}

/**
 * Answers a question from a part of a document, all of it when there is none.
 * @param given the question; a person is asked for it when absent
 * @returns the answers, as the server gave them; undefined when there was no question, or no answer to it
 */
export async function askAbout(
  { server, questions }: { readonly server: LanguageServer; readonly questions: Questions },
  document: TextDocument,
  part: Range | undefined,
  given: string | undefined,
): Promise<AskResult | undefined> {
  const question = given ?? (await pickQuestion(questions.asked));
  if (question === undefined) return undefined;
  const { asked } = questions;
  asked.splice(
    0,
    MOST_QUESTIONS,
    ...[question, ...asked.filter((other) => other !== question)].slice(0, MOST_QUESTIONS),
  );
  const { version } = document;
  let places: Place[] = [];
  const made = await answered(l10n.t("Looking for an answer"), async (options) => {
    const { code2ProtocolConverter: to, protocol2CodeConverter: from } = await server.ready();
    const argument = {
      uri: to.asUri(document.uri),
      version,
      question,
      ...defined({ range: part && to.asRange(part) }),
    };
    const result = await server.execute("askRange", argument, options);
    places = result.answers.flatMap(({ text, ranges }) =>
      ranges.map((each) => ({ answer: text, range: from.asRange(each) })),
    );
    return result;
  });
  if (made === undefined) return undefined;
  clear(questions);
  if (hasChanged(document, version)) {
    warn(l10n.t("Spanfill: the text changed meanwhile. Run the command again."));
    return undefined;
  }
  const [best] = made.answers;
  if (best === undefined) inform(l10n.t("Spanfill: the model found no answer to this."));
  else if (places.length === 0) tellAnswer(best.text, made.notes);
  else {
    questions.shown = show(questions, document, places, made.notes);
    tellPlaces(questions, questions.shown, 0);
  }
  return made;
}

/** Goes to the next place of an answer (1), or the one before (-1). */
export function stepAnswer({ shown }: Questions, by: number): void {
  const place = shown && highlight(shown, by);
  if (place !== undefined) remark(place, SAID_MS);
}

/** Says which label suits a part of a document, all of it when there is none. @returns what the server gave */
export async function classifyPart(
  server: LanguageServer,
  document: TextDocument,
  part: Range | undefined,
): Promise<ClassifyResult | undefined> {
  const { version } = document;
  const made = await answered(l10n.t("Classifying"), async (options) => {
    const { code2ProtocolConverter: to } = await server.ready();
    const argument = { uri: to.asUri(document.uri), version, ...defined({ range: part && to.asRange(part) }) };
    return server.execute("classifyRange", argument, options);
  });
  if (made === undefined) return undefined;
  const percent = (share: number) => l10n.t("{0}%", Math.round(100 * share));
  const [first, ...others] = made.labels
    .slice(0, 3)
    .map(({ label, probability }) => `${label} ${percent(probability)}`);
  if (first === undefined) inform(l10n.t("Spanfill: the model has no label for this."));
  else {
    const rest = others.length === 0 ? "" : l10n.t(", then {0}", others.join(", "));
    const copy = l10n.t("Copy");
    const text = l10n.t("Spanfill: {0}{1} ({2})", first, rest, made.notes.join("; "));
    void notify("information", text, copy).then((chosen) => {
      if (chosen === copy) void env.clipboard.writeText(made.labels[0]?.label ?? "");
    });
  }
  return made;
}

interface Place {
  readonly answer: string;
  readonly range: Range;
}

/** Answers that are highlighted. */
interface Shown {
  readonly document: TextDocument;
  readonly places: readonly Place[];
  readonly notes: readonly string[];
  readonly current: ReturnType<typeof window.createTextEditorDecorationType>;
  readonly others: ReturnType<typeof window.createTextEditorDecorationType>;
  readonly listening: readonly Disposable[];
  at: number;
}

/** Highlights answers until the text changes, or the next question. */
function show(questions: Questions, document: TextDocument, places: readonly Place[], notes: readonly string[]): Shown {
  const border = { borderStyle: "solid", borderColor: new ThemeColor("contrastActiveBorder") };
  const decoration = (color: string, borderWidth: string) =>
    window.createTextEditorDecorationType({
      ...border,
      borderWidth,
      backgroundColor: new ThemeColor(color),
      overviewRulerColor: new ThemeColor("editorOverviewRuler.findMatchForeground"),
      overviewRulerLane: OverviewRulerLane.Center,
    });
  void commands.executeCommand("setContext", "spanfill.answerShown", true);
  return {
    document,
    places,
    notes,
    current: decoration("editor.findMatchBackground", "2px"),
    others: decoration("editor.findMatchHighlightBackground", "1px"),
    listening: [
      // Saving is reported as an empty change.
      workspace.onDidChangeTextDocument(
        ({ document: changed, contentChanges }) =>
          changed === document && contentChanges.length > 0 && clear(questions),
      ),
      workspace.onDidCloseTextDocument((closed) => closed === document && clear(questions)),
    ],
    at: 0,
  };
}

/** Highlights a place, and says which it is. */
function highlight(answers: Shown, by: number): string | undefined {
  const { document, places, notes } = answers;
  answers.at = (answers.at + by + places.length) % places.length;
  const place = places[answers.at];
  if (place === undefined) return undefined;
  const editor = window.visibleTextEditors.find((one) => one.document === document);
  const others = places.filter((one) => one !== place).map(({ range }) => range);
  editor?.setDecorations(answers.others, others);
  editor?.setDecorations(answers.current, [place.range]);
  editor?.revealRange(place.range, TextEditorRevealType.InCenterIfOutsideViewport);
  const where = l10n.t("line {0}, {1} of {2}", place.range.start.line + 1, answers.at + 1, places.length);
  return l10n.t("Spanfill: {0} ({1}; {2})", place.answer, where, notes.join("; "));
}

/** Shows a place with buttons for the others. */
function tellPlaces(questions: Questions, answers: Shown, by: number): void {
  const text = answers === questions.shown ? highlight(answers, by) : undefined;
  if (text === undefined) return;
  const [next, previous] = [l10n.t("Next"), l10n.t("Previous")];
  void notify("information", text, ...(answers.places.length > 1 ? [next, previous] : [])).then((chosen) => {
    if (chosen !== undefined) tellPlaces(questions, answers, chosen === next ? 1 : -1);
  });
}

function clear(questions: Questions): void {
  if (questions.shown === undefined) return;
  const { current, others, listening } = questions.shown;
  for (const one of [current, others, ...listening]) one.dispose();
  questions.shown = undefined;
  void commands.executeCommand("setContext", "spanfill.answerShown", false);
}

function tellAnswer(answer: string, notes: readonly string[]): void {
  const copy = l10n.t("Copy");
  const text = l10n.t("Spanfill: {0} ({1})", answer, notes.join("; "));
  void notify("information", text, copy).then((chosen) => {
    if (chosen === copy) void env.clipboard.writeText(answer);
  });
}

/** Lets a person type a question, or choose an earlier one. */
async function pickQuestion(asked: readonly string[]): Promise<string | undefined> {
  const pick = createPick<Choice>({
    title: l10n.t("Ask about Selection"),
    placeHolder: l10n.t("A question that the text answers, such as: When was it built?"),
  });
  const itemsFor = (value: string) => {
    const typed = value.trim();
    const earlier = asked.filter((one) => one !== typed).map((label) => ({ label }));
    return typed === "" ? earlier : [{ label: typed, alwaysShow: true }, ...earlier];
  };
  pick.offer(itemsFor(""));
  pick.onValue((value) => pick.offer(itemsFor(value)));
  try {
    return await new Promise((resolve) => {
      // The typed question may be newer than the items.
      pick.onAccept(() => {
        const typed = pick.value.trim();
        const active = pick.active?.label;
        const question = active === undefined || (typed !== "" && typed.startsWith(active)) ? typed : active;
        if (question !== "") resolve(question);
      });
      pick.onHide(() => resolve(undefined));
      pick.show();
    });
  } finally {
    pick.dispose();
  }
}
