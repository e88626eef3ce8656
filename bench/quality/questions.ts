/** Generates questions from documents, with which `bench learning` teaches question answering. */

/** A question about a passage, and its verbatim answer. */
export interface MadeQuestion {
  readonly question: string;
  readonly context: string;
  readonly answers: string;
}

/**
 * Questions about a Markdown document: headings that ask, definitions ("X is a Y": what is X?), and sentences with a
 * name, a number or a date taken out and asked for.
 * @param random from 0 to below 1; decides which names and numbers are asked for, and the form of the question
 * @see Lewis et al. 2019, "Unsupervised Question Answering by Cloze Translation", for the last kind
 */
export function questionsOf(text: string, random: () => number): MadeQuestion[] {
  return passagesOf(text).flatMap(({ heading, context }) => {
    const sentences = context.split(/(?<=[.!?]) (?=[A-Z"“])/);
    const made = sentences.flatMap((sentence) => [...definitions(sentence), ...clozes(sentence, random)]);
    const [first = ""] = sentences;
    if (heading.endsWith("?")) made.push({ question: heading, answer: clauseOf(first) });
    return shuffled(made, random)
      .slice(0, MOST_QUESTIONS)
      .map(({ question, answer }) => ({ question, context, answers: answer }));
  });
}

const [LEAST_WORDS, ENOUGH_WORDS, MOST_WORDS, MOST_QUESTIONS] = [30, 90, 200, 6];

interface Asked {
  readonly question: string;
  readonly answer: string;
}

/** Prose of one section, its paragraphs put together until they are as long as an encyclopedia's. */
function passagesOf(text: string): { readonly heading: string; readonly context: string }[] {
  const passages: { heading: string; context: string }[] = [];
  let [heading, open] = ["", ""];
  const close = () => {
    const count = wordsOf(open).length;
    if (count >= LEAST_WORDS && count <= MOST_WORDS) passages.push({ heading, context: open });
    open = "";
  };
  for (const block of text.split(/\n\s*\n/)) {
    const title = /^#{1,6} +(.+)$/.exec(block.trim())?.[1];
    if (title !== undefined) {
      close();
      heading = title.trim();
    } else if (/^[A-Z"“]/.test(block.trim()) && !/[{}<>=|]|```/.test(block) && block.length > 60) {
      open = `${open} ${block.replace(/\s+/g, " ")}`.trim();
      if (wordsOf(open).length >= ENOUGH_WORDS) close();
    }
  }
  close();
  return passages;
}

function definitions(sentence: string): Asked[] {
  const [, about = "", verb = "", what = ""] =
    /^(?:An? |The )?([\w`.-]+(?: [\w`.-]+){0,3}) (is|are|was|were) ((?:an?|the|one) [^.;:]+)/.exec(sentence) ?? [];
  const answer = clauseOf(what);
  if (answer === "" || /^(this|that|it|there|here|what|which|these)\b/i.test(about)) return [];
  return [{ question: `What ${verb} ${about}?`, answer }];
}

/** Up to the first mark or relative clause, at most twelve words. */
function clauseOf(text: string): string {
  const [clause = ""] = text.split(/[,;:(.!?] | (?:that|which|where|who|when|so|because) |[.!?]$/);
  return wordsOf(clause).length <= 12 ? clause.trim() : "";
}

const NUMBER = /(?<![\w$.,/*-])\d[\d,.]*%?(?= [a-z]{3})/;
const MONTH = "January|February|March|April|May|June|July|August|September|October|November|December";
const DATE = new RegExp(`(?:${MONTH}) (?:\\d{1,2}, )?\\d{4}|(?:19|20)\\d\\d`);
const NAME = /(?<=[a-z,] )[A-Z][\w.-]*\w(?: (?:of the |of |and )?[A-Z][\w.-]*\w)*/;
const PHRASE =
  /(?<=\b(?:called|named|known as|using|by|with|for|to|into|of) )(?:an? |the )?[a-z]+(?: [a-z]+)?(?=[,.;])/;
const PLACE = /(?<=\b(?:in|at|from) )[A-Z][\w.-]*\w(?:,? [A-Z]\w+)*/;

/** Kinds of answers, with the words that ask for them; the first one that fits is taken. */
const kinds: readonly (readonly [RegExp, readonly string[]])[] = [
  [DATE, ["When", "When", "What year", "In what year"]],
  [PLACE, ["Where", "Where", "What", "In what"]],
  [NUMBER, ["How many"]],
  [NAME, ["Who", "What", "Which", "What"]],
  [PHRASE, ["What", "What", "How"]],
];

function clozes(sentence: string, random: () => number): Asked[] {
  const clauses = sentence.split(/(?<=[,;:]) (?=(?:and|but|while|which|who|where|as|the|a|in)\b)/);
  return clauses.flatMap((clause) => {
    const count = wordsOf(clause).length;
    if (count < 5 || count > 28) return [];
    return kinds.flatMap(([pattern, asking]) => {
      const found = pattern.exec(clause);
      if (found === null || random() < 0.3) return [];
      const [answer] = found;
      const before = clause.slice(0, found.index).trim();
      const after = clause.slice(found.index + answer.length).trim();
      const word = asking[Math.floor(random() * asking.length)] ?? "What";
      return [{ question: ask(word, before, after, random), answer }];
    });
  });
}

/** The word that asks, then the rest of the clause, its halves in either order, some words lost. */
function ask(word: string, before: string, after: string, random: () => number): string {
  const lead = before.replace(/\b(in|on|at|by|of|to|from|since|the|a|an)$/i, "").trim();
  const rest =
    word === "How many" || lead === "" ? `${after} ${lead}` : random() < 0.6 ? `${lead} ${after}` : `${after} ${lead}`;
  const words = wordsOf(rest.replace(/[.,;:!?"“”()]/g, " ")).filter(() => random() > 0.1);
  const [first = ""] = words;
  const lowered = /^[A-Z][a-z]*$/.test(first) && lead.startsWith(first) ? first.toLowerCase() : first;
  const helper = word === "How many" || lead === "" || random() < 0.4 ? "" : random() < 0.5 ? " did" : " is";
  return `${word}${helper} ${[lowered, ...words.slice(1)].join(" ")}?`;
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
