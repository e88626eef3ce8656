// Finds regular expressions in the sources whose time grows faster than the text they are tried on: `npm run regexps`.
// recheck, which is installed on first use, looks for an attack on each one that scripts/regexps.json does not list.
// What it finds is tried: an expression whose repetitions are bounded takes linear time all the same, and is listed
// with the attack. `--listed` only compares the sources with the list and tries the attacks again, as a test does.
// Literals are found by parsing, and what modules build of strings by loading them; what functions build is not.
// An expression that is slow and only ever given a few characters is listed by hand under "limited", with the most.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { parser } from "@lezer/javascript";
import { build } from "esbuild";
import { wat } from "./wat.mjs";

const FOLDERS = ["base", "protocol", "models", "server", "client"];
const LIST = join("scripts", "regexps.json");
const RECHECK = "4.5.0";
/** Sizes in UTF-16 units on which an attack is tried; the larger may take `MOST_GROWTH` times as long, or `FAST` ms. */
const [SMALL, LARGE] = [20_000, 80_000];
const [MOST_GROWTH, FAST, MOST_MS] = [8, 30, 20_000];

if (isMainThread) await main();
else await tryAttack(workerData);

async function main() {
  const typescript = parser.configure({ dialect: "ts" });
  const patterns = new Map();
  for (const file of FOLDERS.flatMap(sourcesOf)) {
    const text = readFileSync(file, "utf8");
    typescript.parse(text).iterate({
      enter: ({ name, from, to }) => {
        if (name === "RegExp") patterns.set(text.slice(from, to), file);
      },
    });
  }
  for (const pattern of await builtPatterns()) patterns.set(pattern, "built of strings");
  const { safe, bounded, limited } = JSON.parse(readFileSync(LIST, "utf8"));
  const attacks = new Map([...bounded, ...limited].map(({ pattern, ...attack }) => [pattern, attack]));
  const unknown = [...patterns.keys()].filter((pattern) => !safe.includes(hash(pattern)) && !attacks.has(pattern));
  const onlyListed = process.argv.includes("--listed");
  const failures = [];
  const found = onlyListed ? new Map() : await search(unknown);
  for (const pattern of unknown) {
    const attack = found.get(pattern);
    if (onlyListed) failures.push([pattern, "is not checked yet: run npm run regexps"]);
    else if (typeof attack === "string") failures.push([pattern, attack]);
    else if (attack !== undefined) attacks.set(pattern, attack);
  }
  for (const [pattern, attack] of attacks) {
    if (!patterns.has(pattern)) continue;
    const slow = await slowness(pattern, attack);
    if (slow === undefined) continue;
    failures.push([pattern, slow]);
    attacks.delete(pattern);
  }
  if (!onlyListed) {
    const failed = new Set(failures.map(([pattern]) => pattern));
    const all = [...patterns.keys()].filter((pattern) => !failed.has(pattern));
    const listed = (isWanted) =>
      all.flatMap((pattern) => {
        const attack = attacks.get(pattern);
        return attack !== undefined && isWanted(attack) ? [{ pattern, ...attack }] : [];
      });
    const list = {
      safe: all
        .filter((pattern) => !attacks.has(pattern))
        .map(hash)
        .sort(),
      bounded: listed(({ most }) => most === undefined),
      limited: listed(({ most }) => most !== undefined),
    };
    writeFileSync(LIST, `${JSON.stringify(list, null, 2)}\n`);
  }
  for (const [pattern, why] of failures) console.log(`${patterns.get(pattern)}: ${pattern}\n  ${why}`);
  console.log(`${patterns.size} regular expressions, ${failures.length} not known to take linear time`);
  process.exit(failures.length === 0 ? 0 : 1);
}

function sourcesOf(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.ts$/.test(name)).map((name) => join(folder, name).replaceAll("\\", "/"));
}

