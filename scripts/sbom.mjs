// The bill of materials of a package, as CycloneDX: npm writes what is installed; what went into dist/ and beside it is
// kept, and the built-in models are added with their sums and their recipe.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { npm } from "./editor/tools.mjs";

const BUILTIN = join("models", "builtin");
/** The list of the packages in dist/ that esbuild.mjs writes, by their folders. */
export const BUNDLED = join("dist", "bundled-packages.json");

/**
 * The components of a package of this project: deterministic, so without a time and a serial number.
 * @param beside names of packages that lie in it unbundled
 * @param epoch the seconds of the build's time
 */
export function billOfMaterials(beside, epoch) {
  const made = JSON.parse(npm(["sbom", "--package-lock-only", "--sbom-format", "cyclonedx"], "."));
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const folders = [...JSON.parse(readFileSync(BUNDLED, "utf8")), ...beside.map((name) => `node_modules/${name}`)];
  const kept = new Set(
    folders.map((folder) => {
      const { version } = packages[folder] ?? {};
      if (version === undefined) throw new Error(`${folder} is in dist/, and package-lock.json does not name it`);
      return `${folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length)}@${version}`;
    }),
  );
  const components = made.components.filter((component) => kept.has(component["bom-ref"])).map(shipped);
  const { serialNumber, metadata, dependencies, ...rest } = made;
  const root = metadata.component["bom-ref"];
  return {
    ...rest,
    metadata: {
      ...metadata,
      timestamp: new Date(1000 * epoch).toISOString(),
      lifecycles: [{ phase: "build" }],
      component: { ...metadata.component, type: "application", name: "spanfill" },
    },
    components: [...components, ...models()],
    dependencies: dependencies
      .filter(({ ref }) => ref === root || kept.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => kept.has(each)) })),
  };
}

/** A component without npm's remarks on how it is installed here: in the package it is required. */
function shipped({ scope, properties, ...component }) {
  return component;
}

/** The built-in weights and tables, with where they come from. */
function models() {
  return readdirSync(BUILTIN)
    .map((name) => [name, existsSync(join(BUILTIN, name, "config.json"))])
    .filter(([name, isModel]) => isModel || name.endsWith(".gz"))
    .map(([name, isModel]) => {
      const weights = isModel ? join(BUILTIN, name, "model.int8.safetensors") : join(BUILTIN, name);
      const content = createHash("sha256").update(readFileSync(weights)).digest("hex");
      return {
        "bom-ref": name,
        type: isModel ? "machine-learning-model" : "data",
        name,
        hashes: [{ alg: "SHA-256", content }],
        licenses: [{ license: { id: "Apache-2.0" } }],
        properties: [
          { name: "spanfill:recipe", value: "models/recipes/README.md" },
          ...(isModel ? [{ name: "spanfill:card", value: `models/builtin/${name}/README.md` }] : []),
        ],
      };
    });
}
