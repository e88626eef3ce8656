/**
 * ONNX Runtime's telemetry: off before the library is loaded, under the names that the shipped libraries know; and its
 * leftovers.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { defined } from "../../../base/defined.ts";
import { NO_TELEMETRY, removeTelemetryLogs, switchOffTelemetry } from "../../../server/engine/runtime/telemetry.ts";
import { built } from "../../support/built.ts";
import { withTelemetryAllowed } from "../../support/traced.ts";

function scratch(): { readonly folder: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-telemetry-"));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

test("a process switches telemetry off over any other value", () => {
  for (const value of ["0", "", "false", undefined]) {
    const environment: NodeJS.ProcessEnv = {
      PATH: "/bin",
      ...defined({ ORT_DISABLE_TELEMETRY: value }),
    };
    switchOffTelemetry(environment, true);
    assert.deepEqual(environment, { PATH: "/bin", ...NO_TELEMETRY });
  }
});

test("a worker thread, whose environment is a copy, is refused unless its process has switched it off", async () => {
  assert.throws(() => switchOffTelemetry({ ORT_DISABLE_TELEMETRY: "1" }, false), /worker thread/);
  switchOffTelemetry({ ...NO_TELEMETRY }, false);
  // The reason: what a thread sets is not in the environment of the process.
  const script = 'process.env.SPANFILL_SEEN = "1"; require("node:worker_threads").parentPort.postMessage(0)';
  const worker = new Worker(script, { eval: true });
  await new Promise((resolve) => worker.once("message", resolve));
  await worker.terminate();
  assert.equal(process.env["SPANFILL_SEEN"], undefined);
});

test("the libraries that ship know the variables by these names", () => {
  const folder = "node_modules/onnxruntime-node/bin/napi-v6";
  const libraries: [string, keyof typeof NO_TELEMETRY][] = [
    ["linux/x64/libonnxruntime.so.1", "ORT_DISABLE_TELEMETRY"],
    ["linux/arm64/libonnxruntime.so.1", "ORT_DISABLE_TELEMETRY"],
    ["darwin/arm64/libonnxruntime.1.dylib", "ORT_DISABLE_TELEMETRY"],
    ["win32/x64/onnxruntime.dll", "ORT_RUNNING_UNIT_TESTS"],
    ["win32/arm64/onnxruntime.dll", "ORT_RUNNING_UNIT_TESTS"],
  ];
  for (const [file, variable] of libraries) {
    const bytes = readFileSync(join(folder, file));
    assert.ok(
      bytes.includes(`${variable}\0`),
      `${file} does not know ${variable}: see how its telemetry is switched off`,
    );
    // A Windows build that sends by itself would need the other variable.
    assert.equal(bytes.includes("events.data.microsoft.com"), !file.startsWith("win32"), file);
  }
});

test("WebAssembly's build has no telemetry", () => {
  for (const name of readdirSync("node_modules/onnxruntime-web/dist").filter((file) => /\.(wasm|mjs)$/.test(file)))
    assert.ok(!readFileSync(join("node_modules/onnxruntime-web/dist", name)).includes("events.data.microsoft"), name);
});

test("a command leaves no device id, database or log, whatever the variable was", () => {
  using place = scratch();
  const [home, temporary] = [join(place.folder, "home"), join(place.folder, "tmp")];
  for (const folder of [home, temporary]) mkdirSync(folder);
  const env = { ...withTelemetryAllowed(process.env), ORT_DISABLE_TELEMETRY: "0", HOME: home, TMPDIR: temporary };
  const run = spawnSync(process.execPath, [built("cli.js"), "infill"], {
    env,
    input: "A map is a ___ of keys.",
    encoding: "utf8",
  });
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(readdirSync(temporary), []);
  assert.equal(existsSync(join(home, ".cache", "Microsoft")), false);
  assert.equal(existsSync(join(home, "Library", "Application Support", "Microsoft")), false);
});

const SESSION = "1795920004509\nee2aadd9-2f3e-3c09-a76f-edd185243b04\n";
/** A process id that is none: above Linux's and macOS's greatest. */
const ENDED = 4194999;
const skip = process.getuid === undefined && "only the Linux and macOS builds leave files";

test("empty logs of ended processes and a session file are removed once, and nothing else", { skip }, () => {
  using place = scratch();
  const [cache, temporary] = [join(place.folder, "cache"), join(place.folder, "tmp")];
  mkdirSync(temporary);
  const write = (name: string, text: string) => writeFileSync(join(temporary, name), text);
  write(`mat-debug-${ENDED}.log`, "");
  write(".ses", SESSION);
  const kept = {
    [`mat-debug-${ENDED + 1}.log`]: "a line that somebody may want",
    [`mat-debug-${process.pid}.log`]: "",
    "mat-debug-.log": "",
    "mat-debug-12.log.bak": "",
    "my-mat-debug-12.log": "",
    "mat-debug-99999999999.log": "",
    ".ses2": SESSION,
    "other.log": "",
  };
  for (const [name, text] of Object.entries(kept)) write(name, text);
  mkdirSync(join(temporary, `mat-debug-${ENDED + 2}.log`));
  write("target", "");
  symlinkSync("target", join(temporary, `mat-debug-${ENDED + 3}.log`));
  write("twice", "");
  linkSync(join(temporary, "twice"), join(temporary, `mat-debug-${ENDED + 4}.log`));
  const before = readdirSync(temporary);
  const old = new Date(Date.now() - 60_000);
  for (const name of before) utimesSync(join(temporary, name), old, old);

  assert.equal(removeTelemetryLogs(cache, temporary), 2);
  const removed = [".ses", `mat-debug-${ENDED}.log`];
  assert.deepEqual(readdirSync(temporary).sort(), before.filter((name) => !removed.includes(name)).sort());

  // Another program's, since ours write none any more.
  write(`mat-debug-${ENDED}.log`, "");
  write(".ses", SESSION);
  assert.equal(removeTelemetryLogs(cache, temporary), 0);
  // A process of an earlier version that was still running the first time.
  utimesSync(join(temporary, `mat-debug-${ENDED}.log`), old, old);
  assert.equal(removeTelemetryLogs(cache, temporary), 1);
  assert.equal(existsSync(join(temporary, ".ses")), true);
});

test("a session file that is not to the letter stays", { skip }, () => {
  for (const text of [`${SESSION}x`, SESSION.replace("-", "_"), SESSION.toUpperCase(), "", "notes\n"]) {
    using place = scratch();
    writeFileSync(join(place.folder, ".ses"), text);
    utimesSync(join(place.folder, ".ses"), 1, 1);
    assert.equal(removeTelemetryLogs(join(place.folder, "cache"), place.folder), 0);
    assert.equal(readFileSync(join(place.folder, ".ses"), "latin1"), text);
  }
});

test("folders that cannot be written or read are left alone", () => {
  assert.equal(removeTelemetryLogs(join(process.execPath, "cache"), tmpdir()), 0);
  using place = scratch();
  assert.equal(removeTelemetryLogs(place.folder, join(place.folder, "none")), 0);
});
