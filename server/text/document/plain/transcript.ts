/** Tells who says what in transcripts and chats: "Ada (00:12): ...", "[00:12] Ada: ...", "00:12 <ada> ...". */
import type { Line } from "../source.ts";

const TIME = "[\\[(]?\\d{1,2}:\\d\\d(?::\\d\\d)?(?:[.,]\\d{1,3})?(?: ?[AP]M)?[\\])]?";
const NAME = "\\p{Lu}[\\p{L}\\d.'’-]{0,30}(?: [\\p{L}\\d.'’-]{1,30}){0,3}";
const SPOKEN = new RegExp(
  `^\\s*(?:${TIME}(?: [-–]+)? (?:<[^<>]{1,40}>|${NAME}:)|${NAME},? ${TIME}:|${NAME} \\(${TIME}\\):?)(?:\\s+|$)`,
  "u",
);
/** A name and a time on a line without anything else, above what is said. */
const ANNOUNCED = new RegExp(`^\\s*(?:${NAME},?\\s+${TIME}|${TIME}\\s+${NAME}:?)\\s*$`, "u");

/** The length of a line's time and speaker, with the white space after them; 0 where it has none. */
export function spokenMark({ text }: Line): number {
  return SPOKEN.exec(text)?.[0].length ?? 0;
}

/** Whether a line names only who says what follows, and when. */
export function isAnnounced({ text }: Line): boolean {
  return ANNOUNCED.test(text);
}

/** Whether most lines of a text are those of a transcript. */
export function isTranscript(lines: readonly Line[]): boolean {
  const full = lines.slice(0, MOST_LINES).filter(({ text }) => text.trim() !== "");
  return full.length > 0 && full.filter((line) => spokenMark(line) > 0).length > full.length / 2;
}

const MOST_LINES = 400;
