/** The settings as the client has them, asked for once for each document and again after they changed. */
import { reason } from "../../base/reason.ts";
import { parseSettings, SETTINGS_SECTION, type Settings } from "../../protocol/settings.ts";

/** Where settings come from. */
export interface SettingsSource {
  /** Asks the client (workspace/configuration); undefined for clients that only push. */
  readonly fetch: ((scopeUri: string | undefined) => Promise<unknown>) | undefined;
  /** What a client that only pushes gave at the start (initializationOptions). */
  readonly initial: unknown;
  /** Gets a sentence for each setting that is not valid, once. */
  readonly problem: (sentence: string) => void;
}

/** Valid settings for each document. */
export interface SettingsStore {
  /** For a document, or without one those of the whole workspace; defaults where the client has none or cannot say. */
  settingsFor(uri?: string): Promise<Settings>;
  /** The client said that settings changed; `pushed` is what it sent along. */
  changed(pushed: unknown): void;
  /** A document was closed. */
  forget(uri: string): void;
}

/** @returns a store that has asked for nothing yet */
export function createSettingsStore({ fetch, initial, problem }: SettingsSource): SettingsStore {
  const known = new Map<string, Promise<Settings>>();
  const told = new Set<string>();
  let pushed = initial;

  async function ask(uri: string): Promise<Settings> {
    let given = pushed;
    try {
      if (fetch !== undefined) given = await fetch(uri === "" ? undefined : uri);
    } catch (error) {
      // Asked again, it may.
      known.delete(uri);
      tell(`The client did not say its settings: ${reason(error)}`);
    }
    const { settings, problems } = parseSettings(given);
    for (const sentence of problems) tell(sentence);
    return settings;
  }

  function tell(sentence: string): void {
    if (told.has(sentence)) return;
    told.add(sentence);
    problem(sentence);
  }

  return {
    settingsFor(uri = "") {
      const settings = known.get(uri) ?? ask(uri);
      known.set(uri, settings);
      return settings;
    },
    changed(sent) {
      known.clear();
      told.clear();
      const section =
        typeof sent === "object" && sent !== null && SETTINGS_SECTION in sent ? sent[SETTINGS_SECTION] : sent;
      if (section !== null && section !== undefined) pushed = section;
    },
    forget: (uri) => void known.delete(uri),
  };
}
