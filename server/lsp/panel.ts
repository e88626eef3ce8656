/** The panel's questions: the models there are, getting, checking, measuring and trying them, and the runs that train some. */
import { ModelError } from "../../models/errors.ts";
import type { Device } from "../../protocol/devices.ts";
import type { Devices, Generated, Job, ServerQuestion } from "../../protocol/panel.ts";
import type { RunNews } from "../../protocol/runs.ts";
import { modelIdentity } from "../catalog/folder/identity.ts";
import { listBuiltin, readManifest, resolveModel } from "../catalog/installed.ts";
import { keepMeasurement, readMeasurements } from "../catalog/measurements.ts";
import { type Places, placesOf, removeModel, verifyFiles } from "../catalog/store.ts";
import { repeatChanged } from "../engine/changed.ts";
import type { ModelReference } from "../engine/engine.ts";
import { createRemoteEngine, type RemoteEngine } from "../engine/process/remote.ts";
import { doOnce } from "../files/once.ts";
import { chooseDevice, findDevices, settled } from "../panel/devices.ts";
import { measureApart } from "../panel/measure.ts";
import { listModels } from "../panel/model-list.ts";
import { playground } from "../panel/playground.ts";
import { createRunService } from "../runs/service.ts";
import { cancelled } from "./errors.ts";
import type { Services } from "./services.ts";

/** Answers the panel, and keeps what it started going when it is closed. */
export interface PanelService {
  answer(services: Services, question: ServerQuestion, signal: AbortSignal): Promise<unknown>;
  /** Ends what is under way; what downloads have fetched stays. */
  dispose(): Promise<void>;
}

/**
 * @param onJob is told of work as it goes on, `onNews` of training runs, which go on without this process
 * @param problem is told what goes wrong where nobody waits for an answer
 */
