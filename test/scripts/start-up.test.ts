/** The code that the server and its engine load before they can answer: what is rarely needed is loaded when it is. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const { wat } = await import(pathToFileURL(resolve("scripts/wat.mjs")).href);

/** Packages and folders that only some formats of text and weights, or some commands, need. */
const LATER = [
  "node_modules/(@lezer|htmlparser2|entities|jsonc-parser|yaml|toml-eslint-parser|eld|csv-parse|hyparquet|undici|fzstd)/",
  "node_modules/zod/v4/locales/(?!en|index)",
  "server/training/(step|data)/",
  "server/text/document/(html|latex|markdown|notebook|org|asciidoc|restructuredtext|typst)",
  "models/checkpoint/(flax|gguf|orbax|tensorflow|torch)/",
].map((path) => new RegExp(path));

for (const [entry, mostBytes, later] of [
  ["server/main.ts", 620e3, [...LATER, /node_modules\/(protobufjs|long|@huggingface)\//]],
  ["server/engine/process/child.ts", 460e3, LATER],
] as const) {
  test(`${entry} starts without what is rarely needed, in at most ${mostBytes / 1000} kB`, async () => {
    const { metafile } = await build({
      entryPoints: [entry],
      outdir: "dist",
      write: false,
      metafile: true,
      bundle: true,
      splitting: true,
      minify: true,
      format: "esm",
      platform: "node",
      target: "node20",
      external: ["onnxruntime-node", "onnxruntime-web"],
      plugins: [wat],
      alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
    });
    const { outputs } = metafile;
    const [first = ""] = Object.keys(outputs).filter((path) => outputs[path]?.entryPoint === entry);
    const loaded = new Set([first]);
    for (const path of loaded)
      for (const { kind, path: imported } of outputs[path]?.imports ?? [])
        if (kind === "import-statement" && outputs[imported] !== undefined) loaded.add(imported);
    const files = [...loaded].flatMap((path) => Object.entries(outputs[path]?.inputs ?? {}));
    const sources = files.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
    assert.ok(sources.includes(entry) && sources.length > 50, `${sources.length} files`);
    assert.deepEqual(
      sources.filter((path) => later.some((pattern) => pattern.test(path))),
      [],
    );
    const bytes = [...loaded].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
    assert.ok(bytes < mostBytes, `${bytes} bytes`);
  });
}
