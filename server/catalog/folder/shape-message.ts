/** Messages on the file that states a model's shape where that is not config.json. */
import { basename } from "node:path";
import { GGUF_KEYS } from "../../../models/checkpoint/gguf/gguf-config.ts";

/** A message on config.json as one on another file, with that file's keys. */
export function namingFile(message: string, file: string): string {
  const name = basename(file);
  const keys = name.endsWith(".gguf") ? GGUF_KEYS : {};
  return message
    .replace(ADVICE, "Download the file again, or put the config.json of the model's own repository beside it.")
    .replace(/config\.json(?! of)/g, name)
    .replace(/\b[a-z]+(?:_[a-z]+)+\b/g, (key) => keys[key] ?? key);
}

const ADVICE =
  /(?:Take the config\.json that came with the weights|Use the config\.json and the weights of one model)\.$/;
