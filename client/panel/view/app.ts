/** The interface that views use: the state, a way to change it, and a way to ask the extension. */
import { reason } from "../../../base/reason.ts";
import type { AnswerOf, Question } from "../../../protocol/panel.ts";
import type { Message, State } from "./state.ts";

/** The page as its views see it. */
export interface App {
  state(): State;
  dispatch(message: Message): void;
  /** @throws Error with words for a person */
  ask<Q extends Question>(question: Q): Promise<AnswerOf<Q>>;
}

/** Asks, and shows what went wrong; undefined then. */
export async function attempt<T>(app: App, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const text = reason(error);
    app.dispatch({ type: "notice", notice: { kind: "failed", text } });
    return undefined;
  }
}

/** Asks for all models again. */
export async function refresh(app: App): Promise<void> {
  const list = await attempt(app, () => app.ask({ kind: "models" }));
  if (list !== undefined) app.dispatch({ type: "list", list });
}
