/** README.md of a trained model: data, settings, curves, and the task's metrics before and after. */
import { basename, resolve } from "node:path";
import { table } from "../../../../base/table.ts";
import { parameterCount } from "../../../../models/t5/weights.ts";
import type { Evaluation } from "../../../../protocol/training.ts";
import { readManifest } from "../../../catalog/installed.ts";
import type { PreparedLearner } from "../../step/learner.ts";
import { learnedCount } from "../room.ts";
import { bestOf, type TrainRun } from "../run.ts";
import type { Progress } from "../state.ts";

/** Hugging Face's names for what a model does. */
const pipelines: Readonly<Record<string, string>> = table({
  summarize: "summarization",
  qa: "question-answering",
  squad: "question-answering",
  classify: "text-classification",
});

/** The card as Markdown, with the hub's front matter. */
export function modelCard(run: TrainRun, learner: PreparedLearner, progress: Progress, done: boolean): string {
  const { base, out, dataset, settings, task, method } = run;
  const { evaluations, step } = progress;
  const best = bestOf(evaluations);
  const [before = best] = evaluations;
  const { id, languages } = readManifest(base);
  const learned = learnedCount(learner.config, method);
  const apart = method.kind === "bottleneck";
  const isMetro = method.kind === "full" && method.metro !== undefined;
  const share = Math.min(100, (100 * learned) / parameterCount(learner.config)).toFixed(1);
  const header = ["step", "training loss", "validation loss", ...metricNames(evaluations)];
  const rows = evaluations.map((one) => [
    String(one.step),
    one.loss?.toFixed(4) ?? "",
    one.validation.toFixed(4),
    ...metricNames(evaluations).map((name) => figure(one, name)),
  ]);
  return `---
library_name: ${apart ? "adapter-transformers" : "transformers"}
pipeline_tag: ${pipelines[task.name] ?? "text2text-generation"}
base_model: ${JSON.stringify(id)}
language: [${languages.join(", ")}]
tags: [t5, spanfill]
---

# ${basename(resolve(out))}

${id}, trained for the task "${task.name}" with Spanfill. ${done ? `The weights are those of step ${best.step} of ${step}, the best on examples that were kept out.` : "The run is not finished."}

| on ${Math.min(settings.judged, dataset.judged.length)} examples kept out | ${id} | this model |
|---|---|---|
${metricNames([before, best])
  .map((name) => `| ${name}, % (95% interval) | ${figure(before, name)} | ${figure(best, name)} |`)
  .join("\n")}
| loss, nats a token (all ${dataset.validation.length} examples) | ${before.validation.toFixed(4)} | ${best.validation.toFixed(4)} |

## Data

${run.data}: ${dataset.count} examples to learn from, ${dataset.validation.length} kept out by their source.
${[...run.notes, ...dataset.notes].map((note) => `- ${note}\n`).join("")}
## Method

${run.reason} ${learned.toLocaleString("en")} parameters (${share}%) were learned.${run.modes === undefined ? "" : " UL2's denoisers made the gaps: R short ones, S the end of a text, X long or many ones."}${isMetro ? " METRO's objective: a generator replaced words, which the model learned to find and to correct. The generator and the detector that learned along are not in the model." : ""}${progress.rollbacks > 0 ? ` The learning rate was lowered ${progress.rollbacks} times because the loss was not a number.` : ""}

\`\`\`json
${JSON.stringify({ method, ...settings }, null, 2)}
\`\`\`

## Curve

| ${header.join(" | ")} |
|${header.map(() => "---").join("|")}|
${rows.map((row) => `| ${row.join(" | ")} |`).join("\n")}

TensorBoard reads the folder \`runs\`.
${confusionTable(best)}
## What it writes

${best.samples.map(({ input, target, output }) => `> ${quoted(input)}\n\n- written: ${quoted(output)}\n- right: ${quoted(target)}\n`).join("\n")}
## Use

\`\`\`sh
spanfill generate --model ./${basename(resolve(out))} --input "${(Object.values(run.prefixes)[0] ?? "").replaceAll('"', "'")}..."
\`\`\`

${pythonUse(basename(resolve(out)), id, apart)}`;
}

/** How Python loads the result: a model, or an adapter apart from its base. */
function pythonUse(name: string, base: string, apart: boolean): string {
  const lines = apart
    ? [
        "import adapters",
        "from transformers import T5ForConditionalGeneration",
        `model = T5ForConditionalGeneration.from_pretrained("${base}")`,
        "adapters.init(model)",
        `model.load_adapter("${name}", set_active=True, use_safetensors=True)`,
      ]
    : [
        "from transformers import AutoTokenizer, T5ForConditionalGeneration",
        `tokenizer = AutoTokenizer.from_pretrained("${name}")`,
        `model = T5ForConditionalGeneration.from_pretrained("${name}")`,
      ];
  return `\`\`\`python\n${lines.join("\n")}\n\`\`\`\n`;
}

/** Metrics of the whole; those of each label have names with blanks. */
function metricNames(evaluations: readonly Evaluation[]): string[] {
  return [...new Set(evaluations.flatMap(({ metrics }) => Object.keys(metrics)))].filter((name) => !name.includes(" "));
}

function figure({ metrics }: Evaluation, name: string): string {
  const interval = metrics[name];
  if (interval == null) return "";
  const { mean, low, high } = interval;
  return `${(100 * mean).toFixed(1)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
}

function confusionTable({ confusion }: Evaluation): string {
  if (confusion === undefined) return "";
  const { labels, counts } = confusion;
  const rows = counts.map((row, i) => `| ${[quoted(labels[i] ?? ""), ...row].join(" | ")} |`);
  return `\n## What was taken for what\n\n| true label \\ said | ${labels.map(quoted).join(" | ")} |\n|${"---|".repeat(labels.length + 1)}\n${rows.join("\n")}\n`;
}

function quoted(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
