/** The playground: a text, settings, and what one model or two side by side make of it, token by token. */
import { html, type TemplateResult } from "lit";
import { percent } from "../../../../base/figures.ts";
import { reason } from "../../../../base/reason.ts";
import { questionInput, TASK_PREFIXES } from "../../../../protocol/task-prefixes.ts";
import type { App } from "../app.ts";
import type { Trial, TrialResult } from "../state.ts";
import { t } from "../ui/texts.ts";
import { choice, inputValue, numberField } from "../ui/widgets.ts";

/**
 * T5's own tasks, with the prefixes it was trained with.
 * @see text-to-text-transfer-transformer, t5/data/preprocessors.py
 */
const EXAMPLES: readonly { readonly title: string; readonly prefix: string; readonly text: string }[] = [
  {
    title: t("Summarize"),
    prefix: TASK_PREFIXES.summarize,
    text: "The harbor was built in 1862, when the railway reached the coast and merchants needed a place to load coal. Two long walls of granite keep out the winter storms. Today the coal ships are gone, and the old warehouses have become workshops and flats.",
  },
  {
    title: t("Fill gaps (sentinels)"),
    prefix: "",
    text: "The <extra_id_0> was built in 1862, when the railway reached the <extra_id_1>.",
  },
  { title: t("Translate to German"), prefix: "translate English to German: ", text: "The house is wonderful." },
  { title: t("Translate to French"), prefix: "translate English to French: ", text: "The house is wonderful." },
  { title: t("Is it a sentence? (CoLA)"), prefix: "cola sentence: ", text: "The course is jumping well." },
  {
    title: t("Good or bad? (SST-2)"),
    prefix: "sst2 sentence: ",
    text: "it confirms fincher ’s status as a film maker",
  },
  {
    title: t("Answer from a text (SQuAD)"),
    prefix: "",
    text: questionInput(
      "When was the harbor built?",
      "The harbor was built in 1862, when the railway reached the coast.",
    ),
  },
];

/** The page. */
export function playgroundPage(app: App): TemplateResult {
  const { trial, list, trying, results } = app.state();
  const installed = list?.models.filter((row) => row.installed !== undefined) ?? [];
  const change = (part: Partial<Trial>) => app.dispatch({ type: "trial", change: part });
  const names = installed.map(({ id }) => ({ value: id, text: id }));
  const examples = [
    { value: "", text: t("An example…") },
    ...EXAMPLES.map(({ title }) => ({ value: title, text: title })),
  ];
  const ready = trial.id !== "" && trial.text.trim() !== "" && !trying;
  return html`
    <div class="trial">
      <div class="inputs">
        <div class="bar">
          <div class="field"><span>${t("Model")}</span>${choice(t("Model"), trial.id, names, (id) => change({ id }))}</div>
          <div class="field">
            <span>${t("Beside it")}</span>${choice(t("Model beside it"), trial.other, [{ value: "", text: t("none") }, ...names], (other) => change({ other }))}
          </div>
          <div class="field">
            <span>${t("Precision")}</span>${choice(
              t("Precision"),
              trial.precision,
              [
                { value: "int8", text: "int8" },
                { value: "float32", text: "float32" },
              ],
              (precision) => change({ precision }),
            )}
          </div>
          ${choice(t("Examples"), "", examples, (title) => {
            const example = EXAMPLES.find((each) => each.title === title);
            if (example !== undefined) change({ prefix: example.prefix, text: example.text });
          })}
        </div>
        <label class="field wide">
          <span>${t("Prefix")}</span>
          <input type="text" .value=${trial.prefix} @input=${(event: Event) => change({ prefix: inputValue(event) })} />
        </label>
        <label class="field wide">
          <span>${t("Text")}</span>
          <textarea
            rows="8"
            .value=${trial.text}
            @input=${(event: Event) => change({ text: inputValue(event) })}
            @keydown=${(event: KeyboardEvent) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && ready) void run(app);
            }}
          ></textarea>
        </label>
        <div class="bar">
          ${numberField(t("Tokens at most"), trial.maxNewTokens, { min: 1, max: 1024 }, (maxNewTokens) => change({ maxNewTokens }))}
          ${numberField(t("Beams"), trial.numBeams, { min: 1, max: 16 }, (numBeams) => change({ numBeams }))}
          ${numberField(t("Temperature"), trial.temperature, { min: 0, max: 5, step: 0.1 }, (temperature) => change({ temperature }))}
          ${numberField(t("No repeated n-gram of"), trial.noRepeatNgramSize, { min: 0, max: 20 }, (noRepeatNgramSize) => change({ noRepeatNgramSize }))}
          ${numberField(t("Alternatives"), trial.alternatives, { min: 0, max: 8 }, (alternatives) => change({ alternatives }))}
          <vscode-button ?disabled=${!ready} @click=${() => run(app)}>${trying ? t("Running…") : t("Run")}</vscode-button>
        </div>
      </div>
      <div class="outputs" role="status" aria-live="polite">
        ${results.length === 0 ? html`<p class="hint">${t("Type a text and run it (Ctrl+Enter). Each token is shaded by how unsure the model was of it.")}</p>` : ""}
        ${results.map(resultView)}
      </div>
    </div>
  `;
}

async function run(app: App): Promise<void> {
  const { id, other, precision, prefix, text, ...settings } = app.state().trial;
  app.dispatch({ type: "trying" });
  const results: TrialResult[] = [];
  // One after the other: at the same time each would slow the other.
  for (const each of other === "" ? [id] : [id, other]) {
    try {
      const generated = await app.ask({ kind: "generate", id: each, precision, text: prefix + text, ...settings });
      results.push({ id: each, generated });
    } catch (error) {
      results.push({ id: each, failure: reason(error) });
    }
  }
  app.dispatch({ type: "tried", results });
}

function resultView({ id, generated, failure }: TrialResult): TemplateResult {
  if (generated === undefined)
    return html`<section class="result"><h2>${id}</h2><p class="failure">${failure}</p></section>`;
  const { sequences, inputTokens, encodeMs, firstTokenMs, totalMs, loadMs } = generated;
  const count = sequences[0]?.tokens.length ?? 0;
  const speed = totalMs > encodeMs ? `, ${t("{0} tokens/s", Math.round((1000 * count) / (totalMs - encodeMs)))}` : "";
  return html`
    <section class="result">
      <h2>${id}</h2>
      ${sequences.map(({ tokens, score }, i) => {
        const least = tokens.toSorted((a, b) => a.probability - b.probability)[0];
        return html`
          ${i === 1 ? html`<h3>${t("Alternatives")}</h3>` : ""}
          <p class="tokens">${tokens.map(tokenView)}</p>
          <p class="hint">
            ${t("score {0}", score.toFixed(2))}${least === undefined ? "" : `, ${t("least sure of “{0}” ({1}%)", least.text.trim(), Math.round(100 * least.probability))}`}
          </p>
        `;
      })}
      <p class="hint">
        ${t("{0} tokens in, {1} out: first after {2} ms, all in {3} ms", inputTokens, count, Math.round(firstTokenMs), Math.round(totalMs))}${speed}${
          loadMs > 50 ? `; ${t("loading took {0} ms", Math.round(loadMs))}` : ""
        }
      </p>
    </section>
  `;
}

/** A token on its shade; the probability itself shows under the mouse. */
function tokenView({ text, probability }: { readonly text: string; readonly probability: number }): TemplateResult {
  const shade = Math.min(9, Math.floor(10 * probability));
  return html`<span class="p${shade}" title="${percent(probability, 1)}">${text}</span>`;
}
