/**
 * Messages among the panel's page, the extension and the language server. The page sends a question to the extension,
 * which answers it if it concerns the editor and otherwise passes it to the server (request `spanfill/panel`). Later
 * events arrive as pushes (notification `$/spanfill/job`).
 */
// The whole module: of `{ z }` a bundle keeps all locales, four times the extension's half of the panel.
import * as z from "zod";
import type { Comparison } from "./comparison.ts";
import { DEVICES, type Device, type DeviceChoice, type DeviceReport } from "./devices.ts";
import { FEATURES, type Feature } from "./features.ts";
import type { Imported, Job, Measurement, ModelList, Removed, Verified } from "./panel/models.ts";
import {
  type DataCheck,
  type Fit,
  type Pace,
  type RunDetails,
  type RunList,
  type RunNews,
  type RunSummary,
  runQuestions,
} from "./runs.ts";

/** The request from the extension to the server: a `ServerQuestion` -> its answer. */
export const PANEL_REQUEST = "spanfill/panel";

/** The notification from the server to the extension: a `Job` that changed. */
export const JOB_NOTIFICATION = "$/spanfill/job";

const id = z.string().min(1).max(500);
const precision = z.enum(["int8", "float32"]);
const device = z.enum(DEVICES);

/** Questions that the server answers. */
const serverQuestions = [
  /** -> `ModelList` */
  z.object({ kind: z.literal("models") }),
  /** Starts or resumes a download -> `Job`. The extension fills in `token` and `proxy`. */
  z.object({ kind: z.literal("get"), id, token: z.string().optional(), proxy: z.string().optional() }),
  /** Ends the job of a model; the downloaded part stays -> nothing */
  z.object({ kind: z.literal("stop"), id }),
  /** -> `Removed` */
  z.object({ kind: z.literal("remove"), id }),
  /** Reads all files of a model again -> `Verified` */
  z.object({ kind: z.literal("verify"), id }),
  /** A folder, zip file or file of weights -> `Imported` */
  z.object({ kind: z.literal("import"), path: z.string() }),
  /** Loads a model and times it, in a separate process -> `Measurement` */
  z.object({ kind: z.literal("measure"), id, precision, device }),
  /** Finds the devices that models can run on; `again`: repeats an earlier search -> `Devices` */
  z.object({ kind: z.literal("devices"), id, again: z.boolean() }),
  /** -> `Generated` */
  z.object({
    kind: z.literal("generate"),
    id,
    precision,
    text: z.string().max(200_000),
    maxNewTokens: z.int().min(1).max(1024),
    numBeams: z.int().min(1).max(16),
    /** 0: no sampling. */
    temperature: z.number().min(0).max(5),
    noRepeatNgramSize: z.int().min(0).max(20),
    /** Number of sequences besides the best. */
    alternatives: z.int().min(0).max(8),
  }),
  ...runQuestions,
] as const;

/** A question to the server. */
export const serverQuestionSchema = z.discriminatedUnion("kind", serverQuestions);
export type ServerQuestion = z.output<typeof serverQuestionSchema>;

/** A question to the extension: one for the server, or one that only an editor can answer. */
const questionSchema = z.discriminatedUnion("kind", [
  ...serverQuestions,
  /**
   * Writes the setting: an empty id stands for the model of all features, or without a feature for the built-in one ->
   * `Chosen`
   */
  z.object({ kind: z.literal("choose"), feature: z.enum(FEATURES).optional(), id: z.string().max(500) }),
  /** -> `Chosen` */
  z.object({ kind: z.literal("chosen") }),
  /** Writes the settings that are given -> `Chosen` */
  z.object({
    kind: z.literal("configure"),
    device: z.enum(["auto", ...DEVICES]).optional(),
    precision: precision.optional(),
    /** 0: as many as the machine has cores. */
    threads: z.int().min(0).max(256).optional(),
    /** The features that the server answers, where the device is one. */
    serverFeatures: z.array(z.enum(FEATURES)).optional(),
  }),
  /** Lets a person pick something to import, and imports it -> `Imported`, or null if nothing was picked */
  z.object({ kind: z.literal("pick"), what: z.enum(["folder", "file"]) }),
  /** Lets a person type the hub's token, stored as a secret; an empty one removes it -> whether there is one */
  z.object({ kind: z.literal("token") }),
  /** Lets a person type a server's address, and the token for it, stored as a secret -> `Chosen` */
  z.object({ kind: z.literal("server") }),
  /** Lets a person pick a file or folder to learn from, or takes the workspace -> its path, or null if there is none */
  z.object({ kind: z.literal("pickData"), what: z.enum(["folder", "file", "workspace"]) }),
  /** Opens a file or folder of a run's model in the editor or the system's file manager -> nothing */
  z.object({ kind: z.literal("reveal"), path: z.string() }),
  /** Opens a model's page in the browser -> nothing */
  z.object({ kind: z.literal("visit"), id }),
  /** Shows PRIVACY.md, which comes with the extension -> nothing */
  z.object({ kind: z.literal("privacy") }),
]);
export type Question = z.output<typeof questionSchema>;

