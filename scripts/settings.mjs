// Writes the settings of protocol/settings.ts into package.json; test/client/manifest.test.ts fails when they differ.
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const { outputFiles } = await build({
  entryPoints: ["protocol/settings.ts"],
  bundle: true,
  format: "esm",
  platform: "node",
  write: false,
  logLevel: "warning",
});
const code = Buffer.from(outputFiles[0].contents).toString("base64");
const { configurationProperties } = await import(`data:text/javascript;base64,${code}`);
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
manifest.contributes.configuration = { title: "Spanfill", properties: configurationProperties() };
writeFileSync("package.json", `${JSON.stringify(manifest, undefined, 2)}\n`);
