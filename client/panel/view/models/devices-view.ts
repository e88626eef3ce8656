/**
 * The devices on which models can run here, their measurements, and the settings that choose among them.
 */
import { html, type TemplateResult } from "lit";
import { sizeInWords } from "../../../../base/figures.ts";
import { DEVICE_NAMES, DEVICES, type DeviceReport } from "../../../../protocol/devices.ts";
import { FEATURES, type Feature } from "../../../../protocol/features.ts";
import type { ModelRow } from "../../../../protocol/panel/models.ts";
import { type App, attempt, refresh } from "../app.ts";
import { hostOfText, selectedRow } from "../state.ts";
import { t } from "../ui/texts.ts";
import { choice, numberField } from "../ui/widgets.ts";
import { FEATURE_TITLES } from "./feature-titles.ts";

const PRECISIONS = ["int8", "float32"] as const;
type Precision = (typeof PRECISIONS)[number];

/** The section. */
export function devicesView(app: App): TemplateResult {
  const { devices, list } = app.state();
  const row = selectedRow(app.state());
  if (devices === undefined || row === undefined)
    return html`<p class="waiting" role="status">${list === undefined ? t("Looking for models…") : t("Looking for devices…")}</p>`;
  const { device, reason } = devices.choice;
  const host = hostOfText(app.state());
  return html`
    <section class="devices" id="devices" aria-label=${t("Devices")}>
      ${settingsView(app)}
      ${host === undefined ? "" : serverView(app, host)}
      <p><strong>${t("{0} runs on {1}", row.id, DEVICE_NAMES[device])}</strong>: ${reason}.</p>
      <table>
        <caption class="unseen">${t("Devices, and what was measured on them with {0}", row.id)}</caption>
        <thead><tr><th scope="col">${t("Device")}</th>${PRECISIONS.map((precision) => html`<th scope="col">${precision}</th>`)}</tr></thead>
        <tbody>${devices.found.map((report) => deviceRow(app, row, report))}</tbody>
      </table>
      <p class="hint">
        ${row.installed === undefined ? t("Download {0} to measure it.", row.id) : t("Measured with {0}: 512 tokens in, 64 out. Pick another model in the table to measure that.", row.id)}
        ${t("int8 is the CPU's alone: its kernels are made for it.")}
      </p>
      <vscode-button secondary @click=${() => loadDevices(app, true)}>${t("Look again")}</vscode-button>
      <vscode-button secondary id="set-server" @click=${() => setServer(app)}>${t("Set Server...")}</vscode-button>
    </section>
  `;
}

/** A line that says what leaves this machine, and the choice of it by task. */
function serverView(app: App, host: string): TemplateResult {
  const sent = app.state().chosen?.serverFeatures ?? [];
  const set = (feature: Feature, on: boolean) =>
    attempt(app, async () => {
      const serverFeatures = FEATURES.filter((each) => (each === feature ? on : sent.includes(each)));
      app.dispatch({ type: "chosen", chosen: await app.ask({ kind: "configure", serverFeatures }) });
    });
  return html`
    <p id="goes" role="status"><strong>${sent.length === 0 ? t("nothing is sent: no task is chosen for {0}", host) : t("text goes to {0}", host)}</strong></p>
    <fieldset id="server-features">
      <legend>${t("Tasks of the server; the CPU does the others")}</legend>
      ${FEATURES.map(
        (feature) => html`<label
          ><input
            type="checkbox"
            data-feature=${feature}
            .checked=${sent.includes(feature)}
            @change=${({ currentTarget }: Event) => set(feature, currentTarget instanceof HTMLInputElement && currentTarget.checked)}
          />
          ${FEATURE_TITLES[feature]}</label
        >`,
      )}
      <p class="hint">${t("Of these tasks the token ids of your text are sent, which decode to it. Fine-tuning asks in each run where it is done.")}</p>
    </fieldset>
  `;
}

