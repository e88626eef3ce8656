/** `spanfill export`: writes a model in the layout of another program. */
import { Command, Option } from "commander";
import type { ExportKind } from "../../training/run/results/export.ts";
import { withJson } from "../options.ts";
import { runCommand } from "../terminal.ts";

/** The layouts that a model can be exported to. */
const EXPORT_KINDS = ["hf", "onnx", "gguf", "server"] as const satisfies readonly ExportKind[];

/** The command. Its action prints the files written. */
export function exportCommand(): Command {
  const command = new Command("export")
    .summary("write a model in the layout of another program")
    .description(
      "Write a model in the layout of another program, in float32: hf for transformers (config.json, model.safetensors), onnx for transformers.js and Optimum, gguf for llama.cpp, server for NVIDIA Triton, MLServer and OpenVINO Model Server (a model repository). The weights of an int8 model stay rounded.",
    )
    .argument("<model>", "a model's id, or its folder")
    .addOption(new Option("--to <layout>", "the layout").choices(EXPORT_KINDS).makeOptionMandatory())
    .option("-o, --out <path>", "where to write it (default: ./MODEL-LAYOUT, ./MODEL.gguf)")
    .addHelpText(
      "after",
      "\nExamples:\n  $ spanfill export ./my-model --to onnx --out ./my-model-onnx\n  $ spanfill export google-t5/t5-small --to server --out repository",
    );
  return withJson(command).action(
    (model: string, options: { readonly to: ExportKind; readonly out?: string; readonly json?: boolean }) =>
      runCommand(options.json === true, async ({ progress }) => {
        const { exportModel } = await import("../../training/run/results/export.ts");
        const { out, files } = await exportModel(model, options.to, options.out, progress);
        return {
          text: `${files.map((file) => `${file}\n`).join("")}`,
          isAnswer: true,
          json: { to: options.to, out, files },
        };
      }),
  );
}
