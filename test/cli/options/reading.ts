/** Effects of the options of the commands that read texts, and of those that all of them share. */
import assert from "node:assert/strict";
import { basename } from "node:path";
import type { WatchedRun } from "../../support/command-line.ts";
import { ABSENT_DEVICE, ABSENT_DEVICE_NAME, type Effect, line, type Workspace } from "./effect.ts";

const TEXT = "The one that is on the list. They have it for this.\n\nAs it was, so be it.\n";
const GAPS = "The ___ is on the list, and they have ___ for this.";

export function readingEffects({ run, fail, model }: Workspace): Effect[] {
  const withModel = ["--model", model, "--precision", "float32", "--threads", "1", "--json"];
  const read = async (command: string, text: string, ...options: string[]) =>
    (await run([command, ...withModel, ...options], text)).last;
  const summarized = (...options: string[]) => read("summarize", TEXT.repeat(9), ...options);
  const asked = ["ask", "--question", "the"];
  const long = `${line(1, 30)}.\n`.repeat(12);
  const inputs: readonly (readonly [args: readonly string[], input: string])[] = [
    [["summarize"], TEXT],
    [["infill"], GAPS],
    [asked, TEXT],
    [["classify", "--labels", "one,two"], TEXT],
    [["generate", "--input", "the"], ""],
    [["score", "--input", "the", "--target", "one"], ""],
  ];
  return [
    ...inputs.map(([args, input]): Effect => {
      const command = args[0] ?? "";
      const options = ["--model", "--precision", "--device", "--threads", "--json"];
      return { command, options, shown: () => sharedOptions(args, input) };
    }),
    { command: "demo", options: ["--model", "--precision", "--device", "--threads", "--json"], shown: demo },
    {
      command: "summarize",
      options: ["--style", "--max-words"],
      async shown() {
        const count = (text: string) => text.replace(/^- /gm, "").split(/\s+/).filter(Boolean).length;
        const bullets = (await summarized("--style", "bullets")).summary;
        assert.match(bullets, /^- .*\n- /);
        const short = (await summarized("--style", "bullets", "--max-words", "6")).summary;
        assert.ok(count(bullets) > 6 && count(short) <= 6, `${bullets}; ${short}`);
      },
    },
    {
      command: "summarize",
      options: ["--batch", "--out"],
      shown: [
        "batch/batch.test.ts",
        "--batch with --out goes on: only what is new, changed or asked for otherwise is computed",
      ],
    },
    {
      command: "summarize",
      options: ["--on"],
      shown: [
        "batch/batch.test.ts",
        "--on asks a cluster: it gets the documents and the model, and the lines are those of here",
      ],
    },
    {
      command: "summarize",
      options: ["--language"],
      shown: ["cli/cli.test.ts", "--language tells the format of standard input; a text without prose is refused"],
    },
    {
      command: "summarize",
      options: ["--max-context-tokens"],
      async shown() {
        const most = (await read("summarize", long)).tokens.in;
        assert.ok((await read("summarize", long, "--max-context-tokens", "64")).tokens.in < most);
      },
    },
    {
      command: "summarize",
      options: ["--min-confidence"],
      async shown() {
        const text = "The parser reads a file of settings and keeps what it says.\nOthers use it later.\n";
        for (const [least, origin] of [
          ["0", "model"],
          ["1", "text"],
        ] as const) {
          assert.equal((await run(["summarize", "--min-confidence", least, "--json"], text)).last.origin, origin);
        }
      },
    },
    {
      command: "infill",
      options: ["--gap", "--alternatives", "--fill-all"],
      shown: [
        "cli/cli.test.ts",
        "infill takes another gap, several alternatives, and more gaps than there are sentinels",
      ],
    },
    {
      command: "infill",
      options: ["--language"],
      async shown() {
        const code = "# The ___ is on it.\nthe = '___'\n";
        const filled = async (...options: string[]) =>
          (await read("infill", code, "--fill-all", ...options)).passed.length;
        assert.ok((await filled("--language", "python")) > (await filled()));
      },
    },
    {
      command: "ask",
      options: ["--question", "--max-context-tokens"],
      async shown() {
        const answer = (question: string, ...more: string[]) => read("ask", long, "--question", question, ...more);
        const first = await answer("the");
        assert.notDeepEqual((await answer("of the one")).answers, first.answers);
        assert.ok((await answer("the", "--max-context-tokens", "64")).chunks > first.chunks);
      },
    },
    {
      command: "classify",
      options: ["--labels", "--max-context-tokens"],
      shown: ["cli/questions.test.ts", "a model that learned two labels tells them apart, and says how sure it is"],
    },
    {
      command: "embed",
      options: ["--model", "--max-tokens", "--threads", "--json"],
      async shown() {
        const embed = ["embed", "--model", model];
        const { last, sessions } = await run([...embed, "--threads", "3", "--json"], `${line(1)}\n${line(2)}\n`);
        assert.deepEqual([last.vectors.length, last.vectors[0].length, last.model], [2, 32, model]);
        assert.ok(sessions.length > 0 && sessions.every(({ threads }) => threads === 3));
        const cut = await run([...embed, "--max-tokens", "5"], line(1));
        assert.notDeepEqual(JSON.parse(cut.stdout), last.vectors[0]);
        assert.deepEqual((await run([...embed, "--max-tokens", "5", "--json"], line(1))).last.tokens, [5]);
      },
    },
  ];

  /** One run with all of them, and one without. */
  async function sharedOptions(args: readonly string[], input: string) {
    const named = ["--model", model, "--threads", "3", "--precision", "float32", "--device", ABSENT_DEVICE];
    const { last, sessions, stderr } = await run([...args, ...named, "--json"], input);
    assert.equal(last.model, basename(model));
    assertSessions(sessions);
    assert.match(stderr, ABSENT_DEVICE_NAME);
    const plain = await run([...args, "--model", model, "--threads", "2"], input);
    assert.equal(plain.last, undefined);
    assert.ok(plain.sessions.some(({ quantized }) => quantized));
    assert.ok(plain.sessions.some(({ threads }) => threads === 2));
    assert.match(await fail([...args, "--model", "./none"], input), /none/);
  }

  async function demo() {
    const named = ["--model", model, "--threads", "3", "--precision", "float32", "--device", ABSENT_DEVICE];
    const { last, sessions, stderr } = await run(["demo", ...named, "--json"]);
    assert.deepEqual(Object.keys(last), ["summarize", "infill", "loadMs"]);
    assert.equal(last.summarize.model, basename(model));
    assertSessions(sessions);
    assert.match(stderr, ABSENT_DEVICE_NAME);
  }

  /** That the model runs in float32 on three threads; small graphs beside it always run on one. */
  function assertSessions(sessions: WatchedRun["sessions"]) {
    const ofModel = sessions.filter(({ threads }) => threads !== 1);
    assert.ok(ofModel.length > 0, "the model was loaded natively");
    assert.ok(ofModel.every(({ threads, quantized }) => threads === 3 && !quantized));
  }
}