/** The expressions that modules build of strings while they are loaded. */
async function builtPatterns() {
  const files = FOLDERS.filter((folder) => folder !== "client") // which needs an editor
    .flatMap(sourcesOf)
    .filter((file) => /\bRegExp\(/.test(readFileSync(file, "utf8")));
  const outfile = resolve(`dist/regexps-${process.pid}.mjs`);
  const contents = files.map((file) => `import "./${file}";`).join("\n");
  await build({
    stdin: { contents, resolveDir: "." },
    ...{ outfile, bundle: true, format: "esm", platform: "node", target: "node20", packages: "external" },
    plugins: [wat],
    logLevel: "warning",
  });
  const built = new Set();
  const { RegExp: Original } = globalThis;
  globalThis.RegExp = new Proxy(Original, {
    construct(target, parameters, self) {
      const expression = Reflect.construct(target, parameters, self);
      const [, , caller = ""] = new Error().stack.split("\n");
      if (caller.includes(outfile)) built.add(String(expression));
      return expression;
    },
  });
  try {
    await import(outfile);
  } finally {
    globalThis.RegExp = Original;
    rmSync(outfile);
  }
  return built;
}

function hash(pattern) {
  return createHash("sha256").update(pattern).digest("hex").slice(0, 12);
}

/** recheck's attacks by pattern; for those that it cannot judge, its reason. */
async function search(patterns) {
  const { cached, npm } = await import("./editor/tools.mjs");
  const folder = cached(`recheck-${RECHECK}`, (place) => npm(["install", `recheck@${RECHECK}`], place));
  const { check } = createRequire(join(folder, "package.json"))("recheck");
  const found = new Map();
  for (const pattern of patterns) {
    const [source, flags] = parted(pattern);
    const known = flags.replace("d", "");
    let judged = await check(source, known, { timeout: 30_000 });
    if (judged.status === "unknown") judged = await check(source, known, { timeout: 30_000, checker: "fuzz" });
    const { status, attack, error } = judged;
    if (status === "vulnerable") found.set(pattern, { pumps: attack.pumps, suffix: attack.suffix });
    if (status === "unknown") found.set(pattern, `recheck cannot judge it: ${error?.kind}`);
  }
  return found;
}

function parted(pattern) {
  const end = pattern.lastIndexOf("/");
  return [pattern.slice(1, end), pattern.slice(end + 1)];
}

/** The reason why the time that an attack takes is too long, or undefined. */
async function slowness(pattern, attack) {
  const sizes = attack.most === undefined ? [SMALL, LARGE] : [attack.most, attack.most];
  const worker = new Worker(new URL(import.meta.url), { workerData: { pattern, attack, sizes } });
  const tooLong = setTimeout(() => worker.terminate(), MOST_MS);
  const times = await new Promise((resolve) => {
    worker.once("message", resolve);
    worker.once("exit", () => resolve(undefined));
  });
  clearTimeout(tooLong);
  if (times === undefined)
    return `takes more than ${MOST_MS / 1000} s on ${sizes[1]} characters; attack ${JSON.stringify(attack)}`;
  if (!isSlow(times, attack.most !== undefined)) return undefined;
  const [small, large] = times.map((time) => time.toFixed(1));
  return `takes ${small} ms on ${sizes[0]} characters and ${large} ms on ${sizes[1]}; attack ${JSON.stringify(attack)}`;
}

function isSlow([small, large], isLimited = false) {
  return large > FAST && (isLimited || large > MOST_GROWTH * small);
}

/** In a worker, which can be ended: sends the milliseconds of the processor on a small and a large text. */
async function tryAttack({ pattern, attack, sizes: [small, large] }) {
  const { parentPort } = await import("node:worker_threads");
  const expression = new RegExp(...parted(pattern));
  const milliseconds = (units) => {
    const text = attacked(attack, units);
    const started = process.cpuUsage();
    text.replace(expression, "");
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  };
  let times;
  // Other work on the machine may slow one measurement.
  for (let i = 0; i < 3 && (times === undefined || isSlow(times, small === large)); i += 1)
    times = [milliseconds(small), milliseconds(large)];
  parentPort.postMessage(times);
}

/** A text of about so many units: each part of the attack repeated as often. */
function attacked({ pumps, suffix }, units) {
  const fixed = pumps.reduce((sum, { prefix }) => sum + prefix.length, suffix.length);
  const repeated = pumps.reduce((sum, { pump }) => sum + pump.length, 0);
  const times = Math.max(1, Math.floor((units - fixed) / repeated));
  return pumps.map(({ prefix, pump }) => prefix + pump.repeat(times)).join("") + suffix;
}
