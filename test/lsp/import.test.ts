/** An import whose process hangs: the server goes on answering, and the import can be stopped. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Job, ModelList } from "../../protocol/panel/models.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { eventually } from "../support/waiting.ts";
import { lives, startSession } from "./session.ts";

const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-import-"));
process.env["SPANFILL_MODELS"] = join(folder, "own"); // the server reads it when it starts
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** The first child of a process that runs its own program: until then the parent waits for it. */
function childOf(pid: number): number | undefined {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  return child && /child\.js/.test(readFileSync(`/proc/${child}/cmdline`, "utf8")) ? Number(child) : undefined;
}

const onLinux = { skip: process.platform !== "linux", timeout: 120_000 };
test(
  "while an import hangs the server answers, and stopping it ends its process and leaves nothing",
  onLinux,
  async () => {
    await using session = await startSession({ settings: { model: model.directory } });
    const { client } = session;
    const ask = (question: object) => client.request("spanfill/panel", question);
    const { pid } = client.process;
    assert.ok(pid);
    const importing = ask({ kind: "import", path: model.directory }).then(
      () => assert.fail("it was imported"),
      (error: unknown) => error,
    );
    let child: number | undefined;
    await eventually(() => {
      child = childOf(pid);
      return child !== undefined;
    });
    const importer = child ?? 0;
    process.kill(importer, "SIGSTOP");
    const { jobs } = (await ask({ kind: "models" })) as ModelList;
    assert.deepEqual(
      jobs.map(({ id, kind, state }: Job) => [id, kind, state]),
      [[model.directory, "import", "running"]],
    );
    await ask({ kind: "stop", id: model.directory });
    assert.match(String(await importing), /Stopped/);
    await eventually(() => !lives(importer));
    assert.deepEqual(
      readdirSync(join(folder, "own")).filter((name) => name.startsWith(".importing")),
      [],
    );
  },
);
