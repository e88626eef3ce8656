/** The panel's page: keeps the state, draws it, and speaks with the extension. */
import "@vscode-elements/elements/dist/vscode-button/index.js";
import "@vscode-elements/elements/dist/vscode-progress-bar/index.js";
import "@vscode-elements/elements/dist/vscode-textfield/index.js";
import { render } from "lit";
import type { AnswerOf, FromPage, Question, ToPage } from "../../../protocol/panel.ts";
import { type App, attempt, refresh } from "./app.ts";
import { pageView } from "./page.ts";
import { initialState, type Message, reduce, type State, savedOf } from "./state.ts";
import { styles } from "./styles.ts";

declare function acquireVsCodeApi(): {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: unknown): void;
};

const editor = acquireVsCodeApi();
const root = document.querySelector("#root");
let state: State = initialState(editor.getState());
let drawing = 0;
let seq = 0;
const pending = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();

const app: App = {
  state: () => state,
  dispatch(message: Message) {
    const before = state;
    state = reduce(state, message);
    if (state === before) return;
    if (message.type !== "scroll" && message.type !== "job") editor.setState(savedOf(state));
    // However much happens between two frames, it is drawn once.
    if (drawing === 0) drawing = requestAnimationFrame(draw);
  },
  ask<Q extends Question>(question: Q) {
    seq += 1;
    const own = seq;
    return new Promise<AnswerOf<Q>>((resolve, reject) => {
      pending.set(own, { resolve: resolve as (answer: unknown) => void, reject });
      editor.postMessage({ seq: own, question });
    });
  },
};

function draw(): void {
  drawing = 0;
  if (root instanceof HTMLElement) render(pageView(app), root);
}

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
  switch (data.type) {
    case "answer":
      pending.get(data.seq)?.resolve(data.answer);
      pending.delete(data.seq);
      break;
    case "failure":
      pending.get(data.seq)?.reject(new Error(data.message));
      pending.delete(data.seq);
      break;
    case "job": {
      const ended = data.job.state !== "running" && state.jobs[data.job.id]?.state === "running";
      app.dispatch({ type: "job", job: data.job });
      if (ended) void refresh(app);
      break;
    }
    case "gone":
      app.dispatch({ type: "gone" });
      void refresh(app);
      break;
    case "chosen":
      app.dispatch({ type: "chosen", chosen: data.chosen });
      break;
  }
});

document.adoptedStyleSheets = styles.flatMap(({ styleSheet }) => styleSheet ?? []);
draw();
performance.mark("spanfill-drawn");
void attempt(app, () => app.ask({ kind: "chosen" })).then((chosen) => {
  if (chosen !== undefined) app.dispatch({ type: "chosen", chosen });
});
void refresh(app).then(() => {
  // After the frame that draws the table.
  requestAnimationFrame(() => performance.mark("spanfill-listed"));
});
