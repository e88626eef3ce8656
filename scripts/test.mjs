// Runs the unit tests: bundles every test file with esbuild, then hands the bundles to node:test. Arguments pick files by
// substring: `node scripts/test.mjs spans` runs test/**/*spans*.test.ts. With --events each test's end is a line of JSON.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { build } from "esbuild";

const picks = process.argv.slice(2).filter((argument) => argument !== "--events");
const files = readdirSync("test", { recursive: true })
  .filter((name) => name.endsWith(".test.ts") && !name.startsWith("e2e"))
  .filter((name) => picks.length === 0 || picks.some((pick) => name.includes(pick)));
if (files.length === 0) {
  console.error(`no test file matches ${picks.join(", ")}`);
  process.exit(2);
}

const outdir = join("dist", picks.length === 0 ? "test" : `test-${process.pid}`);
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: files.map((name) => join("test", name)),
  outdir,
  outbase: "test",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  sourcemap: "inline",
  logLevel: "warning",
});

// What the tests' models are turned into is nothing to keep among a person's own.
const cache = mkdtempSync(join(tmpdir(), "spanfill-test-"));
process.env.SPANFILL_CACHE = cache;
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));

let failed = 0;
const stream = run({
  files: files.map((name) => join(outdir, name.replace(/\.ts$/, ".mjs"))),
  concurrency: 1,
});
stream.on("test:fail", (event) => {
  if (event.todo === undefined) failed += 1;
});
if (process.argv.includes("--events")) printEvents(stream);
else stream.compose(new spec()).pipe(process.stdout);
stream.on("end", () => {
  if (picks.length > 0) rmSync(outdir, { recursive: true, force: true });
  process.exitCode = failed > 0 ? 1 : 0;
});

function printEvents(events) {
  const names = [];
  events.on("test:start", ({ name, nesting }) => names.splice(nesting, names.length, name));
  for (const ok of [true, false]) {
    events.on(ok ? "test:pass" : "test:fail", ({ name, nesting, file }) => {
      const path = [...names.slice(0, nesting), name].join(" > ");
      const of = files.find((each) => file?.endsWith(each.replace(/\.ts$/, ".mjs")));
      console.log(JSON.stringify({ file: of?.replace(/\.test\.ts$/, ""), test: path, ok }));
    });
  }
}
