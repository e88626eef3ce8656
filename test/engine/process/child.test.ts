import assert from "node:assert/strict";
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import { built } from "../../support/built.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const childPath = built("child.js");
const folder = randomModelFolder();
after(() => folder.dispose());
const model = { directory: folder.directory, precision: "float32" };

interface Answer {
  readonly type: string;
  readonly id: number;
  readonly code?: string;
  readonly message?: string;
}

function start(): { child: ChildProcess; next: () => Promise<Answer>; stderr: () => string } {
  const child = fork(childPath, [], {
    serialization: "advanced",
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const next = async () => (await once(child, "message"))[0] as Answer;
  return { child, next, stderr: () => said };
}

async function end(child: ChildProcess): Promise<unknown> {
  child.disconnect();
  return (await once(child, "exit"))[0];
}

const garbage: [string, unknown][] = [
  ["an unknown type", { type: "format-disk", id: 1 }],
  ["a call without its model", { type: "encode", id: 2, parts: [] }],
  ["a part of an unknown kind", { type: "encode", id: 3, model, parts: [{ kind: "image" }] }],
  ["ids that are words", { type: "decode", id: 4, model, ids: ["a"] }],
  ["a precision there is none of", { type: "load", id: 5, model: { ...model, precision: "int2" } }],
];
test("answers garbage with a failure, and goes on", async () => {
  const { child, next, stderr } = start();
  for (const [what, message] of garbage) {
    child.send(message as object);
    const answer = await next();
    assert.deepEqual([answer.type, answer.code], ["failed", "process"], what);
    assert.match(String(answer.message), /does not understand/);
  }
  child.send("not even an object");
  child.send({ type: "cancel", id: 999 });
  child.send({ type: "load", id: 6, model });
  const loaded = await next();
  assert.deepEqual([loaded.type, loaded.id], ["result", 6]);
  assert.equal(await end(child), 0);
  assert.match(stderr(), /does not understand/);
});

test("ends when its parent is killed, whatever it was doing", { timeout: 20_000 }, async () => {
  // Work for much longer than the timeout.
  const script = `
    import { fork } from "node:child_process";
    const child = fork(${JSON.stringify(childPath)}, [], { serialization: "advanced", execArgv: [] });
    child.on("message", () => console.log("at work"));
    const request = { inputs: [[5, 1]], maxNewTokens: 4000, bannedTokens: [1] };
    for (let id = 0; id < 100; id++) {
      child.send({ type: "generate", id, model: ${JSON.stringify(model)}, request, stream: true });
    }`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(parent.stdout, "data");
  parent.kill("SIGKILL");
  // The child has the parent's stdout too: it ends when both are gone.
  await once(parent.stdout.resume(), "end");
});
