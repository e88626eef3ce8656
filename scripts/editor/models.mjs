// The model that the editor tests use.
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/**
 * The built-in model, the one that was asked for, or a small one with random weights.
 * @param asked a model's folder, "random", or undefined
 * @param folder a temporary one
 * @returns `directory`, undefined for the built-in model; whether it is `random`; `dispose`
 */
export async function chosenModel(asked, folder) {
  if (asked !== undefined && asked !== "random") return kept(resolve(asked));
  const builtin = readdirSync("models/builtin", { recursive: true }).some((path) => path.endsWith("config.json"));
  if (builtin && asked === undefined) return kept(undefined);
  console.log("The tests run with random weights.");
  return { ...(await randomModel(folder, { layers: 2, width: 128, sentinels: 100 })), random: true };
}

/** A small model with random weights (test/support/models/random-model.ts). */
export async function randomModel(folder, shape) {
  const { randomModelFolder } = await fromTests("random-model", folder);
  return randomModelFolder(shape);
}

/** A model whose error quotes something (test/support/models/hostile-model.ts). */
export async function hostileModel(folder, named) {
  const { hostileModelFolder } = await fromTests("hostile-model", folder);
  return hostileModelFolder(named);
}

/** A module of test/support/models, bundled into a folder. */
async function fromTests(name, folder) {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [`test/support/models/${name}.ts`],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
  });
  return import(pathToFileURL(outfile).href);
}

function kept(directory) {
  return { directory, random: false, dispose: () => undefined };
}
