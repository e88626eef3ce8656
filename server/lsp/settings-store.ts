/** The client's settings, requested once per document and again after a change. */
import { reason } from "../../base/reason.ts";
import { parseSettings, SETTINGS_SECTION, type Settings } from "../../protocol/settings.ts";

/** The source of settings. */
export interface SettingsSource {
  /** Requests settings from the client (workspace/configuration); undefined for clients that only push. */
  readonly fetch: ((scopeUri: string | undefined) => Promise<unknown>) | undefined;
  /** Initial settings of a client that only pushes (initializationOptions). */
  readonly initial: unknown;
  /** Receives a sentence for each invalid setting, once. */
  readonly problem: (sentence: string) => void;
}

/** Valid settings for each document. */
export interface SettingsStore {
  /**
   * The settings for a document, or by default for the whole workspace; defaults if the client has none or cannot
   * answer.
   */
  settingsFor(uri?: string): Promise<Settings>;
  /** Handles the client's notification of changed settings; `pushed` is what it contained. */
  changed(pushed: unknown): void;
  /** Forgets a closed document. */
  forget(uri: string): void;
}

/** Creates a store that has requested nothing yet. */
export function createSettingsStore({ fetch, initial, problem }: SettingsSource): SettingsStore {
  const settingsByUri = new Map<string, Promise<Settings>>();
  const reported = new Set<string>();
  let pushed = initial;

  async function ask(uri: string): Promise<Settings> {
    let values = pushed;
    try {
      if (fetch !== undefined) values = await fetch(uri === "" ? undefined : uri);
    } catch (error) {
      // The next request may succeed.
      settingsByUri.delete(uri);
      report(`The client did not report its settings: ${reason(error)}`);
    }
    const { settings, problems } = parseSettings(values);
    for (const sentence of problems) report(sentence);
    return settings;
  }

  function report(sentence: string): void {
    if (reported.has(sentence)) return;
    reported.add(sentence);
    problem(sentence);
  }

  return {
    settingsFor(uri = "") {
      const settings = settingsByUri.get(uri) ?? ask(uri);
      settingsByUri.set(uri, settings);
      return settings;
    },
    changed(sent) {
      settingsByUri.clear();
      reported.clear();
      const section =
        typeof sent === "object" && sent !== null && SETTINGS_SECTION in sent ? sent[SETTINGS_SECTION] : sent;
      if (section !== null && section !== undefined) pushed = section;
    },
    forget: (uri) => void settingsByUri.delete(uri),
  };
}
