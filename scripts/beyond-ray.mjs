// A Ray cluster of this machine, and documents that it summarizes: a part of `npm run test:beyond -- cluster`.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "./free-port.mjs";

const CLI = resolve("dist/cli.js");
const DOCUMENTS = ["README.md", "PRIVACY.md", "CHANGELOG.md", "docs/serving.md", "docs/cluster.md", "docs/stress.md"];

/** Starts a cluster that asks for a token, whose machines have this `spanfill`. The caller ends `head`. */
export async function startRay(bin, folder) {
  const [gcs, port] = [await freePort(), await freePort()];
  const token = randomBytes(24).toString("hex");
  const authentication = { RAY_AUTH_MODE: "token", RAY_AUTH_TOKEN: token, RAY_USAGE_STATS_ENABLED: "0" };
  const programs = join(folder, "programs");
  mkdirSync(programs);
  writeFileSync(join(programs, "spanfill"), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  chmodSync(join(programs, "spanfill"), 0o755);
  const args = ["start", "--head", "--block", "--num-cpus=3", `--port=${gcs}`, "--dashboard-host=127.0.0.1"];
  const temporary = join(folder, "ray");
  const head = spawn(join(bin, "ray"), [...args, `--dashboard-port=${port}`, `--temp-dir=${temporary}`], {
    env: { ...process.env, ...authentication, PATH: [bin, programs, process.env["PATH"]].join(delimiter) },
    stdio: "ignore",
  });
  const [origin, headers] = [`http://127.0.0.1:${port}`, { authorization: `Bearer ${token}` }];
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await fetch(`${origin}/api/version`).catch(() => undefined)) !== undefined) break;
    await wait(500);
  }
  const ask = async (path) => (await fetch(`${origin}${path}`, { headers })).json();
  return { head, token, ask, address: `ray://127.0.0.1:${port}`, temporary };
}

/**
 * Summarizes documents here and on the cluster: the same lines, also where a worker is killed, or the command itself.
 * @param model a folder that is sent
 */
export async function batchOnRay({ address, temporary }, folder, model, say) {
  const documents = join(folder, "documents");
  mkdirSync(documents);
  for (const name of DOCUMENTS) copyFileSync(name, join(documents, name.replace("/", "-")));
  writeFileSync(join(documents, "empty.md"), "");
  writeFileSync(join(documents, "utf-16.md"), Buffer.from("\ufeffhello there", "utf16le"));
  writeFileSync(join(documents, "none.md"), "```\ncode\n```\n");
  writeFileSync(join(documents, "key.md"), "The key is AKIAABCDEFGHIJKLMNOP.\n");
  const cases = [
    ["the built-in model, sentences", []],
    ["the built-in model, bullets of 40 words", ["--style", "bullets", "--max-words", "40"]],
    ["a model that is sent", ["--model", model, "--precision", "float32", "--style", "title"]],
  ];
  const counts = [];
  for (const [i, [, options]] of cases.entries()) {
    const here = batch(folder, documents, `here-${i}`, options);
    const there = batch(folder, documents, `there-${i}`, [...options, "--on", address]);
    if (here.status !== 1 || there.status !== 1) throw new Error(`${there.stderr}`);
    const [ours, theirs] = [here, there].map(({ lines }) => String(lines).split("\n"));
    const other = ours.findIndex((line, at) => line !== theirs[at]);
    if (!here.lines.equals(there.lines))
      throw new Error(`the cluster answers otherwise: ${ours[other]}\n${theirs[other]}\n${there.stderr}`);
    counts.push(String(here.lines).trimEnd().split("\n").length);
  }
  const whole = readFileSync(join(folder, "here-0.jsonl"));
  await killWorker(folder, documents, temporary, address, whole);
  const reused = await killCommand(folder, documents, address, whole);
  say("");
  say(
    `\`summarize --batch\` of ${counts[0]} files on Ray and here: the same lines, byte for byte, with ${cases.map(([what]) => what).join("; ")}. A task's worker was killed, and the lines were the same; the command itself was killed, and the second one took ${reused} answers from the first.`,
  );
}

/** A task's worker is killed, and Ray repeats the task. */
async function killWorker(folder, documents, temporary, address, whole) {
  const child = start(folder, documents, "worker", ["--on", address]);
  const ended = once(child, "close");
  for (;;) {
    const rows = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
    const of = (line) => line.trim().split(/\s+/);
    const raylet = rows.find((line) => line.includes("raylet/raylet") && line.includes(temporary));
    const task = rows.find((line) => line.includes("ray::summarize") && of(line)[1] === of(raylet ?? "")[0]);
    if (task !== undefined) {
      process.kill(Number(of(task)[0]), "SIGKILL");
      break;
    }
    if (child.exitCode !== null) throw new Error("no task was seen");
    await wait(100);
  }
  await ended;
  if (!readFileSync(join(folder, "worker.jsonl")).equals(whole)) throw new Error("a killed worker changed the answers");
}

/** The command is killed after its first answers, and a second one goes on. @returns the answers that it took over */
async function killCommand(folder, documents, address, whole) {
  const out = join(folder, "command.jsonl");
  const child = start(folder, documents, "command", ["--on", address]);
  const ended = once(child, "close");
  const answers = () => (existsSync(out) ? readFileSync(out, "utf8").split('"summary"').length - 1 : 0);
  while (answers() === 0 && child.exitCode === null) await wait(100);
  child.kill("SIGKILL");
  await ended;
  const { lines, account } = batch(folder, documents, "command", ["--on", address, "--json"]);
  if (!lines.equals(whole)) throw new Error("a killed command changed the answers");
  if (!(account.reused > 0)) throw new Error(`nothing was taken over: ${JSON.stringify(account)}`);
  return account.reused;
}

function batch(folder, documents, name, options) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args(folder, documents, name, options));
  const account = options.includes("--json") ? JSON.parse(String(stdout)) : undefined;
  return { status, stderr, account, lines: readFileSync(join(folder, `${name}.jsonl`)) };
}

function start(folder, documents, name, options) {
  return spawn(process.execPath, args(folder, documents, name, options), { stdio: "ignore" });
}

function args(folder, documents, name, options) {
  return [CLI, "summarize", "--batch", documents, "--out", join(folder, `${name}.jsonl`), "--threads", "1", ...options];
}
