/** Commands by the names that they had before: configurations of other editors still call them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { startSession } from "../session.ts";

const folder = randomModelFolder();
after(() => folder.dispose());
const settings = {
  model: folder.directory,
  precision: "float32",
  threads: 1,
  inlineCompletion: { minimumConfidence: 0 },
};

test("a former name of a command does what the present one does", { timeout: 300_000 }, async () => {
  await using session = await startSession({ settings });
  session.client.answers.set("workspace/applyEdit", () => ({ applied: true }));
  const uri = "file:///notes.md";
  session.open(uri, "the one of\nis it for was");
  const both = async (former: string, name: string, argument: object) => {
    const answers = [];
    for (const each of [former, name]) answers.push(await session.command(`spanfill.${each}`, argument));
    assert.deepEqual(answers[0], answers[1]);
    return JSON.stringify(answers[0]);
  };
  assert.match(await both("infillText", "fillGapsInText", { text: "the ___ of" }), /"text":"the .*of"/);
  const position = { line: 0, character: 10 };
  assert.match(await both("completeHere", "continueHere", { uri, version: 1, position }), /"applied":true/);
  const rest = { uri, text: "the ferry goes", offset: 14, explicit: true };
  assert.match(await both("completeText", "continueText", rest), /"items":\[".+"\]/);
  assert.match(await both("unloadModel", "freeModelMemory", {}), /"state":"unloaded"/);
});
