/** The panel's page: keeps the state, draws it, and speaks with the extension. */
import "@vscode-elements/elements/dist/vscode-button/index.js";
import "@vscode-elements/elements/dist/vscode-progress-bar/index.js";
import "@vscode-elements/elements/dist/vscode-textfield/index.js";
import { render } from "lit";
import type { ModelList } from "../../../protocol/panel/models.ts";
import type { AnswerOf, FromPage, Question, ToPage } from "../../../protocol/panel.ts";
import { type App, attempt, refresh } from "./app.ts";
import { loadDevices } from "./models/devices-view.ts";
import { pageView } from "./page.ts";
import { asksForDevices, initialState, type Message, reduce, type State, savedOf } from "./state.ts";
import { askForStep, loadRuns } from "./tuning/tuning-actions.ts";
import { styles } from "./ui/styles.ts";

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
    if (!isPassing(message)) editor.setState(savedOf(state));
    if (state.page !== before.page && state.page === "tuning") void loadRuns(app).then(() => askForStep(app));
    if (asksForDevices(before, state)) void loadDevices(app);
    // However much happens between two frames, it is drawn once.
    if (drawing === 0) drawing = requestAnimationFrame(draw);
  },
  ask<Q extends Question>(question: Q) {
    seq += 1;
    const questionSeq = seq;
    return new Promise<AnswerOf<Q>>((resolve, reject) => {
      pending.set(questionSeq, { resolve: resolve as (answer: unknown) => void, reject });
      editor.postMessage({ seq: questionSeq, question });
    });
  },
};

/** Whether a message comes unasked and is not worth keeping. */
function isPassing(message: Message): boolean {
  if (message.type === "tuning")
    return ["news", "runs", "details", "check", "fit", "pace"].includes(message.message.type);
  return message.type === "scroll" || message.type === "job" || message.type === "devices";
}

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
      if (state.page === "tuning") void loadRuns(app);
      break;
    case "run": {
      const { summary } = data.news;
      const before = state.tuning.runs?.find(({ id }) => id === summary.id);
      app.dispatch({ type: "tuning", message: { type: "news", news: data.news } });
      // A model that can be used is one of the list.
      if (summary.usable && (before?.usable === false || before?.state !== summary.state)) void refresh(app);
      break;
    }
    case "show":
      app.dispatch({ type: "page", page: data.page });
      break;
    case "chosen":
      app.dispatch({ type: "chosen", chosen: data.chosen });
      break;
  }
});

/** The last list of models: it is shown at once, until the server has sent a new one. */
const lastList = document.querySelector("#kept")?.textContent;
if (lastList) state = reduce(state, { type: "list", list: JSON.parse(lastList) as ModelList });
document.adoptedStyleSheets = styles.flatMap(({ styleSheet }) => styleSheet ?? []);
draw();
performance.mark("spanfill-drawn");
void attempt(app, () => app.ask({ kind: "chosen" })).then((chosen) => {
  if (chosen !== undefined) app.dispatch({ type: "chosen", chosen });
});
// After the frame that draws the table; bench/speed/panel.ts takes the first.
const listed = () => requestAnimationFrame(() => performance.mark("spanfill-listed"));
if (lastList) listed();
void refresh(app)
  .then(listed)
  .then(() => askForStep(app));
if (state.page === "tuning") void loadRuns(app);
