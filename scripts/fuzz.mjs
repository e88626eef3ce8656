// Searches for inputs that crash, hang or bloat a reader, by coverage: `npm run fuzz -- [--seconds 600] [reader ...]`;
// with --write the outcome is kept in docs/fuzz.md. Jazzer.js, which is installed on first use, changes the readers'
// seeds and what it found before; its corpus stays in test-results/fuzz. Each reader runs in a separate process. What
// it finds belongs into test/fixtures/fuzz, where `npm test` reads it again. On Linux Jazzer.js needs glibc 2.38:
// SPANFILL_FUZZ_LOADER may name a newer loader with its arguments, such as
// `/opt/glibc/ld-linux-x86-64.so.2 --library-path /opt/glibc`.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { cached, npm } from "./editor/tools.mjs";
import { record } from "./fuzz-report.mjs";
import { wat } from "./wat.mjs";

const JAZZER = "4.0.0";
/** A reader that takes longer than this for one input hangs; one that takes more memory grows without end. */
const [MOST_SECONDS, MOST_MB] = [5, 3000];

const { values, positionals } = parseArgs({
  options: { seconds: { type: "string", default: "120" }, write: { type: "boolean", default: false } },
  allowPositionals: true,
});
const tools = cached(`jazzer-${JAZZER}`, (folder) => npm(["install", `@jazzer.js/core@${JAZZER}`], folder));
const cli = join(tools, "node_modules", "@jazzer.js", "core", "dist", "cli.js");
const outdir = resolve(`dist/fuzz-${process.pid}`);
const bundle = join(outdir, "jazzer.cjs");
process.on("exit", () => rmSync(outdir, { recursive: true, force: true }));
await build({
  entryPoints: ["test/fuzz/jazzer.ts"],
  outfile: bundle,
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  external: ["onnxruntime-node", "onnxruntime-web"],
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
  // What reads a file beside itself reads it from the sources.
  define: { "import.meta.url": JSON.stringify(new URL("../server/main.ts", import.meta.url).href) },
  plugins: [wat],
  logLevel: "warning",
});
const loader = (process.env.SPANFILL_FUZZ_LOADER ?? "").split(" ").filter(Boolean);
const [command, ...first] = [...loader, process.execPath];
const listed = spawnSync(process.execPath, [bundle, "--list"], { encoding: "utf8" });
if (listed.status !== 0) fail(listed.stderr);
const readers = listed.stdout.split("\n").filter(Boolean);
for (const name of positionals) if (!readers.includes(name)) fail(`There is no reader ${name}: ${readers.join(", ")}.`);

let failed = 0;
for (const name of positionals.length > 0 ? positionals : readers) if (!search(name)) failed += 1;
process.exit(failed === 0 ? 0 : 1);

/** @returns whether nothing was found */
function search(name) {
  const env = { ...process.env, SPANFILL_FUZZ: name };
  const seeds = join(outdir, "seeds", name);
  const results = join("test-results", "fuzz", name);
  const corpus = join(results, "corpus");
  mkdirSync(corpus, { recursive: true });
  spawnSync(process.execPath, [bundle, "--seeds", seeds], { env, stdio: "inherit" });
  const found = join("test", "fixtures", "fuzz", name);
  if (existsSync(found)) cpSync(found, seeds, { recursive: true });
  const options = [
    ...[`-max_total_time=${values.seconds}`, `-timeout=${MOST_SECONDS}`, `-rss_limit_mb=${MOST_MB}`],
    ...["-max_len=16384", `-artifact_prefix=${results}/`, "-print_final_stats=1"],
  ];
  const run = [...first, cli, bundle, corpus, seeds, "-i", "jazzer.cjs", "--", ...options];
  const { status, stderr } = spawnSync(command, run, { env, encoding: "utf8", maxBuffer: 1e9 });
  // A process that ends at its time may lose its last lines.
  const counts = [...stderr.matchAll(/^#(\d+)\s/gm)].map(([, count]) => count);
  const executions = /number_of_executed_units: +(\d+)/.exec(stderr)?.[1] ?? counts.at(-1);
  const memory = Math.max(...Array.from(stderr.matchAll(/rss: (\d+)Mb/g), ([, megabytes]) => Number(megabytes)));
  const coverage = [...stderr.matchAll(/cov: (\d+)/g)].map(([, count]) => Number(count));
  if (executions === undefined && status === 0) fail(`Jazzer.js did not run: ${stderr.slice(-2000)}`);
  const kept = readdirSync(corpus).length;
  console.log(
    `${name.padEnd(24)} ${executions ?? "some"} inputs, coverage ${coverage[0]} to ${coverage.at(-1)}, at most ${memory} MB, ${kept} kept`,
  );
  const outcome = status === 0 ? "nothing" : (/ERROR: (.*)/.exec(stderr)?.[1] ?? "an error");
  const edges = `${coverage[0]} to ${coverage.at(-1)}`;
  if (values.write && executions !== undefined)
    record({ name, seconds: values.seconds, inputs: executions, coverage: edges, kept, memory, found: outcome });
  if (status !== 0) console.error(stderr.split("\n").slice(-40).join("\n"));
  return status === 0;
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
