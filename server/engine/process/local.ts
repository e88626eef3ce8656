/** The engine in this process: combines weights, tokenizer, graphs and generation; one call at a time per model. */
import { resolve } from "node:path";
import { defined } from "../../../base/defined.ts";
import { ModelError } from "../../../models/errors.ts";
import type { GraphAdapter } from "../../../models/t5/adapters/adapters.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { parameterCount } from "../../../models/t5/weights.ts";
import { encodeInput } from "../../../models/tokenizer/parts.ts";
import { checkVocabulary, type Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import { encodeWindow } from "../../../models/tokenizer/window.ts";
import { partsOf } from "../../catalog/adapter-base.ts";
import { endTokenOf, type GenerationSettings, readGenerationSettings } from "../../catalog/folder/generation.ts";
import { modelIdentity } from "../../catalog/folder/identity.ts";
import { readTokenizer } from "../../catalog/folder/tokenizer.ts";
import { readDecoding, readManifest } from "../../catalog/installed.ts";
import type { Device, OnFallback } from "../device.ts";
import type { Engine, Generation, LoadedModel, ModelReference } from "../engine.ts";
import { fillWindow } from "../fill.ts";
import { cachingEncoder } from "../runtime/encoder-cache.ts";
import { type OnDevice, requireDevice } from "../runtime/on-device.ts";
import { openRunner } from "../runtime/ort/runner.ts";
import { createSentenceRanker, type SentenceRanker } from "../runtime/sentence-ranker.ts";
import { slowNotice } from "../runtime/session.ts";
import { rankedTokens } from "../search/candidates.ts";
import { scoreContinuations } from "../search/continuations.ts";
import { generate, score, type TokenModel } from "../search/generate.ts";
import { adaptedRunner, type Runner } from "../search/runner.ts";
import { weighWords } from "../search/word-tree.ts";
import { serverOfEnvironment } from "../wire/connection.ts";
import { wordChances } from "../word-chances.ts";
import { adaptedInfo, readAdapter } from "./adapted.ts";
import { createQueue, type Queue } from "./queue.ts";
import { openThere } from "./there.ts";

/**
 * Creates an engine that runs in this process. Its native calls block the thread; it yields between chunks of tokens.
 */
export function createLocalEngine(onFallback: OnFallback = () => undefined): Engine {
  const models = new Map<string, { readonly loading: Promise<LocalModel>; readonly identity: string }>();
  const ranker = createSentenceRanker();
  let disposed = false;

  async function loadBase(reference: ModelReference): Promise<LocalModel> {
    const key = JSON.stringify([
      resolve(reference.directory),
      reference.precision,
      reference.threads,
      reference.device,
      reference.device === "server" ? serverOfEnvironment(process.env)?.url : null,
    ]);
    const current = models.get(key);
    const { identity = current?.identity ?? modelIdentity(reference.directory) } = reference;
    if (current?.identity === identity) return current.loading;
    // The caller may not have seen the latest change: then the model loaded since stays.
    checkFiles(reference.directory, identity);
    const loading = loadModel(reference, { identity, onFallback, ranker });
    models.set(key, { loading, identity });
    // A failed load can be retried, since the files may have been fixed.
    loading.catch(() => {
      if (models.get(key)?.loading === loading) models.delete(key);
    });
    // Calls that still wait for the older model are answered by it.
    current?.loading.then((old) => old.dispose()).catch(() => undefined);
    return loading;
  }

  return {
    async load(reference) {
      if (disposed) throw new ModelError("process", "The engine is closed; open a new one.");
      const parts = partsOf(reference);
      if (parts.adapter === undefined) return loadBase(reference);
      const { identity, ...rest } = reference;
      if (identity !== undefined) checkFiles(reference.directory, identity);
      const { directory } = parts;
      const current = identity === undefined ? {} : { identity: modelIdentity(directory) };
      const base = await loadBase({ ...rest, directory, ...current });
      return base.withAdapter(parts.adapter);
    },
    async dispose() {
      disposed = true;
      const loaded = await Promise.allSettled([...models.values()].map(({ loading }) => loading));
      models.clear();
      await Promise.all(loaded.map((model) => (model.status === "fulfilled" ? model.value.dispose() : undefined)));
      await ranker.dispose();
    },
  };
}

interface LocalModel extends LoadedModel {
  /**
   * The same model with an adapter: its weights, sessions and queue are shared.
   * @throws ModelError "checkpoint" when the adapter does not fit
   */
  withAdapter(folder: string): Promise<LoadedModel>;
  dispose(): Promise<void>;
}

/**
 * Checks that the folder's files are those of the identity.
 * @throws ModelError "changed" when they are not
 */
function checkFiles(directory: string, identity: string): void {
  if (modelIdentity(directory) === identity) return;
  throw new ModelError(
    "changed",
    `The files of the model in ${directory} were changed during the request. Try again once that is done.`,
  );
}

async function loadModel(
  { directory, precision: wanted, threads, device = "cpu" }: ModelReference,
  { identity, onFallback, ranker }: { identity: string; onFallback: OnFallback; ranker: SentenceRanker },
): Promise<LocalModel> {
  // Graphs map the weights on first use.
  const check = () => checkFiles(directory, identity);
  const open = (on: Device) => openCachingRunner({ directory, precision: wanted, threads }, on, check);
  // Both are read concurrently; if both fail, the error of the weights is reported.
  const reading = readTokenizer(directory);
  const runner = openThere(device, { directory, tokenizer: reading, onFallback, open });
  const [opened] = await Promise.allSettled([runner, reading]);
  if (opened.status === "rejected") throw opened.reason;
  const runnerOnDevice = opened.value;
  const tokenizer = await reading;
  const generation = await readGenerationSettings(directory);
  const { config: declared } = await runnerOnDevice.use(async (runner) => runner);
  const eosTokenId = endTokenOf(generation, tokenizer, declared);
  const config = { ...declared, eosTokenId };
  checkVocabulary(tokenizer, config.vocabSize, eosTokenId);
  const decode = (ids: readonly number[]) => tokenizer.decode(ids);
  const { frequent, ...decoding } = readDecoding(directory);
  requireRows("decoding.json", frequent, config);
  const commonTokens = rankedTokens(alwaysCommon(tokenizer, config), frequent, config.vocabSize);
  const { startTokenId = config.decoderStartTokenId, padTokenId = config.padTokenId } = generation;
  const tokens = { ...config, padTokenId, decoderStartTokenId: startTokenId, own: withinRows(generation, config) };
  const using = {
    config: tokens,
    trainedStartTokenId: config.decoderStartTokenId,
    decode,
    commonTokens,
    inputOnly: tokenizer.promptIds,
  };
  try {
    check(); // files read last may be newer than those read first
  } catch (error) {
    await runnerOnDevice.dispose();
    throw error;
  }
  const serving = { tokenizer, model: using, runner: runnerOnDevice, ranker, queue: createQueue() };
  const info = infoOf(directory, tokenizer, config, { device: runnerOnDevice.device, wanted, decoding, generation });
  const adapters = new Map<string, { readonly identity: string; readonly reading: Promise<GraphAdapter> }>();
  return {
    info,
    ...serve(serving),
    async withAdapter(folder) {
      const identity = modelIdentity(folder);
      const known = adapters.get(folder);
      const reading = known?.identity === identity ? known.reading : readAdapter(folder, { directory, config, wanted });
      adapters.set(folder, { identity, reading });
      return { info: adaptedInfo(info, folder), ...serve(serving, await reading) };
    },
    dispose: () => serving.queue.close(() => runnerOnDevice.dispose()),
  };
}

/** A loaded model's parts. */
interface Serving {
  readonly tokenizer: Tokenizer;
  readonly model: Omit<TokenModel, "runner">;
  readonly runner: OnDevice<Runner>;
  readonly ranker: SentenceRanker;
  readonly queue: Queue;
}

/** The calls of a loaded model, one at a time, with an adapter if one is given. */
function serve(
  { tokenizer, model, runner: plainRunner, ranker, queue }: Serving,
  adapter?: GraphAdapter,
): Omit<LoadedModel, "info"> {
  const runnerOnDevice: Pick<OnDevice<Runner>, "use"> = {
    use: (work) => plainRunner.use((runner) => work(adaptedRunner(runner, adapter))),
  };
  const produce: LoadedModel["generate"] = async (request, options = {}) => {
    const generation = await queue.run(options.signal, () =>
      runnerOnDevice
        .use((runner) => generate({ runner, ...model }, request, options))
        .catch((error: unknown) => {
          if (options.signal?.aborted) return undefined; // on a server, in the middle of a step
          throw error;
        }),
    );
    return generation ?? neverBegun(request.inputs.length);
  };
  return {
    encode: async (parts, maxTokens) => encodeInput(tokenizer, parts, maxTokens),
    encodeAll: async (texts) => texts.map((text) => tokenizer.encode(text)),
    decode: async (ids) => tokenizer.decode(ids),
    generate: produce,
    rank: (features) => ranker.rank(features),
    encodeWindow: async (window) => encodeWindow(tokenizer, window),
    fill: (request, options) =>
      fillWindow(tokenizer, produce, request, options, async (...proposals) => {
        const scored = queue.run(options?.signal, () =>
          runnerOnDevice.use((runner) => scoreContinuations({ runner, ...model }, ...proposals)),
        );
        return (await scored) ?? [];
      }),
    wordChances: (request, options = {}) =>
      wordChances(tokenizer, request, (tree) =>
        queue.run(options.signal, async () => {
          const weighing = runnerOnDevice.use((runner) => weighWords({ runner, ...model }, tree, options.signal));
          return weighing.catch((error: unknown) => {
            if (options.signal?.aborted) return undefined;
            throw error;
          });
        }),
      ),
    score: async (input, target, options = {}) => {
      const targetScore = await queue.run(options.signal, () =>
        runnerOnDevice.use((runner) => score({ runner, ...model }, input, target, options)),
      );
      if (targetScore !== undefined) return targetScore;
      throw options.signal?.reason;
    },
  };
}

/** A runner on a device, which remembers the states of inputs that it encoded. */
async function openCachingRunner(
  { directory, precision, threads }: Pick<ModelReference, "directory" | "precision"> & { threads: number | undefined },
  device: Device,
  check: () => void,
) {
  // The runner builds its graphs on demand, so a missing device is detected here.
  if (device !== "cpu") await requireDevice(device);
  const runner = await openRunner(
    directory,
    device === "cpu" ? precision : "float32",
    threads,
    undefined,
    device,
    check,
  );
  return { ...cachingEncoder(runner, runner.config), config: runner.config };
}

/** The tokens that may come next however rare they are in text. */
function alwaysCommon(tokenizer: Tokenizer, { padTokenId, decoderStartTokenId, eosTokenId }: T5Config): number[] {
  const marks = tokenizer.lengthMarks.map(({ id }) => id);
  return [padTokenId, decoderStartTokenId, eosTokenId, tokenizer.unkId, ...tokenizer.sentinelIds, ...marks];
}

/**
 * The settings, if their tokens are in the vocabulary.
 * @throws ModelError "config" otherwise
 */
function withinRows(settings: GenerationSettings, config: T5Config): GenerationSettings {
  const { endTokenIds = [], bannedTokens = [], bannedFirst = [], bannedSequences = [], forcedLast = [] } = settings;
  const single = [settings.startTokenId, settings.padTokenId, settings.forcedFirst].filter((id) => id !== undefined);
  const biased = settings.scoreRules?.sequenceBias?.flatMap(({ ids }) => ids) ?? [];
  const banned = [...bannedTokens, ...bannedFirst, ...bannedSequences.flat()];
  requireRows(settings.from, [...single, ...endTokenIds, ...banned, ...biased, ...forcedLast], config);
  return settings;
}

function requireRows(file: string, ids: readonly number[], { vocabSize }: T5Config): void {
  const beyond = ids.find((id) => id >= vocabSize);
  if (beyond === undefined) return;
  throw new ModelError(
    "config",
    `${file} names the token ${beyond}, but the model has ${vocabSize} tokens. Take the file from the model's own repository.`,
  );
}

/** The facts about a loaded model. */
function infoOf(
  directory: string,
  { sentinelIds, unkId, lengthMarks, spellsLayout }: Tokenizer,
  config: T5Config,
  loaded: { readonly device: Device; readonly wanted: ModelReference["precision"] } & Required<
    Pick<LoadedModel["info"], "decoding" | "generation">
  >,
): LoadedModel["info"] {
  const { device, wanted, decoding, generation } = loaded;
  const { id, prefixes, modes, labels, calibration, languages } = readManifest(directory);
  return {
    ...{ id, directory: resolve(directory), config, prefixes, calibration, languages, decoding, generation },
    precision: device === "cpu" ? wanted : "float32",
    device: slowNotice === undefined ? device : "wasm",
    ...defined({ slowNotice, labels, modes }),
    parameters: parameterCount(config),
    ...{ sentinelIds, unkTokenId: unkId, lengthMarks, spellsLayout },
  };
}

/** The result of a generation that was cancelled while it waited. */
function neverBegun(inputs: number): Generation {
  const timing = { encodeMs: 0, firstTokenMs: 0, totalMs: 0, steps: 0 };
  return { sequences: Array.from({ length: inputs }, () => []), cancelled: true, timing };
}
