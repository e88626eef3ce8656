/**
 * A model's folder whose checkpoint would have something shown: its pickle names that as a global, and the error quotes
 * it.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { storedZip } from "../../checkpoint/bytes.ts";
import { type ModelFolder, randomModelFolder } from "./random-model.ts";

/** @param named what the error quotes: one line */
export function hostileModelFolder(named: string): ModelFolder {
  const model = randomModelFolder();
  rmSync(join(model.directory, "model.safetensors"));
  const pickle = Buffer.from(`\x80\x02c${named}\nx\n.`, "latin1");
  writeFileSync(join(model.directory, "pytorch_model.bin"), storedZip([["archive/data.pkl", pickle]]));
  return model;
}
