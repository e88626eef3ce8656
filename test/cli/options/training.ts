/** Effects of the options of `train` and `data check`. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { TrainEvent } from "../../../protocol/training.ts";
import { type Effect, line, type Workspace } from "./effect.ts";

export function trainingEffects({ folder, run, fail, rows, model }: Workspace): Effect[] {
  const pairs = rows(
    "pairs.jsonl",
    Array.from({ length: 12 }, (_, i) => ({ text: line(i, 30), summary: line(i + 3, 3), source: `f${i}` })),
  );
  // Columns whose names tell nothing.
  const odd = rows(
    "odd.jsonl",
    Array.from({ length: 8 }, (_, i) => ({ foo: line(i, 9), bar: line(i + 3, 2) })),
  );
  const summaries = ["--task", "summarize", "--data", pairs, "--base", model];
  const trains = (options: readonly string[], shown: Effect["shown"]): Effect => ({ command: "train", options, shown });

  /** What a run would need. */
  const needs = async (...more: string[]) =>
    (await run(["train", ...summaries, "--threads", "1", "--dry-run", "--json", ...more])).last;
  let runs = 0;
  /** The events of a run; everything that is random is off where it is not asked for. */
  const events = async (...more: string[]) => {
    const still = ["--dropout", "0", "--lora-dropout", "0", "--judged", "0", "--epochs", "1", "--threads", "1"];
    runs += 1;
    const { stdout, sessions } = await run(["train", ...summaries, ...still, "--out", `run${runs}`, "--json", ...more]);
    const all: TrainEvent[] = stdout
      .trimEnd()
      .split("\n")
      .map((each) => JSON.parse(each));
    const of = <T extends TrainEvent["type"]>(type: T) =>
      all.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
    return { of, sessions, out: join(folder, `run${runs}`), losses: of("step").map(({ loss }) => loss) };
  };
  let plain: ReturnType<typeof events> | undefined;
  const plainly = () => (plain ??= events("--batch-size", "4"));
  const lora = (...more: string[]) => events("--batch-size", "4", "--method", "lora", ...more);

  return [
    trains(["--task", "--data", "--base", "--out", "--dry-run", "--json"], async () => {
      const { of, out } = await plainly();
      const [plan = assert.fail("no plan")] = of("plan");
      assert.deepEqual([plan.task, plan.base, plan.out], ["summarize", model, out]);
      assert.equal(plan.examples + plan.validationExamples, 12);
      assert.ok(existsSync(join(out, "model.safetensors")));
      const plainWords = await run(["train", ...summaries, "--dry-run", "--out", "never"]);
      assert.ok(!plainWords.stdout.startsWith("{") && !existsSync(join(folder, "never")));
      assert.match(await fail(["train", ...summaries, "--task", "title", "--dry-run"]), /no column for the title/);
    }),
    trains(
      ["--measure"],
      ["training/cluster/train-on.test.ts", "a place is timed beside this machine, with words of ours"],
    ),
    trains(
      ["--on", "--workers"],
      [
        "training/cluster/train-on.test.ts",
        "a run elsewhere tells the events of a local one, and leaves a model that passes its check",
      ],
    ),
    trains(
      ["--arithmetic", "--save-every"],
      [
        "training/cluster/train-on.test.ts",
        "the job has the examples of the local trainer's steps, and no row that was left out",
      ],
    ),
    trains(
      ["--storage"],
      [
        "training/cluster/on-ray.test.ts",
        "a cluster gets token ids and the base, and the model comes back by the Jobs API",
      ],
    ),
    trains(["--epochs", "--batch-size", "--validation-share"], async () => {
      assert.equal((await needs("--epochs", "3", "--batch-size", "2", "--validation-share", "0.5")).steps, 9);
    }),
    trains(["--lr", "--schedule", "--warmup", "--evaluate-every", "--judged", "--prefix"], async () => {
      const rates = ["--lr", "0.4", "--schedule", "linear", "--warmup", "2"];
      const more = ["--evaluate-every", "3", "--judged", "1", "--prefix", "in brief: ", "--batch-size", "2"];
      const { of, out } = await events(...rates, ...more);
      const shown = of("step").map(({ learningRate }) => Number(learningRate.toFixed(6)));
      // Two steps of warm-up, then down to zero after the last one.
      assert.deepEqual(shown, [0.2, 0.4, 0.4, 0.3, 0.2, 0.1]);
      assert.ok(of("evaluation").some(({ step, samples }) => step === 3 && samples.length === 1));
      assert.equal(JSON.parse(readFileSync(join(out, "spanfill.json"), "utf8")).prefixes.summarize, "in brief: ");
    }),
    trains(["--dropout", "--label-smoothing", "--z-loss", "--seed"], async () => {
      const [first = Number.NaN] = (await plainly()).losses;
      for (const [option, value] of [
        ["--dropout", "0.5"],
        ["--label-smoothing", "0.5"],
        ["--z-loss", "1"],
        ["--seed", "3"],
      ]) {
        const [loss = first] = (await events("--batch-size", "4", option ?? "", value ?? "")).losses;
        assert.ok(Math.abs(loss - first) > 1e-3, `${option}: ${loss}, ${first}`);
      }
    }),
    trains(["--weight-decay", "--clip-norm", "--optimizer"], async () => {
      const { losses } = await plainly();
      for (const [option, value] of [
        ["--weight-decay", "1"],
        ["--clip-norm", "1"],
        ["--optimizer", "adamw"],
      ]) {
        const changed = (await events("--batch-size", "4", option ?? "", value ?? "")).losses;
        assert.equal(changed[0], losses[0], option);
        assert.notDeepEqual(changed, losses, option);
      }
      assert.ok((await needs("--optimizer", "adamw")).memoryBytes > (await needs()).memoryBytes);
    }),
    trains(["--patience"], async () => {
      const long = ["--lr", "50", "--epochs", "9", "--batch-size", "4", "--evaluate-every", "1"];
      assert.equal((await events(...long, "--patience", "1")).of("step").length, 1);
    }),
    trains(["--method", "--lora-rank", "--lora-targets", "--lora-alpha", "--lora-dropout"], async () => {
      const { losses, of } = await lora();
      assert.equal(of("plan")[0]?.method, "lora");
      const learned = of("plan")[0]?.learnedParameters ?? 0;
      const less = (await lora("--lora-rank", "4")).of("plan")[0]?.learnedParameters;
      assert.equal(less, learned / 4);
      const only = (await lora("--lora-targets", "q")).of("plan")[0]?.learnedParameters ?? learned;
      assert.ok(only < learned / 2, `${only}, ${learned}`);
      for (const [option, value] of [
        ["--lora-alpha", "320"],
        ["--lora-dropout", "0.9"],
      ]) {
        const changed = (await lora(option ?? "", value ?? "")).losses;
        assert.equal(changed[0], losses[0], option);
        assert.notDeepEqual(changed, losses, option);
      }
    }),
    trains(["--bottleneck", "--bottleneck-size", "--bottleneck-scale"], async () => {
      const bottleneck = (...more: string[]) => events("--batch-size", "4", "--method", "bottleneck", ...more);
      const { losses, of, out } = await bottleneck();
      assert.ok(existsSync(join(out, "adapter.safetensors")) && !existsSync(join(out, "config.json")));
      const learned = of("plan")[0]?.learnedParameters ?? 0;
      const beside = await bottleneck("--bottleneck", "parallel", "--bottleneck-size", "8");
      assert.ok((beside.of("plan")[0]?.learnedParameters ?? learned) < learned / 4);
      const scaled = (await bottleneck("--bottleneck-scale", "40")).losses;
      assert.equal(scaled[0], losses[0], "it begins as nothing");
      assert.notDeepEqual(scaled, losses);
      const { last } = await run(["generate", "--adapter", `./${basename(out)}`, "--input", "the", "--json"]);
      assert.ok(last !== undefined);
    }),
    trains(["--prompt-tokens", "--freeze-embedding", "--max-batch-tokens", "--checkpointing"], async () => {
      const whole = await needs();
      assert.ok((await needs("--freeze-embedding")).memoryBytes < whole.memoryBytes);
      assert.ok((await needs("--max-batch-tokens", "64")).memoryBytes < whole.memoryBytes);
      const again = await needs("--checkpointing");
      assert.ok(again.checkpointing && !whole.checkpointing && again.memoryBytes < whole.memoryBytes);
      const prompts = await Promise.all(["2", "200"].map((n) => needs("--method", "prompt", "--prompt-tokens", n)));
      assert.ok(prompts[0].memoryBytes < prompts[1].memoryBytes);
    }),
    trains(["--max-input-tokens", "--max-target-tokens"], async () => {
      const whole = await needs();
      assert.ok((await needs("--max-input-tokens", "16")).memoryBytes < whole.memoryBytes);
      assert.match(await fail(["train", ...summaries, "--dry-run", "--max-target-tokens", "2"]), /target/);
    }),
    trains(["--objective"], async () => {
      mkdirSync(join(folder, "texts"));
      for (let i = 0; i < 6; i += 1) writeFileSync(join(folder, "texts", `${i}.md`), `${line(i, 60)}\n`);
      const gaps = ["--task", "infill", "--data", "texts", "--objective", "ul2", "--max-input-tokens", "40"];
      const { of, out } = await events(...gaps, "--judged", "1");
      const { modes } = JSON.parse(readFileSync(join(out, "spanfill.json"), "utf8"));
      assert.deepEqual(modes, { R: "[NLU] ", S: "[S2S] ", X: "[NLG] " });
      assert.match(of("evaluation").at(-1)?.samples[0]?.input ?? "", /extra_id_0/);
      // Gaps that are learned without modes again are filled without.
      const again = await events(...gaps, "--objective", "spans", "--base", out);
      assert.equal(JSON.parse(readFileSync(join(again.out, "spanfill.json"), "utf8")).modes, undefined);
      const titles = await events("--base", out, "--max-input-tokens", "40");
      assert.deepEqual(JSON.parse(readFileSync(join(titles.out, "spanfill.json"), "utf8")).modes, modes);
      const needed = async (objective: string) => (await needs(...gaps, "--objective", objective)).memoryBytes;
      assert.ok((await needed("ul2")) > (await needed("spans")));
      assert.match(await fail(["train", ...summaries, "--objective", "ul2"]), /is for --task infill, not summarize/);
      const metro = ["--task", "infill", "--data", "texts", "--max-input-tokens", "40", "--objective", "metro"];
      const corrected = await events(...metro, "--epochs", "12", "--lr", "0.005", "--patience", "0");
      const losses = corrected.of("step").map(({ loss }: { loss: number }) => loss);
      const sum = (some: readonly number[]) => some.reduce((a, b) => a + b, 0);
      assert.ok(sum(losses.slice(-3)) < sum(losses.slice(0, 3)) - 1, losses.join(" "));
      const { prefixes } = JSON.parse(readFileSync(join(corrected.out, "spanfill.json"), "utf8"));
      assert.deepEqual(prefixes, {});
      const kept = readFileSync(join(corrected.out, "model.safetensors"));
      assert.ok(!kept.includes("generator.") && kept.includes("decoder.block.0"));
      const refused = async (...more: string[]) => fail(["train", "--base", model, ...metro, "--dry-run", ...more]);
      assert.match(await refused("--method", "lora"), /metro trains every weight: leave --method lora out/);
      assert.match(await refused("--prefix", "x"), /leave --prefix out/);
      assert.match(await refused("--max-target-tokens", "20"), /leave --max-target-tokens out/);
    }),
    trains(["--threads"], async () => {
      const { sessions } = await events("--threads", "3", "--batch-size", "16");
      assert.deepEqual([...new Set(sessions.map(({ threads }) => threads))], [3]);
    }),
    trains(["--columns", "--input-column", "--target-column", "--template"], async () => {
      const dry = ["train", "--data", odd, "--base", model, "--dry-run"];
      assert.match(await fail([...dry, "--task", "summarize"]), /column/);
      await run([...dry, "--task", "summarize", "--columns", "text=foo,summary=bar"]);
      assert.match(await fail([...dry, "--task", "text"]), /column/);
      await run([...dry, "--task", "text", "--input-column", "foo", "--target-column", "bar"]);
      await run([...dry, "--task", "text", "--template", "{foo} of {bar}", "--target-column", "bar"]);
    }),
    trains(
      ["--request"],
      ["cli/train-request.test.ts", "a run is described by a file, by standard input, and by options beside either"],
    ),
    trains(["--control", "--resume"], ["cli/train.test.ts", "it waits while it is told to pause"]),
    trains(["--restart"], async () => {
      const { out } = await plainly();
      const again = ["train", ...summaries, "--epochs", "1", "--judged", "0", "--threads", "1", "--out", out];
      assert.match(await fail(again), /holds a model already.*--restart/);
      await run([...again, "--restart"]);
    }),
    ...dataEffects({ run, fail, model, odd, pairs }),
  ];
}

