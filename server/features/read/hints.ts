/** Leaves out of a document's prose what its template says to those who fill it in, and notices around an article. */
import type { Prose, ProseBlock } from "../../text/document.ts";
import { sentenceSpans, sentencesOf } from "../../text/sentences.ts";
import { LABEL } from "./judge.ts";

/**
 * Leaves out the sentences that only templates have. In a template also those that ask the reader to write something,
 * its headings, and its lists of boxes, ticked or not.
 * @param text the document's
 */
export function withoutHints(text: string, blocks: readonly ProseBlock[]): readonly ProseBlock[] {
  const labels = blocks.filter(({ prose, within }) => within === undefined && LABEL.test(prose.text));
  const distinct = new Set(labels.map(({ prose }) => prose.text.toLowerCase()));
  const isTemplate =
    distinct.size >= LEAST_LABELS ||
    labels.some(({ prose }) => FORM_LABEL.test(prose.text)) ||
    blocks.some(({ prose }) => sentencesOf(prose.text, "en").some(isHint));
  if (!isTemplate) return blocks;
  const written = blocks.filter(({ block, prose }) =>
    block.kind === "heading" ? !LABEL.test(prose.text) : !/^\[[ xX]\]/.test(text.slice(block.start, block.start + 3)),
  );
  return withoutSentences(written, isAsked);
}

/** Leaves out bylines, notices, references, and what changelogs and pages say of themselves. */
export function withoutNotices(blocks: readonly ProseBlock[]): ProseBlock[] {
  return withoutSentences(blocks, isOneOf([NOTICE]));
}

const LEAST_LABELS = 3;

