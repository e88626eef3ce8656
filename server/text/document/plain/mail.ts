/** Reads e-mails: the subject and what the sender wrote, without headers, greetings, signatures and quoted mails. */
import { type Block, plainBlock, proseBlock } from "../block.ts";
import type { Line } from "../source.ts";

const HEADER =
  /^(From|To|Cc|Bcc|Subject|Date|Reply-To|Message-ID|In-Reply-To|References|Return-Path|Received|Delivered-To|MIME-Version|Content-[\w-]+|X-[\w-]+|List-[\w-]+|DKIM-Signature|User-Agent|Sent|Von|An|Betreff|Datum|Gesendet|De|À|Objet|Envoyé): /i;

/** Whether lines are the headers of a mail, or of one of its parts. */
export function isHeaders(lines: readonly Line[]): boolean {
  const own = lines.filter((line, i) => !(i === 0 && /^(From \S+ |--\S)/.test(line.text)));
  return (
    own.length >= (own.length < lines.length ? 1 : 2) &&
    HEADER.test(own[0]?.text ?? "") &&
    own.every(({ text, indent }) => HEADER.test(text) || indent > 0)
  );
}

/** The headers, of which the subject is the mail's heading. */
export function headerBlocks(text: string, lines: readonly Line[]): Block[] {
  const [first, last] = [lines[0], lines.at(-1)];
  if (first === undefined || last === undefined) return [];
  const at = lines.findIndex((line) => SUBJECT.test(line.text));
  const subject = lines[at];
  const headers = (start: number, end: number) => plainBlock("directive", start, end, { name: "headers" });
  if (subject === undefined) return [headers(first.start, last.end)];
  let end = at;
  while ((lines[end + 1]?.indent ?? 0) > 0) end += 1;
  const from = subject.start + (SUBJECT.exec(subject.text)?.[0].length ?? 0);
  const to = lines[end]?.end ?? subject.end;
  const before = at > 0 ? [headers(first.start, lines[at - 1]?.end ?? first.end)] : [];
  const after = end + 1 < lines.length ? [headers(lines[end + 1]?.start ?? to, last.end)] : [];
  const heading = proseBlock({ kind: "heading", level: 1, start: from, end: to }, (builder) =>
    builder.add(text, from, to),
  );
  return [...before, heading, ...after];
}

const SUBJECT = /^(?:Subject|Betreff|Objet): *(?:(?:Re|Fwd?|AW|WG|TR)(?:\[\d+\])?: *|\[(?:PATCH|RFC)[^\]]{0,40}\] *)*/i;

/** Lines that introduce a quoted mail, in one line or two. */
const ATTRIBUTION =
  /^(?:(?:On|Am|Le|El|Il|Em|Op) .{6,200}(?:wrote|writes|schrieb|a écrit|escribió|ha scritto|escreveu|schreef)\b.{0,120}:|.{1,120}<[^<>\s@]+@[^<>\s@]+>.{0,60}(?:wrote|schrieb|a écrit)\b.{0,60}:|(?:> ?)*-{2,} ?(?:Original Message|Forwarded message|Ursprüngliche Nachricht).{0,60})$/i;
const GREETING =
  /^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|liebe[rs]?|sehr geehrte[rs]?|guten (?:tag|morgen)|moin|bonjour|cher|chère|hola|estimad[oa]s?|ciao|gentile)\b.{0,60}[,!.:]$/i;
const CLOSING =
  /^(?:(?:with )?(?:best|kind|warm|many)?\s*(?:regards|wishes|greetings)|best|cheers|thanks(?: (?:a lot|again|in advance))?|thank you|sincerely|yours (?:sincerely|truly|faithfully)|take care|mit freundlichen grüßen|(?:viele|liebe|beste|schöne) grüße|mfg|cordialement|bien à vous|saludos|un saludo|cordiali saluti)\s*[,.!]?$/i;

/** The mark above a signature. */
const SIGNATURE = /^--\s*$/;

/**
 * Whether a paragraph of plain text is part of a letter's form: a greeting, a closing, a signature, or the line that
 * introduces a quoted mail.
 */
export function isForm(lines: readonly Line[]): boolean {
  const [first] = lines;
  if (first === undefined) return false;
  const head = first.text.trim();
  if (SIGNATURE.test(head) || lines.every(({ text }) => /^[A-Z][\w-]+-by: \S/.test(text))) return true;
  if (lines.length === 1 && GREETING.test(head)) return true;
  // The signature's mark ends the closing, whatever follows it.
  const mark = lines.findIndex(({ text }) => SIGNATURE.test(text));
  const closing = mark < 0 ? lines : lines.slice(0, mark);
  if (CLOSING.test(head) && closing.length <= 5 && closing.every(({ text }) => text.length <= 60)) return true;
  return lines.length <= 3 && ATTRIBUTION.test(lines.map(({ text }) => text.trim()).join(" "));
}

/** Whether a line is one that quoted mail stands in. */
export function isQuotedLine(line: Line): boolean {
  return /^\s{0,3}>/.test(line.text);
}

/** Base64 of an attachment. */
export function isEncoded(lines: readonly Line[]): boolean {
  return lines.length >= 2 && lines.slice(0, -1).every(({ text }) => /^[\w+/=]{56,}$/.test(text));
}
