/** Finds what Obsidian's plug-ins write behind a task's words. */

/** Where the words of a task end: before its dates, priorities, fields, tags and anchor. */
export function withoutTaskFields(text: string, start: number, end: number): number {
  const from = Math.max(start, end - MOST_FIELD_CHARACTERS);
  return from + (TASK_FIELDS.exec(text.slice(from, end))?.index ?? end - from);
}

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
