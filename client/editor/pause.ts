/** Pauses suggestions for a while in this window. */
import { l10n } from "vscode";
import { remark } from "./notices.ts";
import { pickOne } from "./picks.ts";

/** The state of suggestions, and a switch. */
export interface Pause {
  readonly paused: boolean;
  /** Asks for a duration and pauses, or ends the pause. */
  toggle(): Promise<void>;
}

/**
 * Creates the pause.
 * @param changed called when a pause begins or ends
 */
export function createPause(changed: (paused: boolean) => void): Pause {
  let end: NodeJS.Timeout | "open" | undefined;
  const resume = () => {
    if (typeof end === "object") clearTimeout(end);
    end = undefined;
    changed(false);
  };
  return {
    get paused() {
      return end !== undefined;
    },
    async toggle() {
      if (end !== undefined) {
        resume();
        remark(l10n.t("Spanfill: suggestions are on again"), SHOWN_MS);
        return;
      }
      const chosen = await pickOne(
        [
          { label: l10n.t("For 10 minutes"), minutes: 10 },
          { label: l10n.t("For an hour"), minutes: 60 },
          { label: l10n.t("Until I resume them"), minutes: undefined },
        ],
        { title: l10n.t("Pause Spanfill's suggestions in this window") },
      );
      if (chosen === undefined) return;
      end = chosen.minutes === undefined ? "open" : setTimeout(resume, chosen.minutes * 60_000);
      if (typeof end === "object") end.unref();
      changed(true);
    },
  };
}

const SHOWN_MS = 5000;
