/** `spanfill models`: lists, downloads, imports, checks and removes models. */
import { Command } from "commander";
import { defined } from "../../../base/defined.ts";
import { sizeInWords } from "../../../base/figures.ts";
import { ModelError } from "../../../models/errors.ts";
import type { ModelRow } from "../../../protocol/panel/models.ts";
import { type CommandResult, UsageError, type Work } from "../../command-work.ts";
import { withJson } from "../options.ts";
import { runCommand } from "../terminal.ts";

/** The command and its subcommands. */
export function modelsCommand(): Command {
  const command = new Command("models")
    .summary("list, download, import, check and remove models")
    .description(
      "List the published T5 models of the catalog and those on this machine; download, import, check or remove one.",
    )
    .option("--installed", "only models on this machine")
    .addHelpText(
      "after",
      `
Examples:
  $ spanfill models
  $ spanfill models get google/t5-efficient-small
  $ spanfill summarize --model google-t5/t5-small README.md
  $ spanfill models import ~/Downloads/my-t5.zip

Models come from the Hugging Face hub into the cache folder that its tools share. HF_ENDPOINT names a mirror, HF_TOKEN
identifies you (to https addresses only), HF_HUB_CACHE is another folder, HF_HUB_OFFLINE forbids requests; HTTPS_PROXY and
NODE_EXTRA_CA_CERTS apply. SPANFILL_MODELS is the folder of imported and fine-tuned models.`,
    );
  withJson(command).action((options: { readonly installed?: boolean; readonly json?: boolean }) =>
    runCommand(options.json === true, () => list(options.installed === true)),
  );
  const add = (
    usage: string,
    text: string,
    work: (argument: string, work: Work, options: SubOptions) => Promise<CommandResult>,
  ) => {
    const sub = new Command(usage.split(" ")[0]).description(text).argument(usage.slice(usage.indexOf(" ") + 1));
    if (usage.startsWith("import"))
      sub
        .option("--name <name>", "name of the model (default: the folder's or file's name)")
        .option("--base <model>", "the model of an adapter (default: the one that it names)")
        .option("--apart", "keep a LoRA apart from its base, as one of its adapters; bottlenecks always are");
    if (usage.startsWith("verify"))
      sub.option("--fixtures", "instead, run the tests of every system of the T5 family and print a table");
    withJson(sub).action((argument: string, options: SubOptions) => {
      // Commander assigns a --json that both commands declare to the outer one.
      const json = options.json === true || command.opts()["json"] === true;
      if (options.fixtures === true) return runCommand(json, verifyAll);
      return runCommand(json, (running) => work(argument, running, options));
    });
    command.addCommand(sub);
  };
  add("get <id>", "download a model from the Hugging Face hub; a stopped download resumes where it was", get);
  add(
    "import <path>",
    "copy a model from a folder, a zip file, or the folder of a weights file; merge a PEFT adapter with its base, or keep an adapter apart from it",
    importFrom,
  );
  add("verify [id]", "reread all files of a model and compare their checksums", verify);
  add("remove <id>", "remove a downloaded or imported model, or the remains of a stopped download", remove);
  return command;
}

/** Options of the subcommands. */
interface SubOptions {
  readonly json?: boolean;
  readonly name?: string;
  readonly base?: string;
  readonly apart?: boolean;
  readonly fixtures?: boolean;
}

