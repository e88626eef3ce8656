/**
 * The words around an input that name its task, as T5 was trained with them (t5/data/preprocessors.py), and Spanfill's
 * models likewise.
 */

/** The prefixes of tasks whose input is one text. A model's own, in its spanfill.json, come first. */
export const TASK_PREFIXES = { summarize: "summarize: ", title: "title: ", classify: "classify: " } as const;

/** The input of a question about a text. */
export function questionInput(question: string, context: string): string {
  return `question: ${question} context: ${context}`;
}
