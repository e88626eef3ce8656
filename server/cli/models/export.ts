/** `spanfill export`: writes a model in the layout of another program. */
import { Command, Option } from "commander";
import { defined } from "../../../base/defined.ts";
import type { ExportKind } from "../../training/run/results/export.ts";
import type { ServerPrecision } from "../../training/run/servers/repository.ts";
import { withJson } from "../options.ts";
import { runCommand } from "../terminal.ts";

/** The layouts that a model can be exported to. */
const EXPORT_KINDS = ["hf", "onnx", "gguf", "server"] as const satisfies readonly ExportKind[];

interface ExportOptions {
  readonly to: ExportKind;
  readonly precision?: ServerPrecision;
  readonly out?: string;
  readonly json?: boolean;
}

/** The command. Its action prints the files written. */
export function exportCommand(): Command {
  const command = new Command("export")
    .summary("write a model in the layout of another program")
    .description(
      "Write a model in the layout of another program, in float32: hf for transformers (config.json, model.safetensors), onnx for transformers.js and Optimum, gguf for llama.cpp, server for NVIDIA Triton, MLServer and OpenVINO Model Server (a model repository, also in float16 or bfloat16). The weights of an int8 model stay rounded.",
    )
    .argument("<model>", "a model's id, or its folder")
    .addOption(new Option("--to <layout>", "the layout").choices(EXPORT_KINDS).makeOptionMandatory())
    .addOption(
      new Option("--precision <precision>", "of the large weights, for GPUs (--to server; default: float32)").choices([
        "float32",
        "float16",
        "bfloat16",
      ]),
    )
    .option("-o, --out <path>", "where to write it (default: ./MODEL-LAYOUT, ./MODEL.gguf)")
    .addHelpText(
      "after",
      "\nExamples:\n  $ spanfill export ./my-model --to onnx --out ./my-model-onnx\n  $ spanfill export google-t5/t5-small --to server --out repository",
    );
  return withJson(command).action((model: string, options: ExportOptions, self: Command) => {
    if (options.precision !== undefined && options.to !== "server")
      self.error("error: --precision is for --to server", { exitCode: 2 });
    return runCommand(options.json === true, async ({ progress, signal }) => {
      const { exportModel } = await import("../../training/run/results/export.ts");
      const { out, files } = await exportModel(model, options.to, options.out, progress, {
        ...defined({ precision: options.precision }),
        signal,
      });
      return {
        text: `${files.map((file) => `${file}\n`).join("")}`,
        isAnswer: true,
        json: { to: options.to, out, files },
      };
    });
  });
}
