import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

interface Outcome {
  readonly passed: number;
  readonly failures: readonly { readonly title: string; readonly message: string }[];
  readonly expected: number;
}
const url = pathToFileURL(resolve("scripts/editor/outcome.mjs")).href;
const {
  report,
  cleanUp,
}: { report(outcome: Outcome): string | undefined; cleanUp(...steps: unknown[]): Promise<void> } = await import(url);

const failure = { title: "a test", message: "why" };
for (const [what, outcome, problem] of [
  ["all passed", { passed: 3, failures: [], expected: 3 }, undefined],
  ["one failed", { passed: 2, failures: [failure], expected: 3 }, "1 failed"],
  ["fewer ran than there are", { passed: 2, failures: [], expected: 3 }, "2 ran, and 3 were expected"],
  ["none ran", { passed: 0, failures: [], expected: 0 }, "0 ran, and 0 were expected"],
] as const) {
  test(`editor tests of which ${what} ${problem === undefined ? "are" : "are not"} a pass`, (context) => {
    const said: string[] = [];
    context.mock.method(console, "log", (line: string) => said.push(line));
    context.mock.method(console, "error", (line: string) => said.push(line));
    assert.equal(report(outcome), problem);
    const ran = outcome.passed + outcome.failures.length;
    assert.equal(said.at(-1), `Editor tests run: ${ran} of ${outcome.expected}, ${outcome.failures.length} failed`);
  });
}

test("every step of a clean-up is taken, and what goes wrong is told", async (context) => {
  const told = context.mock.method(console, "error", () => undefined);
  const taken: string[] = [];
  const fails = () => {
    taken.push("first");
    throw new Error("no luck");
  };
  await cleanUp(fails, () => taken.push("second"));
  assert.deepEqual(taken, ["first", "second"]);
  assert.match(String(told.mock.calls[0]?.arguments), /no luck/);
});
