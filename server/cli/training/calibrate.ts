/** `spanfill calibrate`: measures how reliable a model's confidence is, and stores the result with the model. */
import { basename, join } from "node:path";
import { Command } from "commander";
import { percent } from "../../../base/figures.ts";
import type { CalibrationReport } from "../../evaluation/calibrate.ts";
import type { PoolOptions } from "../../evaluation/pool.ts";
import { readRegularText } from "../../files/regular-file.ts";
import { writeAtomically } from "../../files/whole-file.ts";
import type { ReliabilityBin } from "../../metrics/calibration.ts";
import { atLeast, withPoolOptions } from "../options.ts";
import { runCommand } from "../terminal.ts";

interface Options extends PoolOptions {
  readonly data: string;
  readonly check?: string;
  readonly limit?: number;
  readonly write?: boolean;
}

/** The command. Its action prints reliability tables, or the CalibrationReport with --json. */
export function calibrateCommand(): Command {
  const command = new Command("calibrate")
    .summary("measure how reliable a model's confidence is")
    .description(
      "Fit a model's likelihoods to how often it is right, on texts that it was not trained on, so that its confidence is its probability of being right. Prints reliability tables: predicted against observed.",
    )
    .requiredOption(
      "-d, --data <file>",
      "JSON lines with text, summary and title to fit on; also .gz (and .zst from Node.js 22.15 on)",
    )
    .option("-c, --check <file>", "other rows to check the result on")
    .option("--limit <n>", "rows of each file, drawn at random with a fixed seed (default: all)", atLeast(1))
    .option("--write", "store the result with the model: in its spanfill.json, and the tables in calibration.json")
    .addHelpText(
      "after",
      `
What counts as right: words that are what the author wrote; the rest of a sentence that begins with the author's word; a summary
or title whose ROUGE-L with the author's is at least 0.3. "instead": the same for the sentence that would replace the summary.

Examples:
  $ spanfill calibrate --data bench/data/calibration.jsonl.gz --check bench/data/kept-out.jsonl.gz --limit 300
  $ spanfill calibrate --model ./tuned --data validation.jsonl --write`,
    );
  return withPoolOptions(command).action((options: Options) =>
    runCommand(options.json === true, async (work) => {
      const [{ calibrate, calibrationOf, readPairs, runTrials }, { openPool }] = await Promise.all([
        import("../../evaluation/calibrate.ts"),
        import("../../evaluation/pool.ts"),
      ]);
      const { data, check, limit } = options;
      const rows = await readPairs(data, limit, work.signal);
      const checkRows = check === undefined ? undefined : await readPairs(check, limit, work.signal);
      await using pool = await openPool(options);
      const fitting = await runTrials(rows, pool, work);
      const checking = checkRows === undefined ? undefined : await runTrials(checkRows, pool, work);
      const kinds = calibrate(fitting, checking);
      const { id, precision, directory } = pool.info;
      const report: CalibrationReport = {
        model: id,
        precision,
        fittedOn: { data: basename(data), rows: rows.length },
        ...(checkRows === undefined ? {} : { checkedOn: { data: basename(check ?? ""), rows: checkRows.length } }),
        kinds,
      };
      if (options.write === true) {
        const path = join(directory, "spanfill.json");
        const manifest: unknown = JSON.parse(await readRegularText(path).catch(() => "{}"));
        await writeJson(path, { ...Object(manifest), calibration: calibrationOf(kinds) });
        await writeJson(join(directory, "calibration.json"), report);
      }
      return { text: tables(report), json: report };
    }),
  );
}

function writeJson(path: string, value: object): Promise<void> {
  return writeAtomically(path, async (file) => {
    await file.writeFile(`${JSON.stringify(value, null, 2)}\n`);
  });
}

function tables({ model, precision, fittedOn, checkedOn, kinds }: CalibrationReport): string {
  const lines = [`${model}, ${precision}; fitted on ${fittedOn.data} (${fittedOn.rows} rows)`];
  for (const [kind, { curve, fitted, checked }] of Object.entries(kinds)) {
    const weights = Object.entries(curve.weights).map(([name, weight]) => `${weight} ${name}`);
    lines.push("", `${kind.toUpperCase()}: 1 / (1 + exp(-(${[curve.bias, ...weights].join(" + ")})))`);
    for (const [data, table] of [
      [fittedOn.data, fitted],
      [checkedOn?.data, checked],
    ] as const) {
      if (table === undefined) continue;
      const { count, right, expectedCalibrationError: error, brier, brierOfShare } = table;
      lines.push(
        `  ${data}: ${count} texts, ${column(right)} right, ECE ${error.toFixed(3)}, Brier ${brier.toFixed(3)} (always ${percent(right, 1)}: ${brierOfShare.toFixed(3)})`,
        "      confidence   count  predicted  observed  instead",
        ...table.bins.map(binLine),
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

function binLine({ from, to, count, predicted, observed, instead }: ReliabilityBin): string {
  const range = `${from.toFixed(1)} to ${to.toFixed(1)}`;
  const last = instead === undefined ? "" : column(instead);
  return `      ${range}  ${String(count).padStart(7)}   ${column(predicted)}    ${column(observed)}   ${last}`.trimEnd();
}

function column(share: number): string {
  return percent(share, 1).padStart(6);
}
