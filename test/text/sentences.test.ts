import assert from "node:assert/strict";
import { test } from "node:test";
import { endsSentence, sentenceSpans, sentencesOf } from "../../server/text/sentences.ts";

/**
 * The English golden rules, by their numbers; "|" stands for a border.
 * @see pragmatic_segmenter (Kevin S. Dias, MIT), spec/pragmatic_segmenter/languages/english_spec.rb
 */
const GOLDEN: readonly [number, string][] = [
  [1, "Hello World.|My name is Jonas."],
  [2, "What is your name?|My name is Jonas."],
  [3, "There it is!|I found it."],
  [4, "My name is Jonas E. Smith."],
  [5, "Please turn to p. 55."],
  [6, "Were Jane and co. at the party?"],
  [7, "They closed the deal with Pitt, Briggs & Co. at noon."],
  [8, "Let's ask Jane and co.|They should know."],
  [9, "They closed the deal with Pitt, Briggs & Co.|It closed yesterday."],
  [10, "I can see Mt. Fuji from here."],
  [11, "St. Michael's Church is on 5th st. near the light."],
  [12, "That is JFK Jr.'s book."],
  [13, "I visited the U.S.A. last year."],
  [14, "I live in the E.U.|How about you?"],
  [15, "I live in the U.S.|How about you?"],
  [16, "I work for the U.S. Government in Virginia."],
  [17, "I have lived in the U.S. for 20 years."],
  [18, "At 5 a.m. Mr. Smith went to the bank.|He left the bank at 6 P.M.|Mr. Smith then went to the store."],
  [19, "She has $100.00 in her bag."],
  [20, "She has $100.00.|It is in her bag."],
  [21, "He teaches science (He previously worked for 5 years as an engineer.) at the local University."],
  [22, "Her email is Jane.Doe@example.com.|I sent her an email."],
  [23, "The site is: https://www.example.50.com/new-site/awesome_content.html.|Please check it out."],
  [24, "She turned to him, 'This is great.' she said."],
  [25, 'She turned to him, "This is great." she said.'],
  [26, 'She turned to him, "This is great."|She held the book out to show him.'],
  [27, "Hello!!|Long time no see."],
  [28, "Hello??|Who is there?"],
  [29, "Hello!?|Is that you?"],
  [30, "Hello?!|Is that you?"],
  [31, "1.) The first item|2.) The second item"],
  [32, "1.) The first item.|2.) The second item."],
  [33, "1) The first item|2) The second item"],
  [34, "1) The first item.|2) The second item."],
  [35, "1. The first item|2. The second item"],
  [36, "1. The first item.|2. The second item."],
  [37, "• 9. The first item|• 10. The second item"],
  [38, "⁃9. The first item|⁃10. The second item"],
  [39, "a. The first item|b. The second item|c. The third list item"],
  [40, "This is a sentence\ncut off in the middle because pdf."],
  [41, "It was a cold \nnight in the city."],
  [42, "features\n|contact manager\n|events, activities\n"],
  [43, "You can find it at N°. 1026.253.553.|That is where the treasure is."],
  [44, "She works at Yahoo! in the accounting department."],
  [45, "We make a good team, you and I.|Did you see Albert I. Jones yesterday?"],
  [46, "Thoreau argues that by simplifying one’s life, “the laws of the universe will appear less complex. . . .”"],
  [47, '"Bohr [...] used the analogy of parallel stairways [...]" (Smith 55).'],
  [
    48,
    "If words are left off at the end of a sentence, and that is all that is omitted, indicate the omission with ellipsis marks (preceded and followed by a space) and then indicate the end of the sentence with a period . . . .|Next sentence.",
  ],
  [49, "I never meant that....|She left the store."],
  [50, "I wasn’t really ... well, what I mean...see . . . what I'm saying, the thing is . . . I didn’t mean it."],
  [
    51,
    "One further habit which was somewhat weakened . . . was that of combining words into self-interpreting compounds.|. . . The practice was not abandoned. . . .",
  ],
  [
    52,
    "Hello world.Today is Tuesday.Mr. Smith went to the store and bought 1,000.That is a lot.".replaceAll(
      /\.(?=[TM])/g,
      ".|",
    ),
  ],
];

/**
 * Rules that are not met. 18: nothing tells the two apart. 31, 33, 35, 39: a list inside a sentence stays part of it.
 * 40, 41: the document model joins soft line breaks. 51: all four dots end the sentence. 52: names such as System.Text.
 */
const NOT_MET = new Set([18, 31, 33, 35, 39, 40, 41, 51, 52]);

