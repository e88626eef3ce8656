/** Finds what Obsidian and its plug-ins write behind the words of a task or paragraph. */

/** Where the words of a task end: before its dates, priorities, fields, tags and anchor. */
export function withoutTaskFields(text: string, start: number, end: number): number {
  const from = Math.max(start, end - MOST_FIELD_CHARACTERS);
  return from + (TASK_FIELDS.exec(text.slice(from, end))?.index ?? end - from);
}

/** Where the sentences of a paragraph end: before its tags. */
export function withoutTags(text: string, start: number, end: number): number {
  const from = Math.max(start, end - MOST_FIELD_CHARACTERS);
  return from + (TAGS.exec(text.slice(from, end))?.index ?? end - from);
}

const TAGS = /(?<=[.!?…][)"”’]?)(?:[ \t\n]+#\p{L}[\p{L}\p{N}_/-]*)+\s*$/u;
const MOST_FIELD_CHARACTERS = 300;
const TASK_FIELDS = new RegExp(
  `(?:\\s+(?:${[
    "[📅⏳🛫✅❌➕]\\uFE0F? ?\\d{4}-\\d\\d-\\d\\d",
    "[🔺⏫🔼🔽⏬]\\uFE0F?",
    "🔁\\uFE0F? ?every [a-z0-9 ,]{1,40}[a-z0-9]",
    "🏁 ?\\w+",
    "(?:🆔|⛔) ?[\\w,-]+",
    "#[\\p{L}\\p{N}_/-]+",
    "[[(][\\p{L}\\w -]{1,30}:: ?[^\\])]{0,60}[\\])]",
    "\\^[\\w-]+",
  ].join("|")}))+\\s*$`,
  "u",
);
