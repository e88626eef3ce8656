/** The installed model that reads long texts at once, for summaries of texts longer than other models' windows. */
import { join } from "node:path";
import { isT5Config, parseConfig } from "../../models/t5/config.ts";
import { readRegularTextSync } from "../files/regular-file.ts";
import { readManifest } from "./installed.ts";
import { readCatalog } from "./published.ts";
import { type KeptModel, keptModels, type Places, placesOf } from "./store.ts";

/** Code units from which a text is longer than 512 tokens: prose has at most five in a token. */
const LONG_TEXT = 512 * 5;

/**
 * The name of an installed LongT5 that can summarize a text of this length; undefined for a text that any model's
 * window holds, and where there is none. One that learned summaries here precedes others; one that was only
 * pre-trained does not count.
 */
export async function longTextModel(length: number, places: Places = placesOf()): Promise<string | undefined> {
  if (length <= LONG_TEXT) return undefined;
  const { models } = await readCatalog();
  const isPretrained = ({ id }: KeptModel) => models.some((model) => model.id === id && model.needsFineTuning);
  const long = (await keptModels(places)).filter((model) => isLong(model) && !isPretrained(model));
  const learned = long.find(({ directory }) => readManifest(directory).prefixes.summarize !== undefined);
  return (learned ?? long[0])?.directory;
}

function isLong({ directory }: KeptModel): boolean {
  try {
    const json: unknown = JSON.parse(readRegularTextSync(join(directory, "config.json")));
    return isT5Config(json) && parseConfig(json).longAttention !== null;
  } catch {
    return false; // without a config.json, or with one that no model here has
  }
}
