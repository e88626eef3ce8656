/**
 * Common parts of commands on a document: checking its version, locating its part, showing and cancelling long work.
 */
import type { Position, ProgressToken, Range } from "vscode-languageserver-protocol";
import type { Feature } from "../../../protocol/features.ts";
import type { Settings } from "../../../protocol/settings.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { asked, DEADLINES } from "../deadlines.ts";
import type { Work } from "../engine/engine-host.ts";
import { cancelled, contentModified, EngineEnded } from "../errors.ts";
import type { Services } from "../services.ts";
import type { OpenDocument } from "./positions.ts";
import { confirmPrivate } from "./quiet.ts";

/** A part of a document at the version that a command named. */
export interface Target {
  readonly document: OpenDocument;
  readonly text: string;
  /** The part, in UTF-16 units; the whole text if the command named none. */
  readonly start: number;
  readonly end: number;
  readonly settings: Settings;
  /**
   * Checks that the document is unchanged.
   * @throws ResponseError ContentModified when it has changed, was closed, or was reopened
   */
  check(): void;
}

/** The document that a command's arguments name, and optionally a part of its text. */
export interface Named {
  readonly uri: string;
  readonly version?: number | undefined;
  readonly edition?: string | undefined;
  readonly range?: Range | undefined;
  readonly position?: Position;
}

/**
 * A handler of a command about a part of a document: the part is found for it.
 * @throws ResponseError InvalidParams when the document is not open, ContentModified when it has another version, or
 *   edition
 */
export function onPart<Arguments extends Named, Result>(
  run: (services: Services, target: Target, args: Arguments, call: Call) => Promise<Result>,
): (services: Services, args: Arguments, call: Call) => Promise<Result> {
  return async (services, args, call) => run(services, await targetOf(services, args), args, call);
}

async function targetOf(services: Services, { uri, version, edition: named, ...place }: Named): Promise<Target> {
  const document = services.openDocument(uri);
  const { text, edition } = document;
  if ((version !== undefined && version !== document.version) || (named !== undefined && named !== edition))
    throw contentModified(whatBecame(document, version));
  const check = () => checkEdition(services, document, edition, version);
  const range = place.position === undefined ? place.range : { start: place.position, end: place.position };
  const offsets =
    range === undefined ? [0, text.length] : [document.offsetAt(range.start), document.offsetAt(range.end)];
  const settings = await services.settings.settingsFor(uri);
  await confirmPrivate(services, uri);
  check();
  return { document, text, start: Math.min(...offsets), end: Math.max(...offsets), settings, check };
}

/**
 * Checks a document after a wait.
 * @param edition the document's edition before the wait
 * @param version the version that the request named, if any
 * @throws ResponseError ContentModified when the document has changed, was closed, or was reopened
 */
export function checkEdition(
  services: Pick<Services, "findDocument">,
  { uri }: OpenDocument,
  edition: string,
  version?: number,
): void {
  const now = services.findDocument(uri);
  if (now === undefined) throw contentModified(`${uri} was closed.`);
  if (now.edition !== edition) throw contentModified(whatBecame(now, version));
}

/** Whether {@link checkEdition} would throw. */
export function isStale(services: Pick<Services, "findDocument">, { uri }: OpenDocument, edition: string): boolean {
  return services.findDocument(uri)?.edition !== edition;
}

function whatBecame({ uri, version: now }: OpenDocument, version: number | undefined): string {
  if (version === undefined || version === now) return `${uri} was changed, or closed and opened again; ask again.`;
  return `The request is for version ${version} of ${uri}, which is now at version ${now}; ask again.`;
}

/**
 * Runs work with a feature's model, loaded when the work asks for it; once more, with the settings of then, where the
 * engine was restarted meanwhile.
 */
export async function withModel<T>({ engine, settings }: Services, feature: Feature, work: Work<T>): Promise<T> {
  // One engine serves every document, so its settings are those of the whole workspace.
  return overRestart(async () => engine.use(await settings.settingsFor(), feature, work));
}

/**
 * Does work on the engine, once more if the engine restarts in the meantime.
 * @throws what the work throws
 */
export async function overRestart<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof EngineEnded && error.again)) throw error;
    return work();
  }
}

/** Inputs of long work besides the model. */
export interface WorkOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
}

/** A call of a command: its progress token, if it has one, and the signal that ends it. */
export interface Call {
  readonly token: ProgressToken | undefined;
  readonly signal: AbortSignal;
}

/**
 * Runs work on a part of a document with a feature's model, and shows how far it is.
 * @throws ResponseError RequestCancelled when it was cancelled, ContentModified when the document has changed meanwhile
 */
export async function workOn<T extends { readonly cancelled: boolean }>(
  services: Services,
  { text, start, end, settings, check }: Target,
  { feature, title, token, signal }: Call & { readonly feature: Feature; readonly title: string },
  work: (model: () => Promise<LoadedModel>, options: WorkOptions) => Promise<T>,
): Promise<T> {
  const gaps = () => text.slice(start, end).split(settings.gapMarker).length - 1;
  const ms = feature === "infill" ? DEADLINES.fills(gaps()) : DEADLINES.reading(end - start);
  const run = (own: AbortSignal, onProgress: WorkOptions["onProgress"]) =>
    asked(services, ms, own, (signal) => withModel(services, feature, (model) => work(model, { signal, onProgress })));
  const result = await services.progress.run({ title, token, signal, run });
  if (result.cancelled) throw cancelled();
  check();
  return result;
}