/** Those that only templates have. */
const FORM_LABEL =
  /^(?:describe the (?:bug|solution you'd like)|is your feature request related to a problem\?.*|describe alternatives you've considered|how has this been tested\??|what does this (?:mr|pr|merge request|pull request) do\b.*)$/i;

const OF_WHAT =
  "(?:[a-z]+,? ){0,4}?(?:summary|descriptions?|explanation|overview|list|details?) of (?:the|your|you|what|why|how|any|all|a|this)";
const ASKS = "(?:include|provide|write|add|give|insert|describe|explain|list|specify|summari[sz]e|detail|state|enter)";

/** Sentences that only templates have. */
const HINT = new RegExp(
  [
    `^(?:an? )?(?:clear|short|brief|concise|one[- ]paragraph|high[- ]level)\\b(?:,? (?:and|or|but|clear|short|brief|concise|simple))* (?:summary|description|explanation|overview|title) (?:of|for) (?:the|your|what|why|how|any)\\b`,
    "^one paragraph explanation of the feature",
    "^if applicable, (?:add|include|attach|provide|please)\\b",
    "^add any other (?:context|information|notes|details)\\b",
    `^please (?:${ASKS}|also include|tell us) (?:us )?(?:an? |the )?${OF_WHAT}`,
    "^please (?:delete|remove|check|tick|mark) (?:the |any |all )?(?:options?|items?|boxes|box|sections?|lines?)\\b",
    "^please also include relevant motivation",
    "^please describe (?:the tests that you ran|in detail how you tested)",
    "^(?:list any dependencies that are required for this change|provide instructions so we can reproduce)",
    "^(?:delete|remove) this (?:section|line|comment|template|block|text) (?:if|when|before|once)\\b",
    "^replace this (?:text|line|section|paragraph)\\b",
    "^use this section to (?:tell|describe|explain|list|document)\\b",
    "^fill (?:me|this) in\\b|\\(fill me in\\b|^\\(?(?:insert (?:your|the|a)\\b.*\\bhere\\b|to be (?:filled|completed))",
    "^(?:your|one paragraph of) [\\w -]{2,40} (?:goes )?here[.!]?$|^what things you need to install the software and how\\b",
    "^(?:click or tap here to enter text|simply start writing your document)",
    "'\\.{2,}'$",
    "\\[(?:e\\.g\\.|eg\\b|for example|[^\\][|]{1,60}\\|[^\\][|]{1,60}\\|)[^\\][]{0,200}\\]$",
    `^\\[(?:${ASKS}|clearly|option \\d|[^\\][]{0,80}\\be\\.g\\.,|your|insert|(?:an? )?(?:short|brief)|optional)\\b`,
    "^_?no response_?$",
    "^%\\{\\w+\\}$|^<REQUIRED: ",
    "^fixes #\\s*\\(issue\\)",
    "^thank(?:s| you) for (?:taking the time to (?:fill out|file|report|submit|contribute)|filling out|opening (?:an issue|a pull request))",
    "^the issue motivating this decision, and any context",
    "^what becomes easier or more difficult to do",
    "^(?:what is )?the change that we're (?:actually )?proposing",
    "^(?:why are we doing this|what use cases does it support|what is the expected outcome)\\?$|^explain the proposal as if (?:it|you)\\b",
    "^tell (?:them|people) where to go\\b",
  ].join("|"),
  "i",
);

/** Sentences that ask for something to be written; people write them, too, where there is no template. */
const ASKED = new RegExp(
  [
    "^please (?!note\\b)[a-z]+\\b",
    "^(?:briefly|describe|explain|provide|summari[sz]e|outline|tell us|give (?:us )?an?|(?:add|include|list|attach) (?:any|all|the|relevant|screenshots?|links?|logs?))\\b",
    "^(?:what|why|how|have|did|do|does|is|are|which) (?:\\w+ ){0,3}(?:you|your|this|it)\\b.*\\?$",
    "^(?:see error|n/a|none|tbd|tba|to ?do|_?no response_?|yes/no|\\.{2,})\\.?$",
    // What stands in brackets, also behind a label.
    "^(?:[^:]{2,30}: ?)?(?:\\[[^\\][]*\\]?|\\(fill [^()]*\\))$|^[^\\][]*\\]$|\\[(?:\\.\\.\\.|…)\\]$|^[\\w ]{2,20}: \\S*0000$",
    "^(?:steps to reproduce(?: the (?:behaviou?r|issue|bug|problem))?|how to reproduce):?$",
  ].join("|"),
  "i",
);

/** Longer sentences are none of a template's. */
const MOST_UNITS = 500;

const isOneOf = (patterns: readonly RegExp[]) => (sentence: string) =>
  sentence.length <= MOST_UNITS && patterns.some((pattern) => pattern.test(sentence));
const isHint = isOneOf([HINT]);
const isAsked = isOneOf([HINT, ASKED, LABEL]);

const REFERENCE = "(?:[\\w./-]{0,60}#\\d+|[A-Z]{2,10}-\\d+)";
/** Sentences that say nothing of a text's subject. */
const NOTICE = new RegExp(
  [
    "^[Aa]ll notable changes to .{1,80} (?:will be|are) documented in this file",
    "^[Tt]he format is (?:based on|inspired by) Keep a Changelog",
    "^[Tt]his project adheres to Semantic Versioning",
    "^(?:By|Written by|Posted by|Published by|Posted on|Published on|(?:Last )?(?:[Uu]pdated|[Mm]odified)(?: on)?|Published|Posted):? [A-Z\\d][^.!?]{0,80}(?:\\b(?:19|20)\\d\\d(?:,? \\d{1,2}:\\d\\d(?::\\d\\d)?(?: [A-Z]{2,4})?)?|min(?:ute)?s? read)\\W*(?:\\d+ min(?:ute)?s? read)?$",
    "^\\d+ min(?:ute)?s? read$",
    "^Copyright (?:\\(c\\)|©|\\d{4})|^[\\w. -]{0,30}(?:©|\\([Cc]\\) ?(?:19|20)\\d\\d) ?[^.!?]{1,80}$|^All rights reserved\\W*$",
    `^(?:[Ff]ix(?:es|ed)?|[Cc]loses?|[Rr]esolves?|[Rr]efs?|[Rr]elated to|[Ss]ee):? ${REFERENCE}(?:(?:,| and|,? &) ${REFERENCE})*\\.?$`,
    "^(?:Present|Attendees|Participants|Apologies|Absent|Authors?|Reviewers?|Deciders|Date|Time|Location|Status|Version): [^.!?]{1,100}$",
    "^(?:We|This (?:web)?site) uses? cookies\\b",
    "^(?:Subscribe to|Sign up (?:for|to)) (?:our|my|the) (?:\\w+ )?(?:newsletter|blog|mailing list)\\b",
    "^Skip to (?:main |the )?content$",
  ].join("|"),
);

function withoutSentences(blocks: readonly ProseBlock[], isLeftOut: (sentence: string) => boolean): ProseBlock[] {
  return blocks.flatMap((each): ProseBlock[] => {
    const { block, prose } = each;
    if (block.kind === "heading") return [each];
    if (/^\[[^\][]*\]$/.test(prose.text) && isLeftOut(prose.text)) return [];
    const all = [...sentenceSpans(prose.text, "en")];
    const kept = all.filter(({ start, end }) => !isLeftOut(prose.text.slice(start, end).trim()));
    if (kept.length === all.length) return [each];
    return kept.length === 0 ? [] : [{ ...each, prose: partsOf(prose, kept) }];
  });
}

/** The parts of prose, one after the other. */
function partsOf({ text, runs, starts, ends }: Prose, parts: readonly { start: number; end: number }[]): Prose {
  const shown = parts
    .map(({ start, end }) => text.slice(start, end))
    .join("")
    .trimEnd();
  const units = parts.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
  const placesIn = (places: Uint32Array) => Uint32Array.from(units.slice(0, shown.length), (at) => places[at] ?? 0);
  const isShown = ({ start, end }: { readonly start: number; readonly end: number }) =>
    parts.some((part) => (starts[part.start] ?? 0) <= start && end <= (ends[part.end - 1] ?? 0));
  return { text: shown, runs: runs.filter(isShown), starts: placesIn(starts), ends: placesIn(ends) };
}
