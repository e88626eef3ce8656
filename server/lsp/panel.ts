/**
 * Answers the panel's questions: the available models, downloading, checking, measuring and trying them, and training
 * runs.
 */
import { defined } from "../../base/defined.ts";
import type { Device } from "../../protocol/devices.ts";
import type { Job } from "../../protocol/panel/models.ts";
import { type Answerers, type AnswerOf, answerBy, type Questions, type ServerQuestion } from "../../protocol/panel.ts";
import type { RunNews } from "../../protocol/runs.ts";
import { modelIdentity } from "../catalog/folder/identity.ts";
import { listBuiltin, readManifest, resolveModel } from "../catalog/installed.ts";
import { keepMeasurement, readMeasurements } from "../catalog/measurements.ts";
import { type Places, placesOf, removeModel, verifyFiles } from "../catalog/store.ts";
import { repeatChanged } from "../engine/changed.ts";
import type { ModelReference } from "../engine/engine.ts";
import { createRemoteEngine, type RemoteEngine } from "../engine/process/remote.ts";
import type { ServerConnection } from "../engine/wire/connection.ts";
import { doOnce } from "../files/once.ts";
import { chooseDevice } from "../panel/device-choice.ts";
import { findDevices, settled } from "../panel/devices.ts";
import { measureApart } from "../panel/measure.ts";
import { listModels } from "../panel/model-list.ts";
import { playground } from "../panel/playground.ts";
import { createRunService, type RunKind } from "../runs/service.ts";
import { Jobs } from "./jobs.ts";
import type { Services } from "./services.ts";

/** Answers the panel, and continues the work that it started when the panel is closed. */
export interface PanelService {
  answer(services: Services, question: ServerQuestion, signal: AbortSignal): Promise<AnswerOf<ServerQuestion>>;
  /** Ends the work in progress; the part of a download that has arrived stays. */
  dispose(): Promise<void>;
}

/**
 * @param onJob gets the jobs as they change, `onNews` the news of training runs, which go on without this process
 * @param problem gets the errors that nobody waits for
 */
export function createPanelService(
  onJob: (job: Job) => void,
  onNews: (news: RunNews) => void,
  places: Places = placesOf(),
  problem: (error: unknown) => void = () => undefined,
): PanelService {
  const runs = createRunService({ places, onNews, problem: once(problem) });
  const jobs = new Jobs(onJob);
  const models = modelAnswers(jobs, places);
  const playgrounds = playgroundAnswers();
  const answerers: Answerers<ServerQuestion["kind"], [AbortSignal, Services]> = {
    ...models,
    devices: deviceAnswers(places),
    generate: playgrounds.generate,
    ...runs.answers,
  };
  return {
    answer: async (services, question, signal) => answerBy(answerers, question.kind, question, signal, services),
    async dispose() {
      runs.dispose();
      jobs.dispose();
      await playgrounds.dispose();
    },
  };
}

type ModelKind = Exclude<ServerQuestion["kind"], RunKind | "devices" | "generate">;

function modelAnswers(jobs: Jobs, places: Places): Answerers<ModelKind, [AbortSignal, Services]> {
  return {
    models: async () => ({
      models: await listModels(places),
      jobs: jobs.list(),
      builtIn: listBuiltin()[0] ? readManifest(resolveModel()).id : "",
    }),
    get: async (question) => {
      const job = jobs.get(question.id);
      if (job?.state === "running") return job;
      // The download goes on when nobody waits; its job reports the end.
      download(jobs, places, question).catch(() => undefined);
      return jobs.get(question.id) ?? { id: question.id, kind: "get", state: "running" };
    },
    stop: async ({ id }) => {
      jobs.stop(id);
      return null;
    },
    remove: async ({ id }) => {
      jobs.remove(id);
      return { freedBytes: await removeModel(id, places) };
    },
    verify: async ({ id }) => {
      const directory = resolveModel(id);
      const { sha256 } = readManifest(directory);
      const files = await jobs.run(id, "verify", (signal) => verifyFiles(directory, sha256, signal));
      return { files: files.map(({ name, intact = null }) => ({ name, intact })) };
    },
    import: async ({ path }) => {
      const [{ importModel }, { openApart }] = await Promise.all([
        import("../catalog/import.ts"),
        import("../engine/process/open-apart.ts"),
      ]);
      const { id } = await jobs.run(path, "import", (signal, report) =>
        importModel(path, places, {
          signal,
          open: openApart,
          onBytes: (doneBytes, totalBytes) => report({ doneBytes, totalBytes }),
        }),
      );
      return { id };
    },
    measure: async ({ id, precision, device }, _signal, services) => {
      const model = await reference(services, id, precision, device);
      const server = services.server.connectionOf(await services.settings.settingsFor());
      return jobs.run(id, "measure", async (signal) => {
        const measurement = await measureApart(id, model, signal, server);
        await keepMeasurement(places, measurement);
        return measurement;
      });
    },
  };
}

