/** What commands about a document share: its version checked, its part found, long work shown and cancelled. */
import type { ProgressToken, Range } from "vscode-languageserver-protocol";
import type { Task } from "../../protocol/panel.ts";
import type { Settings } from "../../protocol/settings.ts";
import type { LoadedModel } from "../engine/engine.ts";
import { cancelled, contentModified } from "./errors.ts";
import type { OpenDocument } from "./positions.ts";
import type { Services } from "./services.ts";

/** A part of a document at the version that a command named. */
export interface Target {
  readonly document: OpenDocument;
  readonly text: string;
  /** The part, in UTF-16 units: all of the text where the command named none. */
  readonly start: number;
  readonly end: number;
  readonly settings: Settings;
  /** @throws ResponseError ContentModified when the document has changed, or was closed and opened again */
  check(): void;
}

/** @throws ResponseError InvalidParams when the document is not open, ContentModified when it has another version */
export async function targetOf(
  services: Services,
  {
    uri,
    version,
    range,
  }: { readonly uri: string; readonly version?: number | undefined; readonly range?: Range | undefined },
): Promise<Target> {
  const check = () => {
    const { version: now } = services.openDocument(uri);
    if (version === undefined || version === now) return;
    throw contentModified(
      `The request is for version ${version} of ${uri}, which is now at version ${now}; ask again.`,
    );
  };
  const document = services.openDocument(uri);
  check();
  const { text } = document;
  const places =
    range === undefined ? [0, text.length] : [document.offsetAt(range.start), document.offsetAt(range.end)];
  const settings = await services.settings.settingsFor(uri);
  return { document, text, start: Math.min(...places), end: Math.max(...places), settings, check };
}

/** Runs a feature with the model, loaded when the feature asks for it. */
export async function withModel<T>(
  { engine, settings }: Services,
  task: Task,
  feature: (model: () => Promise<LoadedModel>) => Promise<T>,
): Promise<T> {
  // The engine's settings are the whole workspace's: one engine serves every document.
  return engine.use(await settings.settingsFor(), task, feature);
}

/** What long work gets besides the model. */
export interface WorkOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What a command hands on: its progress token, if it has one, and what ends it. */
export interface Asked {
  readonly token: ProgressToken | undefined;
  readonly signal: AbortSignal;
}

/** Runs a feature with a task's model, and shows how far it is. @throws ResponseError RequestCancelled when it was cancelled */
export async function longWork<T extends { readonly cancelled: boolean }>(
  services: Services,
  { task, title, token, signal }: Asked & { readonly task: Task; readonly title: string },
  feature: (model: () => Promise<LoadedModel>, options: WorkOptions) => Promise<T>,
): Promise<T> {
  const run = (own: AbortSignal, onProgress: WorkOptions["onProgress"]) =>
    withModel(services, task, (model) => feature(model, { signal: own, onProgress }));
  const made = await services.progress.run({ title: `Spanfill: ${title}`, token, signal, run });
  if (made.cancelled) throw cancelled();
  return made;
}
