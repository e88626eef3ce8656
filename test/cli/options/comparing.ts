/** Effects of the options of `compare`. */
import assert from "node:assert/strict";
import type { Comparison } from "../../../protocol/comparison.ts";
import { type Effect, line, type Workspace } from "./effect.ts";

export function comparingEffects({ run, fail, model, rows }: Workspace): Effect[] {
  const options = ["--data", "--task", "--limit", "--stir-steps", "--stir-search", "--share", "--precision"];
  const shown = async () => {
    const data = rows(
      "compared.jsonl",
      Array.from({ length: 9 }, (_, i) => ({ text: line(i, 30), summary: line(i + 1), title: line(i + 2) })),
    );
    const compare = ["compare", model, model, "--data", data, "--task", "summarize", "--threads", "1"];
    const compared = async (...more: string[]) => {
      const { last, sessions } = await run([...compare, "--limit", "3", "--json", ...more]);
      return { comparison: last as Comparison, threads: [...new Set(sessions.map(({ threads }) => threads))] };
    };
    const { comparison: plain, threads } = await compared();
    assert.deepEqual(threads, [1]);
    assert.equal(plain.examples, 3);
    for (const { cka, stir } of plain.layers) {
      assert.ok(cka !== null && Math.abs(cka - 1) < 1e-9, `${cka}`);
      assert.equal(stir, undefined);
    }
    const stir = (await compared("--stir-steps", "2")).comparison.layers;
    assert.deepEqual(
      stir.map((layer) => layer.stir !== undefined),
      [false, true, false, true],
    );
    const other = (await compared("--stir-steps", "2", "--stir-search", "normalized")).comparison.layers;
    assert.ok((other[1]?.stir?.left ?? 0) > 0);
    assert.notEqual(other[1]?.stir?.left, stir[1]?.stir?.left);
    const lossesOf = ({ losses }: Comparison) => losses.map(({ first }) => first);
    const [kept = 0, ...costs] = lossesOf((await compared("--share", "1")).comparison);
    assert.equal(kept, plain.losses[0]?.first);
    assert.notDeepEqual(costs, lossesOf(plain).slice(1));
    assert.notDeepEqual(lossesOf((await compared("--seed", "2")).comparison), lossesOf(plain));
    assert.notEqual(lossesOf((await compared("--task", "title")).comparison)[0], kept);
    const [first, second] = [await compared("--precision", "int8"), await compared("--other-precision", "int8")];
    for (const { comparison } of [first, second]) assert.ok(comparison.layers.some(({ cka }) => (cka ?? 1) < 1 - 1e-6));
    assert.match(first.comparison.first, /\(int8\)$/);
    assert.match(second.comparison.second, /\(int8\)$/);
    const { stdout } = await run([...compare, "--limit", "2"]);
    assert.match(stdout, /encoder 1 +1\.000 {2}#{30}\n/);
    assert.match(stdout, /typos +\d\.\d{3} +[+-]\d\.\d{3}/);
    // Of nine rows, a run keeps one or two out; its columns count.
    const asked = { task: "summarize", data, columns: { summary: "title" }, validationShare: 0.2 };
    const request = rows("request.json", [asked]);
    const { last } = await run([...compare.slice(0, 3), "--request", request, "--threads", "1", "--json"]);
    assert.equal((last as Comparison).examples, 2);
    const { last: piped } = await run([...compare.slice(0, 3), "--request", "-", "--json"], JSON.stringify(asked));
    assert.deepEqual(piped, last);
    assert.match(await fail([...compare.slice(0, 3), "--request", "-"], '{"task": 1}'), /standard input: Field "task"/);
    assert.match(await fail(["compare", model, model]), /--data/);
    assert.match(await fail([...compare, "--share", "0"]), /--share/);
    assert.match(await fail([...compare.slice(0, 3), "--data", "absent.jsonl"]), /absent\.jsonl/);
  };
  return [
    {
      command: "compare",
      options: [...options, "--other-precision", "--request", "--seed", "--threads", "--json"],
      shown,
    },
  ];
}
