/**
 * The tests of the network fail where they must: with a preload that connects, and without the line that switches
 * telemetry off.
 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { built } from "../support/built.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { place, skip, traced } from "../support/traced.ts";

const { wat }: { wat: Plugin } = await import(pathToFileURL(resolve("scripts/wat.mjs")).href);
const here = place();
const model = randomModelFolder();
after(() => {
  here[Symbol.dispose]();
  model.dispose();
});

/** What a preload does, and what is said of it. */
const preloads: [string, string, RegExp][] = [
  ["connects", 'require("node:net").connect(9, "127.0.0.1").on("error", () => {})', /opens a socket: AF_INET,/],
  ["connects by IPv6", 'require("node:net").connect(9, "::1").on("error", () => {})', /opens a socket: AF_INET6,/],
  ["sends a datagram", 'require("node:dgram").createSocket("udp4").bind(0).unref()', /opens a socket: AF_INET,/],
  ["fetches", 'fetch("http://collector.invalid/").catch(() => {})', /opens a socket: AF_|looks up a name/],
  [
    "looks up a name",
    'require("node:dns").lookup("collector.invalid", () => {})',
    /looks up a name: reads \/etc\/|AF_NETLINK/,
  ],
  [
    "asks a name server",
    'require("node:dns").resolve4("collector.invalid", () => {})',
    /looks up a name: reads \/etc\/resolv\.conf/,
  ],
  [
    "connects to a local service",
    'require("node:net").connect("/run/other.sock").on("error", () => {})',
    /connects a socket to \/run\/other\.sock/,
  ],
  [
    "starts what connects",
    `require("node:child_process").spawnSync(process.execPath, ["-e", "require('net').connect(9, '127.0.0.1').on('error', () => {})"], { env: {} })`,
    /opens a socket: AF_INET,/,
  ],
  [
    "connects in a thread",
    `new (require("node:worker_threads").Worker)("require('net').connect(9, '127.0.0.1').on('error', () => {})", { eval: true })`,
    /opens a socket: AF_INET,/,
  ],
  [
    "writes to the home folder",
    'require("node:fs").writeFileSync(process.env.HOME + "/noted", "")',
    /openat of .*\/home\/noted/,
  ],
  [
    "writes to the temporary folder",
    'require("node:fs").mkdtempSync(require("node:os").tmpdir() + "/x-")',
    /mkdir of .*\/tmp\/x-/,
  ],
  [
    "writes beside the product's folder",
    'require("node:fs").writeFileSync(process.env.HOME + "/.cache/spanfill-not", "")',
    /spanfill-not/,
  ],
  ["removes a file", 'require("node:fs").rmSync(process.env.HOME + "/kept")', /unlink of .*\/home\/kept/],
  [
    "writes by way of a link",
    'require("node:fs").mkdirSync(process.env.HOME + "/.cache/spanfill", { recursive: true }); require("node:fs").symlinkSync(process.env.HOME, process.env.HOME + "/.cache/spanfill/l"); require("node:fs").writeFileSync(process.env.HOME + "/.cache/spanfill/l/far", "")',
    /openat of .*\/home\/far/,
  ],
];

test("a planted preload is noticed", { skip, timeout: 300_000 }, async (t) => {
  const cli = built("cli.js");
  for (const [what, code, expected] of preloads) {
    await t.test(`one that ${what}`, async () => {
      const preload = join(here.work, "preload.cjs");
      writeFileSync(join(here.home, "kept"), "");
      const once = "process.env.SPANFILL_PLANTED";
      writeFileSync(
        preload,
        `if (!${once}) { ${once} = "1"; require("node:fs").mkdirSync(process.env.HOME + "/.cache", { recursive: true }); ${code}; }`,
      );
      const {
        code: exit,
        complaints,
        stderr,
      } = await traced(here, [cli, "--version"], { env: { NODE_OPTIONS: `--require=${preload}` } });
      assert.equal(exit, 0, stderr);
      assert.match(complaints.join("\n"), expected);
    });
  }
});

test("without a preload the same command is quiet", { skip }, async () => {
  assert.deepEqual((await traced(here, [built("cli.js"), "--version"])).complaints, []);
});

test("without the line that switches telemetry off, a command is noticed", { skip, timeout: 300_000 }, async () => {
  const folder = mkdtempSync(resolve("dist", "planted-"));
  const outdir = join(folder, "dist");
  cpSync("package.json", join(folder, "package.json"));
  try {
    await build({
      entryPoints: { cli: "server/cli.ts" },
      outdir,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      external: ["onnxruntime-node", "onnxruntime-web"],
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
      logLevel: "warning",
      plugins: [
        wat,
        {
          name: "without",
          setup: ({ onLoad }) =>
            onLoad({ filter: /[\\/]engine[\\/]runtime[\\/]session\.ts$/ }, ({ path }) => {
              const source = readFileSync(path, "utf8");
              const contents = source.replace(/^\s*switchOffTelemetry\(\);$/m, "");
              assert.notEqual(contents, source);
              return { contents, loader: "ts" };
            }),
        },
      ],
    });
    const { code, complaints, stderr } = await traced(
      here,
      [join(outdir, "cli.js"), "infill", "--model", model.directory, "--threads", "1"],
      {
        input: "the ___ of",
      },
    );
    assert.equal(code, 0, stderr);
    assert.match(complaints.join("\n"), /mat-debug-\d+\.log/);
    assert.match(complaints.join("\n"), /Microsoft\/DeveloperTools\/\.onnxruntime/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
