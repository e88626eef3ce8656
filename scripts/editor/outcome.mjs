// What came of a run of editor tests: `passed` (a count), `failures` ({ title, message }), `notes` (lines), and how
// many tests were `expected`.

/** Prints an outcome. @returns why the run was not a pass, or undefined */
export function report({ passed, failures, notes = [], expected }) {
  for (const note of notes) console.log(`  ${note}`);
  for (const { title, message } of failures) console.error(`FAILED ${title}\n${message}`);
  const ran = passed + failures.length;
  console.log(`Editor tests run: ${ran} of ${expected}, ${failures.length} failed`);
  if (failures.length > 0) return `${failures.length} failed`;
  // A suite that did not run has not passed.
  return ran === 0 || ran < expected ? `${ran} ran, and ${expected} were expected` : undefined;
}

/** Takes every step even if others fail; reports errors without hiding an earlier one. */
export async function cleanUp(...steps) {
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      console.error(`While cleaning up: ${error.message}`);
    }
  }
}
