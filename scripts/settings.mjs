// Writes the settings of protocol/settings.ts and the tools of protocol/tools.ts into package.json, and their texts
// into package.nls.json, beside which VS Code looks for translations; test/client/manifest.test.ts fails when they
// differ.
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const { outputFiles } = await build({
  stdin: {
    contents: 'export * from "./protocol/settings.ts"; export * from "./protocol/tools.ts";',
    resolveDir: ".",
  },
  bundle: true,
  format: "esm",
  platform: "node",
  write: false,
  logLevel: "warning",
});
const code = Buffer.from(outputFiles[0].contents).toString("base64");
const { configurationProperties, languageModelTools, restrictedConfigurations } = await import(
  `data:text/javascript;base64,${code}`
);

const texts = {};
const properties = Object.fromEntries(
  Object.entries(configurationProperties()).map(([name, { description, enumDescriptions, ...schema }]) => {
    const values = enumDescriptions?.map((text, i) => reference(`${name}.${schema.enum[i]}`, text));
    return [
      name,
      { ...schema, description: reference(name, description), ...(values && { enumDescriptions: values }) },
    ];
  }),
);
rewrite("package.json", (manifest) => {
  manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = restrictedConfigurations();
  manifest.contributes.languageModelTools = languageModelTools().map((tool) => ({
    ...tool,
    displayName: reference(`tools.${tool.toolReferenceName}.name`, tool.displayName),
    userDescription: reference(`tools.${tool.toolReferenceName}.description`, tool.userDescription),
  }));
  manifest.contributes.configuration = { title: "Spanfill", properties };
  return manifest;
});
rewrite("package.nls.json", (old) => {
  const others = Object.entries(old).filter(([key]) => !/^(settings|tools)\./.test(key));
  return { ...Object.fromEntries(others), ...texts };
});

/** Keeps a text for package.nls.json and gives what package.json has in its place. */
function reference(name, text) {
  const key = name.replace(/^spanfill\./, "settings.");
  texts[key] = text;
  return `%${key}%`;
}

function rewrite(path, change) {
  writeFileSync(path, `${JSON.stringify(change(JSON.parse(readFileSync(path, "utf8"))), undefined, 2)}\n`);
}