/** A message from the page: a question with a number that its answer repeats. */
export const fromPageSchema = z.object({ seq: z.int().nonnegative(), question: questionSchema });
export type FromPage = z.input<typeof fromPageSchema>;

/** A message to the page. */
export type ToPage =
  | { readonly type: "answer"; readonly seq: number; readonly answer: unknown }
  | { readonly type: "failure"; readonly seq: number; readonly message: string }
  | { readonly type: "job"; readonly job: Job }
  /** The server has ended, and its jobs with it. */
  | { readonly type: "gone" }
  | { readonly type: "run"; readonly news: RunNews }
  /** Shows a page, for a command of the palette. */
  | { readonly type: "show"; readonly page: "models" | "playground" | "tuning" }
  /** A setting was changed, here or elsewhere. */
  | { readonly type: "chosen"; readonly chosen: Chosen };

/** The questions by their kinds. */
export type Questions = { readonly [Kind in Question["kind"]]: Extract<Question, { readonly kind: Kind }> };

/** A question's answer. */
export type AnswerOf<Q extends Question> = Answers[Q["kind"]];

/** A handler for each of some kinds of questions. */
export type Answerers<Kind extends Question["kind"], Context extends readonly unknown[]> = {
  readonly [Each in Kind]: (question: Questions[Each], ...context: Context) => Promise<Answers[Each]>;
};

/** Answers a question by the handler of its kind. */
export function answerBy<Kind extends Question["kind"], Context extends readonly unknown[]>(
  handlers: Answerers<Kind, Context>,
  kind: Kind,
  question: Questions[Kind],
  ...context: Context
): Promise<Answers[Kind]> {
  return handlers[kind](question, ...context);
}

/** The answers by the kinds of questions. */
interface Answers {
  readonly models: ModelList;
  readonly get: Job;
  readonly stop: null;
  readonly remove: Removed;
  readonly verify: Verified;
  readonly import: Imported;
  readonly measure: Measurement;
  readonly generate: Generated;
  readonly choose: Chosen;
  readonly chosen: Chosen;
  readonly configure: Chosen;
  readonly devices: Devices;
  readonly pick: Imported | null;
  readonly token: boolean;
  readonly server: Chosen;
  readonly visit: null;
  readonly privacy: null;
  readonly runs: RunList;
  readonly run: RunDetails;
  readonly checkData: DataCheck;
  readonly fit: Fit;
  readonly pace: Pace;
  readonly startRun: RunSummary;
  readonly steerRun: RunSummary;
  readonly compareRun: Comparison;
  readonly removeRun: Removed;
  readonly cluster: string | null;
  readonly pickData: string | null;
  readonly reveal: null;
}

/** The models that the settings name (ids or folders; empty if not set), and the settings for running them. */
export interface Chosen {
  readonly model: string;
  readonly summarize: string;
  readonly infill: string;
  readonly ask: string;
  readonly classify: string;
  readonly precision: "int8" | "float32";
  readonly device: Device | "auto";
  /** 0: as many as the machine has cores. */
  readonly threads: number;
  /** The features that the server answers, where the device is one; the CPU answers the others. */
  readonly serverFeatures: readonly Feature[];
}

/** The devices that models can run on. */
export interface Devices {
  readonly found: readonly DeviceReport[];
  /** The device that the settings choose for the model in question. */
  readonly choice: DeviceChoice;
  /** HOST:PORT of the server that is set, whether or not it is chosen. */
  readonly host?: string;
}

/** A model's output. */
export interface Generated {
  /** Best first. */
  readonly sequences: readonly {
    /** Pieces of the text in order, each with the probability that the model assigned to it. */
    readonly tokens: readonly { readonly text: string; readonly probability: number }[];
    readonly score: number;
  }[];
  readonly inputTokens: number;
  readonly encodeMs: number;
  readonly firstTokenMs: number;
  readonly totalMs: number;
  readonly loadMs: number;
}