async function list(installed: boolean): Promise<CommandResult> {
  const [{ listModels }, { placesOf }] = await Promise.all([
    import("../../panel/model-list.ts"),
    import("../../catalog/store.ts"),
  ]);
  const models = (await listModels(placesOf())).filter((row) => !installed || row.installed !== undefined);
  const lines = [
    ["model", "parameters", "layers", "width", "download", "state"],
    ...models.map((row) => [
      row.adapterOf === undefined ? row.id : `  ${row.id}`,
      row.parameters?.toLocaleString("en-US") ?? "unknown",
      row.layers === row.decoderLayers ? `${row.layers}` : `${row.layers}+${row.decoderLayers}`,
      `${row.dModel}`,
      row.downloadBytes === null ? "" : sizeInWords(row.downloadBytes),
      state(row),
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines
    .map((line) =>
      line.map((cell, i) => (i === 0 || i === 5 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))),
    )
    .map((line) => `${line.join("  ").trimEnd()}\n`)
    .join("");
  return { text, json: { models } };
}

function state({ adapterOf, installed, partialBytes, downloadable, needsFineTuning, bucket }: ModelRow): string {
  const where =
    installed !== undefined
      ? adapterOf === undefined
        ? "installed"
        : `adapter of ${adapterOf}`
      : partialBytes !== undefined
        ? `stopped at ${sizeInWords(partialBytes)}`
        : downloadable
          ? ""
          : `only in ${bucket ?? "other places"}`;
  return [where, needsFineTuning ? "needs fine-tuning" : ""].filter((text) => text !== "").join(", ");
}

async function get(id: string, { signal, progress }: Work): Promise<CommandResult> {
  const [{ getModel }, { hubOf }, { createFetch }, { placesOf }] = await Promise.all([
    import("../../catalog/hub/get.ts"),
    import("../../catalog/hub/hub.ts"),
    import("../../catalog/hub/network.ts"),
    import("../../catalog/store.ts"),
  ]);
  try {
    const directory = await getModel(hubOf(process.env, createFetch()), placesOf(), id, {
      signal,
      onProgress: ({ doneBytes, totalBytes, bytesPerSecond, secondsLeft }) => {
        const left = secondsLeft === undefined ? "" : `, ${duration(secondsLeft)} left`;
        progress(
          `${sizeInWords(bytesPerSecond)}/s${left}, MB`,
          Math.floor(doneBytes / 1e6),
          Math.ceil(totalBytes / 1e6),
        );
      },
    });
    return { text: `${directory}\n`, isAnswer: true, json: { id, directory } };
  } catch (error) {
    if (!signal.aborted) throw error;
    const note = `Stopped. The part that was downloaded is kept; spanfill models get ${id} resumes it.`;
    return { text: "", json: {}, cancelled: note };
  }
}

async function importFrom(
  path: string,
  { signal, progress }: Work,
  { name, base, apart }: SubOptions,
): Promise<CommandResult> {
  const [{ importModel }, { placesOf }] = await Promise.all([
    import("../../catalog/import.ts"),
    import("../../catalog/store.ts"),
  ]);
  const onBytes = (done: number, total: number) =>
    progress("Copying, MB", Math.floor(done / 1e6), Math.ceil(total / 1e6));
  const made = await importModel(path, placesOf(), { signal, onBytes, ...defined({ id: name, base, apart }) });
  return { text: `${made.id}\n`, isAnswer: true, json: made, details: made.notes };
}

async function verifyAll(work: Work): Promise<CommandResult> {
  return (await import("./models-verify.ts")).verifyFixtures(work);
}

async function verify(id: string | undefined, { signal }: Work): Promise<CommandResult> {
  if (id === undefined) throw new UsageError("Name the model to verify, or use --fixtures.");
  const [{ readManifest, resolveModel }, { verifyFiles }] = await Promise.all([
    import("../../catalog/installed.ts"),
    import("../../catalog/store.ts"),
  ]);
  const directory = resolveModel(id, { workingFolder: process.cwd() });
  const files = await verifyFiles(directory, readManifest(directory).sha256, signal);
  const damaged = files.filter(({ intact }) => intact === false).map(({ name }) => name);
  if (damaged.length > 0) {
    throw new ModelError(
      "checkpoint",
      `${damaged.join(", ")} in ${directory} is damaged or was changed. Remove the model and download it again.`,
    );
  }
  const stateOf = (intact: boolean | undefined) => (intact === undefined ? "no checksum available" : "intact");
  return {
    text: files.map(({ name, intact }) => `${name}: ${stateOf(intact)}\n`).join(""),
    json: { id, directory, files: files.map(({ name, intact = null }) => ({ name, intact })) },
  };
}

async function remove(id: string): Promise<CommandResult> {
  const { removeModel } = await import("../../catalog/store.ts");
  const freedBytes = await removeModel(id);
  return { text: `Removed ${id} and freed ${sizeInWords(freedBytes)}.\n`, json: { id, freedBytes } };
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes} min` : `${Math.ceil(seconds)} s`;
}
