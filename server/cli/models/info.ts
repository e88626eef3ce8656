/** `spanfill info`: a model's configuration, size and cost, without loading it. */
import { Command } from "commander";
import { sizeInWords } from "../../../base/figures.ts";
import type { ModelAccount } from "../../catalog/installed.ts";
import type { ShapeAccount, ShapeComparison } from "../../catalog/shape-account.ts";
import { withJson } from "../options.ts";
import { runCommand } from "../terminal.ts";

/** The command. Its action prints the account of a model, or of a shape without weights; all fields with --json. */
export function infoCommand(): Command {
  const command = new Command("info")
    .summary("configuration, parameters, operations and memory of a model")
    .description(
      "Show a model's configuration, exact parameter count, memory and operations per token; check its files. For a published model that is not installed, or for only a config.json, show what follows from the shape.",
    )
    .argument(
      "[model]",
      "a model's id, a folder with config.json and weights, or a config.json (default: the built-in model)",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill info
  $ spanfill info ./t5-small --json
  $ spanfill info google/t5-efficient-small-nl16`,
    );
  return withJson(command).action((name: string | undefined, options: { readonly json?: boolean }) =>
    runCommand(options.json === true, async () => {
      const account = await accountOf(name);
      const { comparisonsOf } = await import("../../catalog/shape-account.ts");
      const comparisons = await comparisonsOf(account.id);
      const rows = [
        ...shapeRows(account),
        ...comparisons.map(besideRow),
        ...("files" in account ? folderRows(account) : []),
      ];
      const width = Math.max(...rows.map(([label]) => label.length));
      const text = rows.map(([label, value]) => `${label.padEnd(width)}  ${value}\n`).join("");
      return { text, json: { ...account, ...(comparisons.length > 0 && { comparisons }) } };
    }),
  );
}

type Row = readonly [label: string, value: string];
type ShapeOnly = ShapeAccount & { readonly id: string };

/** The account of the model in a folder, or else of the published shape with that name. */
async function accountOf(name: string | undefined): Promise<ModelAccount | ShapeOnly> {
  const [{ modelAccount, resolveModel }, { shapeNamed }] = await Promise.all([
    import("../../catalog/installed.ts"),
    import("../../catalog/shape-account.ts"),
  ]);
  let directory: string;
  try {
    directory = resolveModel(name, { workingFolder: process.cwd() });
  } catch (error) {
    const shape = name === undefined ? undefined : await shapeNamed(name);
    if (shape === undefined) throw error;
    return shape;
  }
  return modelAccount(directory);
}

function shapeRows({ id, config, parameters, memoryBytes, flopsPerToken }: ShapeOnly): Row[] {
  const { encoder, decoder, training } = flopsPerToken;
  return [
    ["model", id],
    ["parameters", parameters.toLocaleString("en-US")],
    ["weights' memory", `float32 ${sizeInWords(memoryBytes.float32)}, int8 ${sizeInWords(memoryBytes.int8)}`],
    ["plus", `${memoryBytes.perSourceToken} bytes per source token, ${memoryBytes.perTargetToken} per produced one`],
    ["to train it", `${sizeInWords(memoryBytes.training)} of weights, gradients and AdamW's moments`],
    ["work per token", `encoder ${millions(encoder)}, decoder ${millions(decoder)}, training ${millions(training)}`],
    ...Object.entries(config).map(
      ([name, value]): Row => [name, typeof value === "object" ? JSON.stringify(value) : String(value)],
    ),
  ];
}

function besideRow({ than, parametersPercent, operationsPercent, paper }: ShapeComparison): Row {
  const counted = `${parametersPercent.toFixed(1)}% of its parameters, ${operationsPercent.toFixed(1)}% of its operations`;
  return [`compared with ${than}`, `${counted}. The paper: ${paper}`];
}

function folderRows({ directory, weights, notes, languages, calibration, files }: ModelAccount): Row[] {
  return [
    ["folder", directory],
    ["stored as", weights],
    ...notes.map((note): Row => ["note", note]),
    ["languages", languages.join(", ")],
    ["calibrated for", Object.keys(calibration).join(", ") || "nothing; confidences are mean likelihoods"],
    ...files.map(
      ({ name, sizeBytes, intact }): Row => [
        name,
        `${sizeBytes.toLocaleString("en-US")} bytes${intact === undefined ? "" : intact ? ", intact" : ", CHANGED"}`,
      ],
    ),
  ];
}

function millions(operations: number): string {
  return `${(operations / 1e6).toFixed(1)} MFLOP`;
}
