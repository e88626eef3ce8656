/** When a model counts as another one. */
import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { modelIdentity } from "../../../server/catalog/folder/identity.ts";

const base = mkdtempSync(join(tmpdir(), "spanfill-identity-"));
after(() => rmSync(base, { recursive: true }));
const folder = join(base, "model");
mkdirSync(folder);
const at = (...names: string[]) => join(folder, ...names);

const FILES = [
  ...["config.json", "generation_config.json", "spanfill.json", "decoding.json", "tokenizer.json", "spiece.model"],
  ...["model.safetensors", "model.int8.safetensors", "model-00001-of-00002.safetensors", "pytorch_model.bin"],
  ...["vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json", "operative_config.gin"],
];

/** File systems tell times by a clock of a few milliseconds: waits until it has moved on. */
function clockTicks(): void {
  const probe = join(base, "probe");
  const touched = () => {
    writeFileSync(probe, "");
    return statSync(probe).ctimeMs;
  };
  for (const first = touched(); touched() === first; );
}

test("every file that an answer depends on makes another model of it: new, changed, exchanged, removed", () => {
  for (const name of FILES) {
    const known = new Set([modelIdentity(folder)]);
    const differs = (what: string) => {
      clockTicks();
      const now = modelIdentity(folder);
      assert.ok(!known.has(now), `${name}: ${what}`);
      assert.equal(modelIdentity(folder), now);
      known.add(now);
    };
    writeFileSync(at(name), "1");
    differs("new");
    writeFileSync(at(name), "22");
    differs("another size");
    utimesSync(at(name), 1000, 1000);
    differs("another time");
    // What a copy that keeps times leaves: the same name, size and time.
    writeFileSync(at("other"), "33");
    utimesSync(at("other"), 1000, 1000);
    renameSync(at("other"), at(name));
    differs("exchanged for one of the same size and time");
    writeFileSync(at(name), "44");
    utimesSync(at(name), 1000, 1000);
    differs("written over with the same size and time");
    rmSync(at(name));
  }
});

test("a declared sum does not hide that the file was changed", () => {
  writeFileSync(at("spanfill.json"), JSON.stringify({ sha256: { "model.safetensors": "ab".repeat(32) } }));
  writeFileSync(at("model.safetensors"), "1");
  const first = modelIdentity(folder);
  clockTicks();
  writeFileSync(at("model.safetensors"), "2");
  assert.notEqual(modelIdentity(folder), first);
});

test("links count by what they lead to, folders of tensors by what is in them", () => {
  writeFileSync(join(base, "blob"), "1");
  symlinkSync(join(base, "blob"), at("linked.safetensors"));
  const first = modelIdentity(folder);
  clockTicks();
  writeFileSync(join(base, "blob"), "2");
  const second = modelIdentity(folder);
  assert.notEqual(second, first);
  mkdirSync(at("target.encoder", "layer"), { recursive: true });
  writeFileSync(at("target.encoder", "layer", "0.0"), "1");
  const third = modelIdentity(folder);
  assert.notEqual(third, second);
  clockTicks();
  const { mtime } = statSync(at("target.encoder", "layer", "0.0"));
  writeFileSync(at("target.encoder", "layer", "0.0"), "2");
  utimesSync(at("target.encoder", "layer", "0.0"), mtime, mtime);
  assert.notEqual(modelIdentity(folder), third);
});

test("what a training run notes as it goes, and what people write beside a model, leaves it the same", () => {
  const first = modelIdentity(folder);
  for (const name of ["README.md", "training.json", ".training", ".cache", ".gitattributes"])
    writeFileSync(at(name), "1");
  mkdirSync(at("runs"));
  writeFileSync(at("runs", "events.out.tfevents.0.spanfill"), "1");
  mkdirSync(at("adapter"));
  writeFileSync(at("adapter", "adapter_model.safetensors"), "1");
  assert.equal(modelIdentity(folder), first);
  copyFileSync(at("model.safetensors"), at("model-2.safetensors"));
  assert.notEqual(modelIdentity(folder), first);
});

test("a folder that is not there has an identity too, which ends when it is made", () => {
  const missing = join(base, "missing");
  const first = modelIdentity(missing);
  mkdirSync(missing);
  writeFileSync(join(missing, "config.json"), "{}");
  assert.notEqual(modelIdentity(missing), first);
});
