/** Effects of the options of the commands about models, and of those that evaluate one or serve it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { WatchedRun } from "../../support/command-line.ts";
import { ABSENT_DEVICE, ABSENT_DEVICE_NAME, type Effect, type Workspace } from "./effect.ts";

const POOL = ["--processes", "--threads", "--precision", "--device", "--json"];

export function modelEffects({ folder, run, fail, start, rows, model }: Workspace): Effect[] {
  const json = async (...args: string[]) => (await run([...args, "--json"])).last;
  const labels = rows("labels.jsonl", [
    { utterance: "the one", intent: "one" },
    { utterance: "this", intent: "one" },
    { utterance: "that is", intent: "the" },
  ]);
  const prose =
    "The one that is on the list has it for this, and they have it too. As it was for us, so be it for all.";
  const documents = rows(
    "documents.jsonl",
    ["a", "b", "c"].map((title) => ({ title, text: prose, summary: prose })),
  );
  // "--threads" is an older name of "--processes".
  const others = ["--threads", "1", "--precision", "float32", "--device", ABSENT_DEVICE];
  const assertOthers = ({ sent, stderr }: WatchedRun) => {
    assert.match(sent.join(), /"precision":"float32"/);
    assert.match(sent.join(), new RegExp(`"device":"${ABSENT_DEVICE}"`));
    assert.match(stderr, ABSENT_DEVICE_NAME);
  };
  return [
    { command: "", options: ["--version"], shown: ["cli/cli.test.ts", "without arguments it prints help and is done"] },
    {
      command: "info",
      options: ["--json"],
      shown: ["cli/cli.test.ts", "info tells configuration, parameters and memory"],
    },
    {
      command: "models",
      options: ["--installed", "--json"],
      shown: ["cli/models.test.ts", "a model is got, used by its name, checked, found damaged, and removed"],
    },
    {
      command: "models get",
      options: ["--json"],
      shown: ["cli/models.test.ts", "what goes wrong ends with exit code 1 and says what to do"],
    },
    ...["ask", "calibrate", "classify", "demo", "evaluate", "generate", "infill", "score", "summarize"].map(
      (command): Effect => ({
        command,
        options: ["--adapter"],
        async shown() {
          const needed: Readonly<Record<string, readonly string[]>> = {
            ask: ["--question", "What?"],
            calibrate: ["--data", documents],
            classify: ["--labels", "one,two"],
            evaluate: ["--task", "classify", "--data", labels],
            generate: ["--input", "the"],
            score: ["--input", "the", "--target", "one"],
          };
          const said = await fail([command, ...(needed[command] ?? []), "--adapter", model], "The one ___ it is.");
          assert.match(said, /is a whole model, not an adapter/);
        },
      }),
    ),
    {
      command: "models import",
      options: ["--base", "--apart"],
      async shown() {
        const adapter = resolve("test/fixtures/checkpoint/adapters/lora");
        assert.match(
          await fail(["models", "import", adapter]),
          /an adapter \(LORA\) of google\/t5-plain, which is not here/,
        );
        const base = join(folder, "base");
        cpSync(resolve("test/fixtures/checkpoint/plain"), base, { recursive: true });
        cpSync(join(model, "tokenizer.json"), join(base, "tokenizer.json"));
        assert.match(await fail(["models", "import", adapter, "--base", base]), /vocabulary/);
        const { directory } = await json("models", "import", adapter, "--base", base, "--apart");
        assert.ok(
          existsSync(join(directory, "adapter_model.safetensors")) && !existsSync(join(directory, "config.json")),
        );
      },
    },
    {
      command: "models import",
      options: ["--name", "--json"],
      async shown() {
        assert.equal((await json("models", "import", model, "--name", "mine")).id, "mine");
        assert.equal((await json("info", "mine")).parameters, (await json("info", model)).parameters);
      },
    },
    {
      command: "models verify",
      options: ["--json"],
      async shown() {
        const { files } = await json("models", "verify", model);
        assert.ok(files.some(({ name }: { name: string }) => name === "model.safetensors"));
      },
    },
    {
      command: "models verify",
      options: ["--fixtures"],
      shown: [
        "cli/models-verify.test.ts",
        "outside a checkout --fixtures says where to run it, and runs nothing of the working folder",
      ],
    },
    {
      command: "models remove",
      options: ["--json"],
      async shown() {
        const { id } = await json("models", "import", model, "--name", "gone");
        const removed = await json("models", "remove", id);
        assert.ok(removed.id === id && removed.freedBytes > 0);
      },
    },
    {
      command: "devices",
      options: ["--measure", "--model", "--threads", "--json"],
      shown: ["cli/devices.test.ts", "devices tells what there is, measures it, and remembers"],
    },
    {
      command: "evaluate",
      options: ["--task", "--data", "--model", "--columns", "--prefix", ...POOL],
      async shown() {
        const labeled = ["evaluate", "--task", "classify", "--data", labels, "--model", model, "--json"];
        const plain = await run([...labeled, "--columns", "text=intent,label=utterance", "--processes", "2"]);
        const { task, data } = plain.last;
        assert.deepEqual([task, data.rows, plain.last.model.id], ["classify", 3, basename(model)]);
        assert.deepEqual(data.columns, { text: "intent", label: "utterance" });
        assert.match(plain.sent.join(), /"precision":"int8"/);
        const other = await run([...labeled, "--prefix", "so it is: ", ...others]);
        assert.equal(other.processes, plain.processes - 1);
        assert.match(other.sent.join(), /so it is: /);
        assertOthers(other);
      },
    },
    {
      command: "evaluate",
      options: ["--alternatives", "--ngrams", "--predictions"],
      shown: [
        "cli/evaluate.test.ts",
        "infill cuts every kind of gap and compares with n-grams counted on other repositories",
      ],
    },
    {
      command: "evaluate",
      options: ["--limit", "--seed"],
      shown: ["cli/evaluate.test.ts", "a limit draws rows by the seed, and everything but the time repeats"],
    },
    {
      command: "calibrate",
      options: ["--data", "--check", "--limit", "--model", ...POOL],
      async shown() {
        const one = rows("one.jsonl", [{ title: "e", text: prose, summary: prose }]);
        const calibrate = ["calibrate", "--model", model, "--json"];
        const plain = await run([
          ...calibrate,
          "--data",
          documents,
          "--check",
          one,
          "--limit",
          "2",
          "--processes",
          "2",
        ]);
        assert.equal(plain.last.model, basename(model));
        assert.deepEqual(plain.last.fittedOn, { data: documents, rows: 2 });
        assert.deepEqual(plain.last.checkedOn, { data: one, rows: 1 });
        assert.match(plain.sent.join(), /"precision":"int8"/);
        const other = await run([...calibrate, "--data", one, ...others]);
        assert.equal(other.processes, plain.processes - 1);
        assertOthers(other);
      },
    },
    {
      command: "calibrate",
      options: ["--write"],
      shown: ["cli/cli.test.ts", "calibrate keeps its result with the model, and what else the manifest said"],
    },
    {
      command: "export",
      options: ["--to", "--out", "--json"],
      async shown() {
        const { to, out, files } = await json("export", model, "--to", "hf", "--out", "exported");
        assert.deepEqual([to, out], ["hf", join(folder, "exported")]);
        assert.ok(files.length > 2 && existsSync(join(out, "model.safetensors")));
        await json("export", model, "--to", "gguf", "--out", "exported.gguf");
        assert.equal(readFileSync(join(folder, "exported.gguf")).toString("latin1", 0, 4), "GGUF");
      },
    },
    {
      command: "export",
      options: ["--precision"],
      async shown() {
        const { out } = await json("export", model, "--to", "server", "--precision", "bfloat16", "--out", "half");
        assert.match(readFileSync(join(out, "README.md"), "utf8"), /products are in bfloat16/);
      },
    },
    {
      command: "serve",
      options: ["--stdio"],
      shown: ["lsp/working-folder.test.ts", "server and engine run elsewhere"],
    },
    {
      command: "serve",
      options: ["--mcp", "--model"],
      shown: ["mcp/mcp.test.ts", "an agent finds the tools, and that they change nothing and speak to nobody"],
    },
    {
      command: "serve",
      options: [
        ...["--http", "--grpc", "--precision", "--threads", "--batch", "--queue"],
        ...["--token-file", "--tls-cert", "--tls-key"],
      ],
      shown: ["serving/command.test.ts", "a model is served over https with a token, until SIGTERM"],
    },
    {
      command: "serve",
      options: ["--clientProcessId"],
      async shown() {
        const editor = spawn(process.execPath, ["-e", "setInterval(() => 0, 1e6)"]);
        const server = start(["serve", "--stdio", "--clientProcessId", `${editor.pid}`]);
        const closed = once(server, "close");
        const [first] = await Promise.race([once(server, "spawn").then(() => ["spawned"]), closed]);
        assert.equal(first, "spawned");
        editor.kill();
        await closed; // though its input is still open
      },
    },
  ];
}