function dataEffects({
  run,
  fail,
  model,
  odd,
  pairs,
}: Pick<Workspace, "run" | "fail" | "model"> & Record<"odd" | "pairs", string>) {
  const check = async (...args: string[]) => (await run(["data", "check", ...args, "--json"])).last;
  const checks = (options: readonly string[], shown: Effect["shown"]) => ({ command: "data check", options, shown });
  const inputs = async (...more: string[]) =>
    (await check(odd, "--base", model, "--target-column", "bar", ...more)).preview[0];
  return [
    checks(["--task", "--base", "--json", "--max-input-tokens", "--max-target-tokens"], async () => {
      const whole = await check(pairs, "--task", "summarize", "--base", model);
      assert.deepEqual([whole.task, whole.prefix], ["summarize", "summarize: "]);
      const cut = await check(pairs, "--task", "summarize", "--base", model, "--max-input-tokens", "16");
      assert.equal(cut.inputTokens.limit, 16);
      assert.match(cut.notes.join(), /12 rows cut to 16 input tokens/);
      const builtin = await check(pairs, "--task", "summarize");
      assert.notDeepEqual(builtin.inputTokens, whole.inputTokens);
      assert.match(await fail(["data", "check", pairs, "--task", "summarize", "--max-target-tokens", "2"]), /target/);
      assert.match((await run(["data", "check", pairs, "--task", "summarize"])).stdout, /^Columns: /m);
    }),
    checks(["--columns", "--input-column", "--target-column", "--template", "--prefix"], async () => {
      const { columns } = await check(odd, "--task", "summarize", "--base", model, "--columns", "text=foo,summary=bar");
      assert.deepEqual([columns.text, columns.summary], ["foo", "bar"]);
      const { input, target } = await inputs("--task", "text", "--input-column", "foo");
      assert.ok(target.startsWith(line(3, 2)), target);
      const prefixed = await inputs("--task", "text", "--input-column", "foo", "--prefix", "so: ");
      assert.equal(prefixed.input, `so: ${input}`);
      const templated = await inputs("--task", "text", "--template", "the {foo} of {bar}");
      assert.equal(templated.input, `the ${input.replace("</s>", "")} of ${target}`);
    }),
    checks(["--objective"], async () => {
      const gaps = ["--task", "infill", "--base", model, "--input-column", "text"];
      const shown = (await check(pairs, ...gaps, "--objective", "ul2")).preview[0];
      assert.notEqual(shown.target, (await check(pairs, ...gaps)).preview[0].target);
      assert.match(await fail(["data", "check", pairs, "--task", "title", "--objective", "ul2"]), /not title/);
    }),
    checks(
      ["--request"],
      ["cli/train-request.test.ts", "data check reads the same file, with settings of a run in it"],
    ),
  ];
}
