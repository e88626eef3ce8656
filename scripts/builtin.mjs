// Makes a built-in model from an exported folder (models/recipes/export.py): int8 weights, and the sums of what ships.
//   node scripts/builtin.mjs EXPORTED_FOLDER [ID]
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const [source, id = "t5-efficient-tiny-nl2-spanfill"] = process.argv.slice(2);
if (source === undefined) {
  console.error("usage: node scripts/builtin.mjs EXPORTED_FOLDER [ID]");
  process.exit(2);
}

const bundle = join("dist", `builtin-${process.pid}.mjs`);
await build({
  entryPoints: ["server/catalog/folder/int8/prepare.ts"],
  outfile: bundle,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
});
const { writeInt8 } = await import(pathToFileURL(bundle).href);
rmSync(bundle);

const folder = join("models", "builtin", id);
mkdirSync(folder, { recursive: true });
const copied = ["config.json", "generation_config.json", "tokenizer.json"];
for (const name of copied) copyFileSync(join(source, name), join(folder, name));
// T5's own tokenizer class would put a space before every word that follows one of the added characters.
const names = { eos_token: "</s>", pad_token: "<pad>", unk_token: "<unk>" };
const options = { tokenizer_class: "PreTrainedTokenizerFast", ...names, clean_up_tokenization_spaces: false };
writeFileSync(join(folder, "tokenizer_config.json"), `${JSON.stringify(options, null, 2)}\n`);
// Both built-in models have one vocabulary and one kind of text.
copyFileSync(join("models", "recipes", "decoding.json"), join(folder, "decoding.json"));
await writeInt8(source, join(folder, "model.int8.safetensors"));

const sha256 = (name) =>
  createHash("sha256")
    .update(readFileSync(join(folder, name)))
    .digest("hex");
const manifest = {
  id,
  prefixes: { summarize: "summarize: ", title: "title: ", infill: "infill: " },
  sha256: Object.fromEntries(
    [...copied, "decoding.json", "model.int8.safetensors"].map((name) => [name, sha256(name)]),
  ),
};
writeFileSync(join(folder, "spanfill.json"), `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`${folder} is made; its eval.json and the figures of its card: npm run bench -- quality --write`);