/** Lets a person name a server, and tries the connection. */
async function setServer(app: App): Promise<void> {
  await attempt(app, async () => {
    app.dispatch({ type: "chosen", chosen: await app.ask({ kind: "server" }) });
  });
  await loadDevices(app, true);
}

/** Asks what there is, and what the selected model runs on. @param again whether to try the devices anew */
export async function loadDevices(app: App, again = false): Promise<void> {
  const id = app.state().selected;
  const devices = await attempt(app, () => app.ask({ kind: "devices", id, again }));
  if (devices !== undefined) app.dispatch({ type: "devices", id, devices });
}

function settingsView(app: App): TemplateResult | string {
  const { chosen } = app.state();
  if (chosen === undefined) return "";
  const set = (change: { device?: typeof chosen.device; precision?: Precision; threads?: number }) =>
    attempt(app, async () => {
      app.dispatch({ type: "chosen", chosen: await app.ask({ kind: "configure", ...change }) });
    });
  const devices = [
    { value: "auto", text: t("Automatic: the quickest measured") } as const,
    ...DEVICES.map((value) => ({ value, text: DEVICE_NAMES[value] })),
  ];
  const precisions = [
    { value: "int8", text: t("int8: smaller and quicker") },
    { value: "float32", text: t("float32: as published") },
  ] as const;
  return html`
    <div class="axes">
      <div class="field"><span>${t("Device")}</span>${choice(t("Device"), chosen.device, devices, (device) => set({ device }), "device")}</div>
      <div class="field"><span>${t("Precision")}</span>${choice(t("Precision"), chosen.precision, precisions, (precision) => set({ precision }), "precision")}</div>
      ${numberField(t("Threads (0: all cores)"), chosen.threads, { min: 0, max: 256 }, (threads) => set({ threads: Math.round(threads) }))}
    </div>
  `;
}

const STATES = { usable: t("usable"), missing: t("missing"), failed: t("failed") } as const;

function deviceRow(app: App, row: ModelRow, { device, state, detail }: DeviceReport): TemplateResult {
  const cell = (precision: Precision) =>
    html`<td data-precision=${precision}>${device !== "cpu" && precision === "int8" ? "" : measurementView(app, row, device, precision, state === "usable")}</td>`;
  return html`
    <tr data-device=${device} data-state=${state}>
      <th scope="row">${DEVICE_NAMES[device]} <span class=${state === "failed" ? "failure" : "standing"}>${STATES[state]}</span></th>
      ${PRECISIONS.map(cell)}
    </tr>
    <tr class="detail"><td colspan="3" class="hint">${detail}</td></tr>
  `;
}

function measurementView(
  app: App,
  row: ModelRow,
  device: DeviceReport["device"],
  precision: Precision,
  usable: boolean,
): TemplateResult {
  const measurement = row.measurements.find(
    (candidate) => candidate.device === device && candidate.precision === precision,
  );
  const measure = async () => {
    await app.ask({ kind: "measure", id: row.id, precision, device });
    await refresh(app);
  };
  const name = t("Measure {0} on {1}", precision, DEVICE_NAMES[device]);
  return html`
    ${
      measurement === undefined
        ? ""
        : html`
          <div>${t("{0} tokens/s", Math.round(measurement.tokensPerSecond))}</div>
          <div>${t("first token {0} ms", Math.round(measurement.firstTokenMs))}</div>
          <div>${t("load {0} ms", Math.round(measurement.loadMs))}${measurement.memoryBytes === undefined ? "" : `, ${sizeInWords(measurement.memoryBytes)}`}</div>
        `
    }
    ${
      usable && row.installed !== undefined
        ? html`<vscode-button
            secondary
            aria-label=${name}
            title=${name}
            ?disabled=${app.state().jobs[row.id]?.state === "running"}
            @click=${() => attempt(app, measure)}
            >${t("Measure")}</vscode-button
          >`
        : ""
    }
  `;
}