async function download(jobs: Jobs, places: Places, { id, token, proxy }: Questions["get"]): Promise<void> {
  await jobs.run(id, "get", async (signal, report) => {
    const [{ getModel }, { hubOf }, { createFetch }] = await Promise.all([
      import("../catalog/hub/get.ts"),
      import("../catalog/hub/hub.ts"),
      import("../catalog/hub/network.ts"),
    ]);
    let reportedMs = 0;
    const onProgress = (progress: Partial<Job>) => {
      if (performance.now() - reportedMs < REPORT_EVERY_MS) return;
      reportedMs = performance.now();
      report(progress);
    };
    const hub = hubOf(process.env, createFetch(proxy ? { proxy } : {}), token);
    await getModel(hub, places, id, { signal, onProgress });
  });
}

/** Finds the devices once, in a process that then ends, and again when asked to. */
function deviceAnswers(places: Places): Answerers<"devices", [AbortSignal, Services]>["devices"] {
  const search = (server: ServerConnection | undefined) =>
    doOnce(async () => {
      const engine = createRemoteEngine(defined({ server }));
      try {
        return await findDevices(engine);
      } finally {
        await engine.dispose();
      }
    });
  let last: { readonly key: string; readonly devices: ReturnType<typeof search> } | undefined;
  return async (question, _signal, { settings, server }) => {
    const current = await settings.settingsFor();
    const { precision, device } = current;
    const connection = server.connectionOf(current);
    const key = JSON.stringify(connection ?? null);
    if (question.again || last?.key !== key) last = { key, devices: search(connection) };
    const { devices } = last;
    // Both at once: a failure of one is then handled whichever comes first.
    const [found, measurements] = await Promise.all([devices(), readMeasurements(places)]);
    const ofModel = measurements.filter(({ id }) => id === question.id);
    const choice = settled(chooseDevice(device, precision, ofModel), found);
    return { found, choice, ...defined({ host: server.hostOf(current) }) };
  };
}

/** The playground has its own engine: the editor's keeps the person's models and its speed. */
function playgroundAnswers(): Answerers<"generate", [AbortSignal, Services]> & { dispose(): Promise<void> } {
  let started: RemoteEngine | undefined;
  return {
    generate: async ({ kind: _, id, precision, ...request }, signal, services) => {
      const startMs = performance.now();
      started ??= createRemoteEngine({ idleMs: PLAYGROUND_IDLE_MS });
      const engine = started;
      return repeatChanged(async () => {
        const model = await engine.load(await reference(services, id, precision));
        const loadMs = performance.now() - startMs;
        return { ...(await playground(model, request, signal)), loadMs };
      });
    },
    dispose: async () => started?.dispose(),
  };
}

async function reference(
  { settings }: Services,
  id: string,
  precision: ModelReference["precision"],
  device: Device = "cpu",
): Promise<ModelReference> {
  const { threads } = await settings.settingsFor();
  const directory = resolveModel(id);
  const identity = modelIdentity(directory);
  return { directory, precision, device, identity, ...defined({ threads: threads === 0 ? undefined : threads }) };
}

/**
 * Passes on an error unless it says the same as the one before: a look at the runs is repeated several times a second.
 */
function once(problem: (error: unknown) => void): (error: unknown) => void {
  let last = "";
  return (error) => {
    if (String(error) !== last) problem(error);
    last = String(error);
  };
}

const REPORT_EVERY_MS = 100;
const PLAYGROUND_IDLE_MS = 60_000;
