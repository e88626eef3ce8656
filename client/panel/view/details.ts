/** Everything about one model, and what can be done with it. */
import { html, type TemplateResult } from "lit";
import type { Job, ModelRow, Task } from "../../../protocol/panel.ts";
import { type App, attempt, refresh } from "./app.ts";
import { bytes, duration, percent, stateText } from "./rows.ts";
import { selectedRow } from "./state.ts";

/** The selected model. */
export function detailsView(app: App): TemplateResult {
  const state = app.state();
  const row = selectedRow(state);
  if (row === undefined)
    return html`<aside class="details" id="details" tabindex="-1" aria-label="Details"><p>Select a model.</p></aside>`;
  const job = state.jobs[row.id];
  const facts = factsOf(row);
  return html`
    <aside class="details" id="details" tabindex="-1" aria-label="Details">
      <h2>${row.id}</h2>
      <p class="standing">${stateText(row, undefined) || "on the hub"}${row.family === "" ? "" : ` · ${row.family}`}</p>
      ${progressView(app, row, job)}
      <div class="buttons">${buttons(app, row, job)}</div>
      ${usesView(app, row)}
      ${
        row.needsFineTuning
          ? html`<p class="hint">Only pre-trained: it fills gaps at best, and does nothing else useful before it is fine-tuned.</p>`
          : ""
      }
      ${row.advice ? html`<p class="hint"><strong>Deeper before wider.</strong> ${row.advice.text} (beside ${link(app, row.advice.than)}; Tay et al. 2021)</p>` : ""}
      <dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
      ${measurementsView(row)} ${qualityView(row)} ${verifiedView(app, row)}
      ${row.notes.map((note) => html`<p class="hint">${note}</p>`)}
    </aside>
  `;
}

function progressView(app: App, { id }: ModelRow, job: Job | undefined): TemplateResult | string {
  if (job?.state === "failed") return html`<p class="failure" role="alert">${job.message ?? "It failed."}</p>`;
  if (job?.state !== "running") return "";
  const { doneBytes, totalBytes, bytesPerSecond, secondsLeft } = job;
  const speed = bytesPerSecond ? `, ${bytes(bytesPerSecond)}/s` : "";
  const left = secondsLeft === undefined ? "" : `, ${duration(secondsLeft)} left`;
  const text =
    doneBytes === undefined || totalBytes === undefined
      ? "Working…"
      : `${bytes(doneBytes)} of ${bytes(totalBytes)}${speed}${left}`;
  return html`
    <div class="progress">
      <vscode-progress-bar
        aria-label=${`Progress of ${id}`}
        ?indeterminate=${totalBytes === undefined}
        .value=${totalBytes ? (100 * (doneBytes ?? 0)) / totalBytes : 0}
      ></vscode-progress-bar>
      <span role="status">${percent(job)} ${text}</span>
      <vscode-button secondary @click=${() => attempt(app, () => app.ask({ kind: "stop", id }))}>Stop</vscode-button>
    </div>
  `;
}

function buttons(app: App, row: ModelRow, job: Job | undefined): readonly TemplateResult[] {
  const { id, installed, downloadable, partialBytes } = row;
  if (job?.state === "running") return [];
  const button = (text: string, work: () => Promise<unknown>, primary = false) =>
    html`<vscode-button ?secondary=${!primary} @click=${() => attempt(app, work)}>${text}</vscode-button>`;
  if (installed === undefined) {
    const get = async () => app.dispatch({ type: "job", job: await app.ask({ kind: "get", id }) });
    const size = row.downloadBytes === null ? "" : ` (${bytes(row.downloadBytes)})`;
    return [
      ...(downloadable
        ? [button(partialBytes === undefined ? `Download${size}` : "Go on downloading", get, true)]
        : []),
      ...(partialBytes === undefined ? [] : [button("Discard what is there", () => remove(app, id))]),
      ...(downloadable ? [button("Open its page", () => app.ask({ kind: "visit", id }))] : []),
    ];
  }
  const measure = (precision: "int8" | "float32") => async () => {
    await app.ask({ kind: "measure", id, precision });
    await refresh(app);
  };
  const verify = async () => app.dispatch({ type: "verified", id, verified: await app.ask({ kind: "verify", id }) });
  const tryIt = async () => {
    app.dispatch({ type: "trial", change: { id } });
    app.dispatch({ type: "page", page: "playground" });
  };
  return [
    button("Measure on this machine", measure("int8")),
    button("Measure float32", measure("float32")),
    button("Try it", tryIt),
    button("Verify files", verify),
    ...(installed.removable ? [button(`Remove (${bytes(installed.sizeBytes)})`, () => remove(app, id))] : []),
  ];
}

async function remove(app: App, id: string): Promise<void> {
  const { freedBytes } = await app.ask({ kind: "remove", id });
  app.dispatch({
    type: "notice",
    notice: { kind: "done", text: `${id} is removed; ${bytes(freedBytes)} are free again.` },
  });
  await refresh(app);
}

