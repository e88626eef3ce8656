/** The tasks that the page offers, with what a person needs to choose one. */
import type { Feature } from "../../../../../protocol/features.ts";
import { TASK_PREFIXES } from "../../../../../protocol/task-prefixes.ts";
import { t } from "../../ui/texts.ts";

/** A task to be learned. */
export interface TuningTask {
  readonly name: string;
  readonly title: string;
  /** One sentence each. */
  readonly learns: string;
  readonly data: string;
  /** The roles of the columns; empty for plain texts. */
  readonly roles: readonly string[];
  /** Stands before every input unless the model or the user says otherwise. */
  readonly prefix: string;
  /** The feature of the editor that can use the model. */
  readonly feature?: Feature;
}

/** In the order of the page. */
export const TUNING_TASKS: readonly TuningTask[] = [
  {
    name: "summarize",
    title: t("Summaries"),
    learns: t("Learns to say in a sentence or two what a text says."),
    data: t("Rows with a text and its summary; or a folder of Markdown files whose front matter has a description."),
    roles: ["text", "summary"],
    prefix: TASK_PREFIXES.summarize,
    feature: "summarize",
  },
  {
    name: "title",
    title: t("Titles"),
    learns: t("Learns to give a text its heading."),
    data: t("Rows with a text and its title; or a folder of Markdown files, whose sections have headings."),
    roles: ["text", "title"],
    prefix: TASK_PREFIXES.title,
  },
  {
    name: "qa",
    title: t("Answers from a text"),
    learns: t("Learns to answer a question with words of the text that comes with it."),
    data: t("Rows with a question, a context and the answers, as SQuAD has them."),
    roles: ["question", "context", "answers"],
    prefix: "",
    feature: "ask",
  },
  {
    name: "classify",
    title: t("Labels"),
    learns: t("Learns to sort texts into a few classes, such as topics or intents."),
    data: t("Rows with a text and its label; some dozens of each label at least."),
    roles: ["text", "label"],
    prefix: TASK_PREFIXES.classify,
    feature: "classify",
  },
  {
    name: "infill",
    title: t("Adapt to this workspace"),
    learns: t("Learns to fill gaps with the words and phrases that your own texts use."),
    data: t(
      "Plain texts: a folder, such as this workspace, or a file. Gaps are made by chance; nothing needs a label.",
    ),
    roles: [],
    prefix: "",
    feature: "infill",
  },
  {
    name: "text",
    title: t("Any text to any other"),
    learns: t("Learns whatever your pairs show: rewriting, translating, extracting."),
    data: t("Rows with an input and a target; or several columns that a template makes into the input."),
    roles: ["input", "target"],
    prefix: "",
  },
];

/** A task by its name; undefined for those that only the command line offers. */
export function tuningTask(name: string): TuningTask | undefined {
  return TUNING_TASKS.find((task) => task.name === name);
}
