/** Bundles an entry point of ours in which chosen functions fail when an environment variable says so. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build, type Plugin } from "esbuild";

/**
 * The variable: `NAME:throw` or `NAME:reject`, with the name of a function below, or `FACTORY.METHOD` of what one
 * returns.
 */
export const PLANT = "SPANFILL_TEST_PLANT";

/** A bundle in a folder of its own. */
export interface Planted {
  readonly script: string;
  dispose(): void;
}

/**
 * @param modules file below the project's root -> its exports that may fail
 * The process-level net is taken out, so that only the mend where an error arises keeps the process up.
 */
export async function plantedBundle(
  entry: string,
  modules: Readonly<Record<string, readonly string[]>>,
): Promise<Planted> {
  mkdirSync("dist", { recursive: true });
  const outdir = mkdtempSync(join("dist", "planted-"));
  const plugin: Plugin = {
    name: "plant",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /\.ts$/ }, ({ path, resolveDir, namespace, kind }) => {
        if (kind === "entry-point" || namespace === "planted") return undefined;
        const file = resolve(resolveDir, path);
        const name = file.slice(resolve(".").length + 1).replaceAll("\\", "/");
        if (name === NET || Object.hasOwn(modules, name)) return { path: file, namespace: "planted" };
        return undefined;
      });
      onLoad({ filter: /.*/, namespace: "planted" }, ({ path }) => {
        const name = path.slice(resolve(".").length + 1).replaceAll("\\", "/");
        const real = JSON.stringify(path);
        const lines =
          name === NET
            ? ["export const stayUp = () => undefined;"]
            : (modules[name] ?? []).map((each) => `export const ${each} = plant("${each}", real.${each});`);
        const contents = `import * as real from ${real};\nexport * from ${real};\n${HELPER}\n${lines.join("\n")}\n`;
        return { contents, resolveDir: resolve("."), loader: "js" };
      });
    },
  };
  await build({
    entryPoints: { [ENTRY]: entry },
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["onnxruntime-node", "onnxruntime-web"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    plugins: [plugin],
    logLevel: "warning",
  });
  return { script: resolve(outdir, `${ENTRY}.js`), dispose: () => rmSync(outdir, { recursive: true, force: true }) };
}

const ENTRY = "planted";
const NET = "server/engine/process/stay-up.ts";
const HELPER = `
const [planted, how] = (process.env.${PLANT} ?? "").split(":");
const failing = (name, run) => (...args) => {
  if (name !== planted) return run(...args);
  const error = new Error("planted in " + name);
  if (how === "throw") throw error;
  return Promise.reject(error);
};
const plant = (name, run) => (...args) => {
  const made = failing(name, run)(...args);
  if (typeof made === "function") return failing(name + ".call", made);
  if (typeof made !== "object" || made === null || made instanceof Promise) return made;
  return new Proxy(made, {
    get(target, key) {
      const value = target[key];
      return typeof value === "function" ? failing(name + "." + String(key), value.bind(target)) : value;
    },
  });
};`;
