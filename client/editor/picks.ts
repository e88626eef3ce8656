/**
 * Lists to pick from and input boxes: the only file that opens them, so that no text in them becomes a link or an
 * icon.
 */
import { type Disposable, type QuickPickItem, window } from "vscode";
import { defined } from "../../base/defined.ts";
import { labelText, messageText } from "../../protocol/shown-text.ts";

/** An entry of a list. */
export interface Choice {
  /** Name of one of VS Code's icons, before the label. */
  readonly icon?: string;
  readonly label: string;
  readonly description?: string | undefined;
  readonly detail?: string | undefined;
  /** Whether it stays visible whatever is typed. */
  readonly alwaysShow?: boolean;
}

/** The text above a list or a box. */
export interface Heading {
  readonly title?: string;
  readonly placeHolder?: string;
}

/** Lets a person pick from a list. */
export async function pickOne<T extends Choice>(choices: readonly T[], heading: Heading): Promise<T | undefined> {
  return (await window.showQuickPick(choices.map(itemOf), shownHeading(heading)))?.choice;
}

/** A list whose entries change while it is open. */
export interface OpenPick<T extends Choice> extends Disposable {
  readonly active: T | undefined;
  /** The typed text. */
  readonly value: string;
  offer(choices: readonly T[]): void;
  onActive(listener: (active: T | undefined) => void): void;
  onValue(listener: (value: string) => void): void;
  onAccept(listener: () => void): void;
  onHide(listener: () => void): void;
  show(): void;
}

/** Creates a list that is not shown yet. */
export function createPick<T extends Choice>({ title, placeHolder }: Heading): OpenPick<T> {
  const pick = window.createQuickPick<Item<T>>();
  pick.title = title && labelText(title);
  pick.placeholder = placeHolder && labelText(placeHolder);
  return {
    get active() {
      return pick.activeItems[0]?.choice;
    },
    get value() {
      return pick.value;
    },
    offer: (choices) => {
      pick.items = choices.map(itemOf);
    },
    onActive: (listener) => void pick.onDidChangeActive(([active]) => listener(active?.choice)),
    onValue: (listener) => void pick.onDidChangeValue(listener),
    onAccept: (listener) => void pick.onDidAccept(listener),
    onHide: (listener) => void pick.onDidHide(listener),
    show: () => pick.show(),
    dispose: () => pick.dispose(),
  };
}

/** An input box. */
export interface Box {
  readonly title: string;
  readonly prompt: string;
  /** The initial text, verbatim, since it will be used. */
  readonly value?: string;
  readonly password?: boolean;
  readonly ignoreFocusOut?: boolean;
}

/**
 * Lets a person type.
 * @returns the text, or undefined if they cancelled
 */
export async function askFor({ title, prompt, ...box }: Box): Promise<string | undefined> {
  return window.showInputBox({ ...box, title: labelText(title), prompt: messageText(prompt) });
}

type Item<T> = QuickPickItem & { readonly choice: T };

function itemOf<T extends Choice>(choice: T): Item<T> {
  const { icon, label, description, detail, alwaysShow } = choice;
  return {
    label: icon === undefined ? labelText(label) : `$(${icon}) ${labelText(label)}`,
    ...defined({ description: description && labelText(description), detail: detail && labelText(detail), alwaysShow }),
    choice,
  };
}

function shownHeading({ title, placeHolder }: Heading): Heading {
  return defined({ title: title && labelText(title), placeHolder: placeHolder && labelText(placeHolder) });
}
