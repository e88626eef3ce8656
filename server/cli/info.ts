/** `spanfill info`: what a model folder holds, without loading it. */
import { Command } from "commander";
import { withJson } from "./options.ts";
import { runCommand } from "./terminal.ts";

/** The command; its action prints the configuration, parameters and memory, or the whole account with --json. */
export function infoCommand(): Command {
  const command = new Command("info")
    .summary("configuration, parameters and memory of a model")
    .description("Show a model's configuration, exact parameter count, and memory per precision; check its files.")
    .argument("[dir]", "a folder with config.json and weights, or a built-in model's id (default: the built-in model)")
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill info
  $ spanfill info ./t5-small --json`,
    );
  return withJson(command).action((directory: string | undefined, options: { readonly json?: boolean }) =>
    runCommand(options.json === true, async () => {
      const { modelAccount, resolveModel } = await import("../catalog/catalog.ts");
      const account = await modelAccount(resolveModel(directory));
      const { config, memoryBytes, flopsPerToken } = account;
      const rows: [string, string][] = [
        ["model", account.id],
        ["folder", account.directory],
        ["parameters", account.parameters.toLocaleString("en-US")],
        ["weights' memory", `float32 ${megabytes(memoryBytes.float32)}, int8 ${megabytes(memoryBytes.int8)}`],
        ["work per token", `encoder ${millions(flopsPerToken.encoder)}, decoder ${millions(flopsPerToken.decoder)}`],
        ["stored as", account.weights],
        ["languages", account.languages.join(", ")],
        ["calibrated for", Object.keys(account.calibration).join(", ") || "nothing: confidences are mean likelihoods"],
        ...Object.entries(config).map(([name, value]): [string, string] => [name, String(value)]),
        ...account.files.map(({ name, sizeBytes, intact }): [string, string] => [
          name,
          `${sizeBytes.toLocaleString("en-US")} bytes${intact === undefined ? "" : intact ? ", intact" : ", CHANGED"}`,
        ]),
      ];
      const width = Math.max(...rows.map(([name]) => name.length));
      return { text: rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join(""), json: account };
    }),
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function millions(operations: number): string {
  return `${(operations / 1e6).toFixed(1)} MFLOP`;
}
