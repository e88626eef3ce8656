/** `spanfill devices`: the devices that models can run on here, what is missing, and how fast each is. */
import { Command } from "commander";
import { defined } from "../../../base/defined.ts";
import { sizeInWords } from "../../../base/figures.ts";
import { ModelError } from "../../../models/errors.ts";
import { DEVICE_NAMES, type DeviceReport } from "../../../protocol/devices.ts";
import type { Measurement } from "../../../protocol/panel/models.ts";
import type { CommandResult, Work } from "../../command-work.ts";
import { atLeast, withJson } from "../options.ts";
import { runCommand } from "../terminal.ts";

interface Options {
  readonly model?: string;
  readonly measure?: boolean;
  readonly threads?: number;
  readonly json?: boolean;
}

/** The command. Its action prints each device with its state, or {devices, model, measurements, choice} with --json. */
export function devicesCommand(): Command {
  const command = new Command("devices")
    .summary("list the devices that models can run on: found, missing, measured")
    .description(
      "Try every device that ONNX Runtime supports, and explain what the missing ones lack and how to get it. With --measure, time a model on each, in every precision it supports; from then on --device auto takes the fastest.",
    )
    .option("--measure", "time the model on every usable device")
    .option("-m, --model <id|dir>", "the model to measure (default: built-in)")
    .option("--threads <n>", "threads of one operator on the CPU (default: the machine's cores)", atLeast(1))
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill devices
  $ spanfill devices --measure --model google-t5/t5-small
  $ spanfill summarize README.md --device webgpu`,
    );
  return withJson(command).action((options: Options) =>
    runCommand(options.json === true, (work) => devices(options, work)),
  );
}

async function devices(options: Options, work: Work): Promise<CommandResult> {
  const [
    { createRemoteEngine },
    { findDevices, settled },
    { chooseDevice },
    { meansFolder, readManifest, resolveModel },
    { measurementsOf },
    { placesOf },
  ] = await Promise.all([
    import("../../engine/process/remote.ts"),
    import("../../panel/devices.ts"),
    import("../../panel/device-choice.ts"),
    import("../../catalog/installed.ts"),
    import("../../catalog/measurements.ts"),
    import("../../catalog/store.ts"),
  ]);
  const directory = resolveModel(options.model, { workingFolder: process.cwd() });
  // The name that the panel uses; a folder by its absolute path, which holds wherever it is read again.
  const { model: asked } = options;
  const model = asked === undefined ? readManifest(directory).id : meansFolder(asked) ? directory : asked;
  const engine = createRemoteEngine();
  let found: readonly DeviceReport[];
  try {
    found = await findDevices(engine);
  } finally {
    await engine.dispose();
  }
  const failures = options.measure ? await measureAll(model, directory, found, options, work) : [];
  const measurements = await measurementsOf(placesOf(), directory);
  const choice = settled(chooseDevice("auto", "int8", measurements), found);
  const text = [
    ...found.map(({ device, state, detail }) => `${DEVICE_NAMES[device].padEnd(9)} ${state.padEnd(8)} ${detail}`),
    ...(measurements.length === 0 ? [] : ["", `${model}, 512 tokens in and 64 out:`]),
    ...measurements.map(measurementLine),
    "",
    `--device auto runs ${model} on ${DEVICE_NAMES[choice.device]}: ${choice.reason}.`,
  ];
  return {
    text: `${text.join("\n")}\n`,
    json: { devices: found, model, measurements, choice },
    notes: failures,
    cancelled: work.signal.aborted,
  };
}

/**
 * Measures the model on each usable device and stores the results.
 * @returns a sentence for each failure
 */
async function measureAll(
  model: string,
  directory: string,
  found: readonly DeviceReport[],
  { threads }: Options,
  { signal, progress }: Work,
): Promise<string[]> {
  const [{ measureApart }, { keepMeasurement }, { placesOf }] = await Promise.all([
    import("../../panel/measure.ts"),
    import("../../catalog/measurements.ts"),
    import("../../catalog/store.ts"),
  ]);
  const usable = found.filter(({ state }) => state === "usable").map(({ device }) => device);
  const pairs = usable.flatMap((device) =>
    (device === "cpu" ? (["int8", "float32"] as const) : (["float32"] as const)).map((precision) => ({
      device,
      precision,
    })),
  );
  const failures: string[] = [];
  for (const [i, { device, precision }] of pairs.entries()) {
    if (signal.aborted) break;
    progress(`${DEVICE_NAMES[device]} in ${precision}`, i, pairs.length);
    const reference = { directory, precision, device, ...defined({ threads }) };
    try {
      await keepMeasurement(placesOf(), await measureApart(model, reference, signal));
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof ModelError)) throw error;
      failures.push(error.message);
    }
  }
  return failures;
}

function measurementLine({
  device,
  precision,
  loadMs,
  firstTokenMs,
  tokensPerSecond,
  memoryBytes,
}: Measurement): string {
  const memory = memoryBytes === undefined ? "" : `, ${sizeInWords(memoryBytes)}`;
  return `${DEVICE_NAMES[device].padEnd(9)} ${precision.padEnd(8)} load ${Math.round(loadMs)} ms, first token ${firstTokenMs} ms, ${tokensPerSecond} tokens/s${memory}`;
}
