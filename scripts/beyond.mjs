/**
 * Asks servers that were not written here: `npm run test:beyond [-- triton] [requests] [seconds]`. Installs MLServer
 * (or the Triton of nvidia-pytriton) and ONNX Runtime from PyPI into a temporary Python environment, or uses one that
 * is named (beyond-servers.mjs), exports models, starts the server on this machine's own address, compares seeded
 * requests with the CPU's answers, and writes a report into docs. Where the packages cannot be installed it says so and
 * ends without an error. With the argument "cluster" it runs beyond-cluster.mjs instead.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { buildProgram, environment } from "./beyond-programs.mjs";
import { batched, SERVERS } from "./beyond-servers.mjs";

const named = process.argv.slice(2);
const kind = /^[a-z]/.test(named[0] ?? "") ? named.shift() : "mlserver";
const [requests = "200", seconds = "1800"] = named;
const PROGRAM = "dist/beyond.mjs";
const BUILT_IN = "models/builtin/t5-efficient-tiny-nl4-spanfill";
const SHOWN = { random: "random weights, 2 layers, 130 tokens", "built-in": "built-in, 4 layers, 32,128 tokens" };
const folder = mkdtempSync(join(tmpdir(), "spanfill-beyond-"));
let server;
try {
  if (kind === "cluster") await import("./beyond-cluster.mjs");
  else if (Object.hasOwn(SERVERS, kind)) await beside(SERVERS[kind]);
  else throw new Error(`There is no "${kind}": use ${Object.keys(SERVERS).join(", ")} or cluster.`);
} finally {
  server?.kill();
  rmSync(PROGRAM, { force: true });
  rmSync(folder, { recursive: true, force: true });
}

async function beside(its) {
  const bin = environment(folder, its.variable, its.packages);
  if (bin === undefined) {
    console.log(`Skipped: ${its.packages.join(" and ")} cannot be installed here from PyPI.`);
    return;
  }
  await buildProgram(PROGRAM);
  const models = { random: join(folder, "random"), builtIn: join(folder, "built-in") };
  run("model", models.random);
  cpSync(BUILT_IN, models.builtIn, { recursive: true });
  const repository = join(folder, "repository");
  for (const [name, model] of Object.entries(models)) {
    const part = join(folder, `part-${name}`);
    const exported = spawnSync(process.execPath, ["dist/cli.js", "export", model, "--to", "server", "--out", part]);
    if (exported.status !== 0) throw new Error(String(exported.stderr));
    cpSync(part, repository, { recursive: true });
  }
  const started = await its.start(bin, repository, folder);
  server = started.server;
  const ended = once(server, "exit").then(([code]) => Promise.reject(new Error(`The server ended with ${code}`)));
  ended.catch(() => undefined);
  await Promise.race([ready(started.rest), ended]);
  const { name, version, extensions } = await (await fetch(`${started.rest}/v2`)).json();
  // Only where the server keeps count of its runs.
  const batch = extensions.includes("statistics")
    ? await batched(started.rest, `${basename(BUILT_IN)}-encode`)
    : undefined;
  const ways = Object.entries(models).flatMap(([which, model]) => [
    { model, over: "REST", place: started.rest, share: its.shares[which][0] },
    { model, over: "gRPC", place: started.grpc, share: its.shares[which][1] },
  ]);
  const endMs = performance.now() + Number(seconds) * 1000;
  const parts = ways.map(({ model, over, place, share }, i) => {
    // What one has left over is the others'.
    const left = ways.slice(i).reduce((sum, way) => sum + way.share, 0);
    const limit = ((endMs - performance.now()) / 1000) * (share / left);
    return { model, over, lines: run("compare", model, requests, String(limit), place) };
  });
  writeFileSync(its.report, report(its, `${name} ${version}`, parts, batch));
}

/** Runs the program; its lines of JSON. */
function run(...args) {
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, SPANFILL_SERVER: args[4] ?? "", SPANFILL_SERVER_SECONDS: "300" },
  });
  if (status !== 0) throw new Error(`${args[0]} ended with ${status}: ${stdout}`);
  return String(stdout)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

async function ready(address) {
  for (;;) {
    const answer = await fetch(`${address}/v2/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await wait(300);
  }
}

function report(its, name, parts, batch) {
  const rows = parts.flatMap(({ model, over, lines }) =>
    lines.map(({ kind: what, requests: asked, tokens, seconds: took }) => {
      const ms = ((1000 * took) / Math.max(1, asked)).toFixed(0);
      return `| ${SHOWN[basename(model)]} | ${over} | ${what} | ${asked} | ${tokens} | 0 | ${ms} |`;
    }),
  );
  const argument = its === SERVERS.mlserver ? "" : ` -- ${kind}`;
  return `# ${its.title}

\`npm run test:beyond${argument} [requests] [seconds]\` exports models (\`spanfill export --to server\`), starts a server that was not written here on them,
and asks each seeded request twice: of the CPU here in float32, and of the server by \`--device server\`. The tokens must be the same, and likelihoods
equal to 1e-4; the first difference ends the run with an error, and so does a request that the CPU had to answer. The last run: ${name}.

${its.described}${batch === undefined ? "" : `\n\nOf ${batch.texts} texts of one length that came at once, the server computed several together: ${batch.runs} runs of the encoder, with the same states as one by one.`}

| model | over | kind | requests | tokens compared | differences | ms for a request, both sides |
|---|---|---|---|---|---|---|
${rows.join("\n")}

Fewer requests than ${requests} mean that the time was over. "greedy" and "beams" are how summaries are written; "words" is the weighing of words for gaps and
ghost text. The milliseconds are of a machine that had other work at the time: they do not compare anything.
${its.notes}`;
}