const USES: readonly { readonly title: string; readonly task: Task | undefined }[] = [
  { title: "Everything", task: undefined },
  { title: "Summaries", task: "summarize" },
  { title: "Filling and suggestions", task: "infill" },
];

/** What the model is used for, and buttons that change it. */
function usesView(app: App, { id, installed }: ModelRow): TemplateResult | string {
  const { chosen, list } = app.state();
  if (installed === undefined || chosen === undefined) return "";
  const standard = chosen.model === "" ? list?.builtIn : chosen.model;
  // A setting may have the name or the folder.
  const names = [id, installed.directory];
  const used = (task: Task | undefined) =>
    names.includes((task === undefined || chosen[task] === "" ? standard : chosen[task]) ?? "");
  const choose = (task: Task | undefined) =>
    attempt(app, async () => {
      // The built-in model is what an empty setting stands for.
      const named = task === undefined && id === list?.builtIn ? "" : id;
      const question = { kind: "choose", id: named, ...(task === undefined ? {} : { task }) } as const;
      app.dispatch({ type: "chosen", chosen: await app.ask(question) });
    });
  return html`
    <div class="uses" role="group" aria-label="Use this model for">
      <span>Use for</span>
      ${USES.map(
        ({ title, task }) => html`
          <button class="toggle" aria-pressed=${used(task) ? "true" : "false"} @click=${() => choose(task)}>
            ${title}${used(task) ? " ✓" : ""}
          </button>
        `,
      )}
    </div>
  `;
}

function factsOf(row: ModelRow): readonly (readonly [string, string])[] {
  const stacks =
    row.layers === row.decoderLayers
      ? `${row.layers} in each stack`
      : `${row.layers} encoder, ${row.decoderLayers} decoder`;
  return [
    ["Parameters", row.parameters?.toLocaleString("en-US") ?? "unknown: its layers are not published"],
    ["Layers", stacks],
    ["Width", `${row.dModel}, feed-forward ${row.dFf} (${row.feedForward})`],
    ["Heads", `${row.heads} of ${row.dKv}`],
    ["Vocabulary", row.vocabulary.toLocaleString("en-US")],
    ...(row.variant === null ? [] : [["Unlike T5", row.variant] as const]),
    ...(row.memoryBytes === null
      ? []
      : [["Memory", `int8 ${bytes(row.memoryBytes.int8)}, float32 ${bytes(row.memoryBytes.float32)}`] as const]),
    ["Work", `${(row.flops / 1e9).toFixed(1)} GFLOP for 512 tokens in, 64 out`],
    ["Licence", row.licence],
    [
      "Source",
      row.family === "built-in"
        ? "comes with Spanfill"
        : (row.installed?.directory ?? (row.downloadable ? "the Hugging Face hub" : (row.bucket ?? "unknown"))),
    ],
    ...(row.shapeFrom === "config" ? [] : [["Shape known from", SHAPES[row.shapeFrom]] as const]),
    ...(row.seen ? [] : [["Name", "follows the others' pattern; its page was not seen"] as const]),
  ];
}

const SHAPES = {
  config: "its config.json",
  trace: "a traced graph",
  size: "its file's size",
  name: "its name",
  guess: "a guess from the code that trained it",
} as const;

function measurementsView({ measurements }: ModelRow): TemplateResult | string {
  if (measurements.length === 0) return "";
  return html`
    <h3>Measured on this machine</h3>
    <table class="small">
      <thead><tr><th>Precision</th><th>Load</th><th>First token</th><th>Tokens/s</th><th>Memory</th></tr></thead>
      <tbody>
        ${measurements.map(
          (one) => html`<tr>
            <td>${one.precision}, ${one.device.toUpperCase()}</td>
            <td>${Math.round(one.loadMs)} ms</td>
            <td>${Math.round(one.firstTokenMs)} ms</td>
            <td>${Math.round(one.tokensPerSecond)}</td>
            <td>${one.memoryBytes === undefined ? "" : bytes(one.memoryBytes)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  `;
}

function qualityView({ quality }: ModelRow): TemplateResult | string {
  if (quality.length === 0) return "";
  return html`
    <h3>Quality</h3>
    <dl>${quality.map(({ metric, value, source }) => html`<dt>${metric}</dt><dd>${value} <span class="source">${source}</span></dd>`)}</dl>
  `;
}

function verifiedView(app: App, { id }: ModelRow): TemplateResult | string {
  const files = app.state().verified[id]?.files;
  if (files === undefined) return "";
  const words = (intact: boolean | null) => (intact === null ? "no checksum is known" : intact ? "intact" : "DAMAGED");
  return html`
    <h3>Files</h3>
    <dl>${files.map(({ name, intact }) => html`<dt>${name}</dt><dd class=${intact === false ? "failure" : ""}>${words(intact)}</dd>`)}</dl>
  `;
}

function link(app: App, id: string): TemplateResult {
  return html`<button class="link" @click=${() => app.dispatch({ type: "select", id })}>${id.replace(/^google\/t5-efficient-/, "")}</button>`;
}