export function createPanelService(
  onJob: (job: Job) => void,
  onNews: (news: RunNews) => void,
  places: Places = placesOf(),
  problem: (error: unknown) => void = () => undefined,
): PanelService {
  const runs = createRunService({ places, onNews, problem: once(problem) });
  const jobs = new Map<string, { job: Job; readonly controller: AbortController }>();
  let playgroundEngine: RemoteEngine | undefined;

  /** Looks for devices once, in a process that ends then. */
  const looking = () =>
    doOnce(async () => {
      const engine = createRemoteEngine();
      try {
        return await findDevices(engine);
      } finally {
        await engine.dispose();
      }
    });
  let devices = looking();

  function refuseBusy(id: string): void {
    const job = jobs.get(id)?.job;
    if (job?.state !== "running") return;
    throw new ModelError("input", `Something is under way for ${id} (${job.kind}): wait, or stop it.`);
  }

  /** Work on a model, one at a time. */
  async function run<T>(
    id: string,
    kind: Job["kind"],
    work: (signal: AbortSignal, report: (progress: Partial<Job>) => void) => Promise<T>,
  ): Promise<T> {
    refuseBusy(id);
    const entry = { job: { id, kind, state: "running" } as Job, controller: new AbortController() };
    const report = (change: Partial<Job>) => {
      entry.job = { ...entry.job, ...change };
      onJob(entry.job);
    };
    jobs.set(id, entry);
    report({});
    try {
      const made = await work(entry.controller.signal, report);
      report({ state: "done" });
      return made;
    } catch (error) {
      if (entry.controller.signal.aborted) {
        report({ state: "stopped" });
        throw cancelled("Stopped.");
      }
      report({ state: "failed", message: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }

  function get({ id, token, proxy }: Extract<ServerQuestion, { readonly kind: "get" }>): Job {
    const running = jobs.get(id)?.job;
    if (running?.state === "running") return running;
    const work = run(id, "get", async (signal, report) => {
      const [{ getModel }, { hubOf }, { createFetch }] = await Promise.all([
        import("../catalog/hub/get.ts"),
        import("../catalog/hub/hub.ts"),
        import("../catalog/hub/network.ts"),
      ]);
      let told = 0;
      const onProgress = (progress: Partial<Job>) => {
        if (performance.now() - told < REPORT_EVERY_MS) return;
        told = performance.now();
        report(progress);
      };
      const hub = hubOf(process.env, createFetch(proxy ? { proxy } : {}), token);
      await getModel(hub, places, id, { signal, onProgress });
    });
    // It goes on when nobody waits; the job says how it ended.
    work.catch(() => undefined);
    return jobs.get(id)?.job ?? { id, kind: "get", state: "running" };
  }

  async function reference(
    { settings }: Services,
    id: string,
    precision: ModelReference["precision"],
    device: Device = "cpu",
  ) {
    const { threads } = await settings.settingsFor();
    const directory = resolveModel(id);
    return { directory, precision, device, identity: modelIdentity(directory), ...(threads === 0 ? {} : { threads }) };
  }

  return {
    async answer(services, question, signal) {
      switch (question.kind) {
        case "models": {
          const models = await listModels(places);
          return {
            models,
            jobs: [...jobs.values()].map(({ job }) => job),
            builtIn: listBuiltin()[0] ? readManifest(resolveModel()).id : "",
          };
        }
        case "get":
          return get(question);
        case "stop":
          jobs.get(question.id)?.controller.abort();
          return null;
        case "remove":
          refuseBusy(question.id);
          jobs.delete(question.id);
          return { freedBytes: await removeModel(question.id, places) };
        case "verify": {
          const directory = resolveModel(question.id);
          const { sha256 } = readManifest(directory);
          const files = await run(question.id, "verify", (own) => verifyFiles(directory, sha256, own));
          return { files: files.map(({ name, intact = null }) => ({ name, intact })) };
        }
        case "import": {
          const { importModel } = await import("../catalog/import.ts");
          const made = await run(question.path, "import", (own, report) =>
            importModel(question.path, places, {
              signal: own,
              onBytes: (doneBytes, totalBytes) => report({ doneBytes, totalBytes }),
            }),
          );
          return { id: made.id };
        }
        case "measure": {
          const { id, precision, device } = question;
          const model = await reference(services, id, precision, device);
          return run(id, "measure", async (own) => {
            const made = await measureApart(id, model, own);
            await keepMeasurement(places, made);
            return made;
          });
        }
        case "devices": {
          const { precision, device } = await services.settings.settingsFor();
          if (question.again) devices = looking();
          // Both at once: a failure of one is then handled whichever comes first.
          const [found, kept] = await Promise.all([devices(), readMeasurements(places)]);
          const measured = kept.filter(({ id }) => id === question.id);
          return { found, choice: settled(chooseDevice(device, precision, measured), found) } satisfies Devices;
        }
        case "generate": {
          const { kind: _, id, precision, ...request } = question;
          const started = performance.now();
          // Not the editor's engine, whose models and speed are the person's own.
          playgroundEngine ??= createRemoteEngine({ idleMs: PLAYGROUND_IDLE_MS });
          const engine = playgroundEngine;
          return repeatChanged(async () => {
            const model = await engine.load(await reference(services, id, precision));
            const loadMs = performance.now() - started;
            const made = await playground(model, request, signal);
            return { ...made, loadMs } satisfies Generated;
          });
        }
        default:
          return runs.answer(question, signal);
      }
    },
    async dispose() {
      runs.dispose();
      for (const { controller } of jobs.values()) controller.abort();
      await playgroundEngine?.dispose();
    },
  };
}

/** Passes on an error unless it says the same as the one before: a look at the runs is repeated several times a second. */
function once(problem: (error: unknown) => void): (error: unknown) => void {
  let last = "";
  return (error) => {
    if (String(error) !== last) problem(error);
    last = String(error);
  };
}

const REPORT_EVERY_MS = 100;
const PLAYGROUND_IDLE_MS = 60_000;
