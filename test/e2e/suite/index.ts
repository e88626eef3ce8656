/** What VS Code's extension host calls: runs the editor tests with mocha and writes what came of them to a file. */
import { renameSync, writeFileSync } from "node:fs";
import Mocha from "mocha";

/** The outcome as the launcher reads it. A killed extension host leaves none, and so is never taken for a pass. */
export interface Outcome {
  /** How many tests there are. */
  readonly expected: number;
  readonly passed: number;
  readonly failures: readonly { readonly title: string; readonly message: string }[];
  readonly notes: readonly string[];
}

/** Runs all tests. Rejects when one failed, so that the exit code says so too. */
export async function run(): Promise<void> {
  // Some of them, while one is written; the launcher misses the others.
  const grep = process.env["SPANFILL_E2E_ONLY"];
  const mocha = new Mocha({
    ...(grep && { grep }),
    ui: "tdd",
    timeout: 120_000,
    forbidOnly: true,
    forbidPending: true,
  });
  mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, "", mocha);
  // After mocha's globals are there.
  await import("./writing.test.ts");
  await import("./words.test.ts");
  await import("./folders.test.ts");
  await import("./places.test.ts");
  await import("./surroundings.test.ts");
  await import("./recovery.test.ts");
  await import("./log.test.ts");
  const failures: { title: string; message: string }[] = [];
  let passed = 0;
  await new Promise<void>((resolve) => {
    mocha
      .run(() => resolve())
      .on("pass", (test) => {
        passed += 1;
        console.log(`ok ${test.fullTitle()} (${test.duration} ms)`);
      })
      .on("fail", (test, error) => {
        failures.push({ title: test.fullTitle(), message: error.stack ?? error.message });
        console.log(`not ok ${test.fullTitle()}\n${error.stack ?? error.message}`);
      });
  });
  const { notes } = await import("./editor.ts");
  const outcome: Outcome = { expected: mocha.suite.total(), passed, failures, notes };
  const path = process.env["SPANFILL_E2E_RESULT"] ?? "";
  writeFileSync(`${path}.part`, JSON.stringify(outcome));
  renameSync(`${path}.part`, path);
  if (failures.length > 0) throw new Error(`${failures.length} editor tests failed`);
}
