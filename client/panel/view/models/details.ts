/** Everything about one model, and what can be done with it. */
import { html, type TemplateResult } from "lit";
import { defined } from "../../../../base/defined.ts";
import { sizeInWords } from "../../../../base/figures.ts";
import { DEVICE_NAMES } from "../../../../protocol/devices.ts";
import { FEATURES, type Feature } from "../../../../protocol/features.ts";
import type { Job, ModelRow } from "../../../../protocol/panel/models.ts";
import { type App, attempt, refresh } from "../app.ts";
import { selectedRow } from "../state.ts";
import { t } from "../ui/texts.ts";
import { FEATURE_TITLES } from "./feature-titles.ts";
import { duration, percent, stateText } from "./rows.ts";

/** The selected model. */
export function detailsView(app: App): TemplateResult {
  const state = app.state();
  const row = selectedRow(state);
  if (row === undefined)
    return html`<aside class="details" id="details" tabindex="-1" aria-label=${t("Details")}><p>${t("Select a model.")}</p></aside>`;
  const job = state.jobs[row.id];
  const facts = factsOf(row);
  return html`
    <aside class="details" id="details" tabindex="-1" aria-label=${t("Details")}>
      <h2>${row.id}</h2>
      <p class="standing">${stateText(row, undefined) || t("on the hub")}${row.family === "" ? "" : ` · ${row.family}`}</p>
      ${progressView(app, row, job)}
      <div class="buttons">${buttons(app, row, job)}</div>
      ${usesView(app, row)}
      ${
        row.needsFineTuning
          ? html`<p class="hint">${t("Only pre-trained: it fills gaps at best, and does nothing else useful before it is fine-tuned.")}</p>`
          : ""
      }
      ${row.advice ? html`<p class="hint"><strong>${t("Deeper before wider.")}</strong> ${row.advice.text} (${t("beside")} ${link(app, row.advice.than)}; Tay et al. 2021)</p>` : ""}
      <dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
      ${measurementsView(row)} ${qualityView(row)} ${verifiedView(app, row)}
      ${row.notes.map((note) => html`<p class="hint">${note}</p>`)}
    </aside>
  `;
}