for (const [number, rule] of GOLDEN) {
  test(`golden rule ${number} is ${NOT_MET.has(number) ? "not met, as documented" : "met"}`, () => {
    const expected = rule.split("|").map((part) => part.trim());
    const text = rule.replaceAll("\n|", "\n").replaceAll("|", number === 52 ? "" : " ");
    if (NOT_MET.has(number)) assert.notDeepEqual(sentencesOf(text, "en"), expected);
    else assert.deepEqual(sentencesOf(text, "en"), expected);
  });
}

/** Borders in technical prose, and in other languages. */
const PROSE: readonly [locale: string, rule: string][] = [
  ["en", "ROUGE-1 rises from 32.4 to 38.7 here.|The rest stays."],
  ["en", "Version 2.0.1 of v1.x is out.|Node.js 20.15 or later runs it."],
  ["en", "Edit README.md.|Then run main.ts and server.test.ts."],
  ["en", "It runs on .NET 8 and reads .gitignore.|See docs/ARCHITECTURE.md."],
  ["en", "Use a tool, e.g. Vim.|Then stop!"],
  ["en", "Use a key, i.e. The Key, or none.|It works."],
  ["en", "The answer is no.|The question was simple."],
  ["en", "See fig. 3 and Sec. 4.2 of Vol. II.|They differ."],
  ["en", "See plan A.|Then plan B."],
  ["en", "Choose Option A.|Restart the server."],
  ["en", "Donald E. Knuth and J. R. R. Tolkien wrote it.|A book by M. Fowler followed."],
  ["en", "The U.S. Digital Service has a Ph.D.|It writes."],
  ["en", "It reads files, folders, etc.|Links are left out."],
  ["en", "Vaswani et al. (2017) wrote it.|Others read it."],
  ["en", "Run it (it takes a minute. Wait.) before you go on.|Then go."],
  ["en", "Does it stop?|Yes!|It does…|Or not."],
  ["en", "(a) It is a sample.|(b) If it is (c) Then stop.|(ii) The rest stays."],
  ["en", "He said “Stop.”|Nobody did."],
  ["en", "Yahoo! and Node? are names.|So is JSON:API."],
  ["de", "Das ist z. B. Vim, d. h. ein Editor.|Dr. Müller nutzt ihn."],
  ["de", "Am 3. Oktober wird gefeiert.|Danach nicht."],
  ["fr", "Voir p. ex. Vim.|M. Dupont l’utilise."],
  ["ja", "キャッシュはページを保存します。|速くなります。"],
  ["ja", "コピーは毎晩確認されます。|「本当に速い。」と彼は言った。"],
  [
    "fr",
    "M. Dupont a payé env. 3,5 M€ à Mme Durand.|Il a dit : « C’est bien ! » avant de partir.|Le rapport paraîtra.",
  ],
  ["de", "Die Firma zahlt ca. 3,5 Mio. Euro an die Fa. Meier u. Co. KG.|Das ist viel.|»Gut.« sagte er."],
  ["ja", "彼は「はい。」と言った。|終わり。"],
  ["zh", "缓存保存页面。|它很快！"],
  ["hi", "यह एक वाक्य है।|यह दूसरा है।"],
  ["ar", "هل هذا صحيح؟|نعم."],
];
for (const [locale, rule] of PROSE) {
  test(`sentences of "${rule}"`, () => {
    const text = rule.replaceAll("|", /[ja]|zh/.test(locale) && /[。！]\|/.test(rule) ? "" : " ");
    assert.deepEqual(sentencesOf(text, locale), rule.split("|"));
  });
}

test("the spans of sentences are the whole text, back to back", () => {
  for (const text of ["", " ", "One. Two.\n\nThree • four", `${"A. ".repeat(500)}(((`, "No end", "…\r\n.\u2029!"]) {
    const spans = [...sentenceSpans(text, "en")];
    assert.equal(spans.map(({ start, end }) => text.slice(start, end)).join(""), text);
    assert.ok(spans.every(({ start, end }) => start < end));
  }
});

test("time is linear in the text, whatever it holds", () => {
  for (const unit of ["A. ", "(a. B ", "• ", "... ", '". ', "U.S. ", "x", "1. "]) {
    const started = process.cpuUsage();
    assert.ok([...sentenceSpans(unit.repeat(200_000 / unit.length), "en")].length > 0);
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 5e6, `"${unit}": ${user + system} µs of processor time`);
  }
});

test("a text ends as a sentence does in any script, also within quotation marks", () => {
  for (const text of ["Done.", "Done?”", "(Done!)", "終わり。", "यह।", "صحيح؟"]) assert.ok(endsSentence(text), text);
  for (const text of ["Done", "Done:", "the list,", ""]) assert.ok(!endsSentence(text), text);
});