function progressView(app: App, { id }: ModelRow, job: Job | undefined): TemplateResult | string {
  if (job?.state === "failed") return html`<p class="failure" role="alert">${job.message ?? t("It failed.")}</p>`;
  if (job?.state !== "running") return "";
  const { doneBytes, totalBytes, bytesPerSecond, secondsLeft } = job;
  const speed = bytesPerSecond ? `, ${sizeInWords(bytesPerSecond)}/s` : "";
  const left = secondsLeft === undefined ? "" : `, ${t("{0} left", duration(secondsLeft))}`;
  const text =
    doneBytes === undefined || totalBytes === undefined
      ? t("Working…")
      : `${t("{0} of {1}", sizeInWords(doneBytes), sizeInWords(totalBytes))}${speed}${left}`;
  return html`
    <div class="progress">
      <vscode-progress-bar
        aria-label=${t("Progress of {0}", id)}
        ?indeterminate=${totalBytes === undefined}
        .value=${totalBytes ? (100 * (doneBytes ?? 0)) / totalBytes : 0}
      ></vscode-progress-bar>
      <span role="status">${percent(job)} ${text}</span>
      <vscode-button secondary @click=${() => attempt(app, () => app.ask({ kind: "stop", id }))}>${t("Stop")}</vscode-button>
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
    const size = row.downloadBytes === null ? "" : ` (${sizeInWords(row.downloadBytes)})`;
    return [
      ...(downloadable
        ? [button(partialBytes === undefined ? `${t("Download")}${size}` : t("Go on downloading"), get, true)]
        : []),
      ...(partialBytes === undefined ? [] : [button(t("Discard what is there"), () => remove(app, id))]),
      ...(downloadable ? [button(t("Open its page"), () => app.ask({ kind: "visit", id }))] : []),
    ];
  }
  const measure = (precision: "int8" | "float32") => async () => {
    await app.ask({ kind: "measure", id, precision, device: "cpu" });
    await refresh(app);
  };
  const verify = async () => app.dispatch({ type: "verified", id, verified: await app.ask({ kind: "verify", id }) });
  const tryIt = async () => {
    app.dispatch({ type: "trial", change: { id } });
    app.dispatch({ type: "page", page: "playground" });
  };
  return [
    button(t("Measure on this machine"), measure("int8")),
    button(t("Measure float32"), measure("float32")),
    button(t("Try it"), tryIt),
    button(t("Verify files"), verify),
    ...(installed.removable
      ? [button(t("Remove ({0})", sizeInWords(installed.sizeBytes)), () => remove(app, id))]
      : []),
  ];
}

async function remove(app: App, id: string): Promise<void> {
  const { freedBytes } = await app.ask({ kind: "remove", id });
  app.dispatch({
    type: "notice",
    notice: { kind: "done", text: t("{0} is removed; {1} are free again.", id, sizeInWords(freedBytes)) },
  });
  await refresh(app);
}

const USES: readonly { readonly title: string; readonly feature: Feature | undefined }[] = [
  { title: t("Everything"), feature: undefined },
  ...FEATURES.map((feature) => ({ title: FEATURE_TITLES[feature], feature })),
];

/** The features that use the model, and buttons that change this. */
function usesView(app: App, { id, installed }: ModelRow): TemplateResult | string {
  const { chosen, list } = app.state();
  if (installed === undefined || chosen === undefined) return "";
  const standard = chosen.model === "" ? list?.builtIn : chosen.model;
  // A setting may have the name or the folder.
  const names = [id, installed.directory];
  // What no model was chosen for, the model for everything does; but questions and labels are for models that were
  // taught them.
  const used = (feature: Feature | undefined) => {
    const ofFeature = feature === undefined ? "" : chosen[feature];
    return names.includes(
      (ofFeature === "" && feature !== "ask" && feature !== "classify" ? standard : ofFeature) ?? "",
    );
  };
  const choose = (feature: Feature | undefined) =>
    attempt(app, async () => {
      // The built-in model is what an empty setting stands for.
      const named = feature === undefined && id === list?.builtIn ? "" : id;
      const question = { kind: "choose", id: named, ...defined({ feature }) } as const;
      app.dispatch({ type: "chosen", chosen: await app.ask(question) });
    });
  return html`
    <div class="uses" role="group" aria-label=${t("Use this model for")}>
      <span>${t("Use for")}</span>
      ${USES.map(
        ({ title, feature }) => html`
          <button class="toggle" aria-pressed=${used(feature) ? "true" : "false"} @click=${() => choose(feature)}>
            ${title}${used(feature) ? " ✓" : ""}
          </button>
        `,
      )}
    </div>
  `;
}

function factsOf(row: ModelRow): readonly (readonly [string, string])[] {
  const stacks =
    row.layers === row.decoderLayers
      ? t("{0} in each stack", row.layers)
      : t("{0} encoder, {1} decoder", row.layers, row.decoderLayers);
  return [
    ...(row.adapterOf === undefined ? [] : [[t("Adapter of"), row.adapterOf] as const]),
    [t("Parameters"), row.parameters?.toLocaleString("en-US") ?? t("unknown: its layers are not published")],
    [t("Layers"), stacks],
    [t("Width"), t("{0}, feed-forward {1} ({2})", row.dModel, row.dFf, row.feedForward)],
    [t("Heads"), t("{0} of {1}", row.heads, row.dKv)],
    [t("Vocabulary"), row.vocabulary.toLocaleString("en-US")],
    ...(row.variant === null ? [] : [[t("Unlike T5"), row.variant] as const]),
    ...(row.memoryBytes === null
      ? []
      : [
          [
            t("Memory"),
            `int8 ${sizeInWords(row.memoryBytes.int8)}, float32 ${sizeInWords(row.memoryBytes.float32)}`,
          ] as const,
        ]),
    [t("Work"), t("{0} GFLOP for 512 tokens in, 64 out", (row.flops / 1e9).toFixed(1))],
    [t("License"), row.license],
    [
      t("Source"),
      row.family === "built-in"
        ? t("comes with Spanfill")
        : (row.installed?.directory ?? (row.downloadable ? t("the Hugging Face hub") : (row.bucket ?? t("unknown")))),
    ],
    ...(row.shapeFrom === "config" ? [] : [[t("Shape known from"), SHAPES[row.shapeFrom]] as const]),
    ...(row.seen ? [] : [[t("Name"), t("follows the others' pattern; its page was not seen")] as const]),
  ];
}

const SHAPES = {
  config: t("its config.json"),
  trace: t("a traced graph"),
  size: t("its file's size"),
  name: t("its name"),
  guess: t("a guess from the code that trained it"),
} as const;

function measurementsView({ measurements }: ModelRow): TemplateResult | string {
  if (measurements.length === 0) return "";
  return html`
    <h3>${t("Measured on this machine")}</h3>
    <table class="small">
      <thead><tr>${[t("Precision"), t("Load"), t("First token"), t("Tokens/s"), t("Memory")].map((head) => html`<th>${head}</th>`)}</tr></thead>
      <tbody>
        ${measurements.map(
          (measurement) => html`<tr>
            <td>${measurement.precision}, ${DEVICE_NAMES[measurement.device]}</td>
            <td>${Math.round(measurement.loadMs)} ms</td>
            <td>${Math.round(measurement.firstTokenMs)} ms</td>
            <td>${Math.round(measurement.tokensPerSecond)}</td>
            <td>${measurement.memoryBytes === undefined ? "" : sizeInWords(measurement.memoryBytes)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  `;
}

function qualityView({ quality }: ModelRow): TemplateResult | string {
  if (quality.length === 0) return "";
  return html`
    <h3>${t("Quality")}</h3>
    <dl>${quality.map(({ metric, value, source }) => html`<dt>${metric}</dt><dd>${value} <span class="source">${source}</span></dd>`)}</dl>
  `;
}

function verifiedView(app: App, { id }: ModelRow): TemplateResult | string {
  const files = app.state().verified[id]?.files;
  if (files === undefined) return "";
  const words = (intact: boolean | null) =>
    intact === null ? t("no checksum is known") : intact ? t("intact") : t("DAMAGED");
  return html`
    <h3>${t("Files")}</h3>
    <dl>${files.map(({ name, intact }) => html`<dt>${name}</dt><dd class=${intact === false ? "failure" : ""}>${words(intact)}</dd>`)}</dl>
  `;
}

function link(app: App, id: string): TemplateResult {
  return html`<button class="link" @click=${() => app.dispatch({ type: "select", id })}>${id.replace(/^google\/t5-efficient-/, "")}</button>`;
}
