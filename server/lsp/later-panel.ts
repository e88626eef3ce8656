/** The panel's service, imported when a question first asks for it: few sessions open the panel. */
import { withStack } from "../../base/reason.ts";
import { JOB_NOTIFICATION, type ServerQuestion } from "../../protocol/panel.ts";
import { RUN_NOTIFICATION } from "../../protocol/runs.ts";
import type { Log } from "./log.ts";
import type { PanelService } from "./panel.ts";

/** The panel's service, and how long its answers may take. */
export interface LaterPanel extends PanelService {
  /** Milliseconds that a question may take. */
  deadline(question: ServerQuestion): Promise<number>;
}

/** Creates a service that has imported nothing yet. */
export function createLaterPanel(notify: (method: string, params: unknown) => void, log: Log): LaterPanel {
  let panel: PanelService | undefined;
  return {
    async answer(...asked) {
      const { createPanelService } = await import("./panel.ts");
      panel ??= createPanelService(
        (job) => notify(JOB_NOTIFICATION, job),
        (news) => notify(RUN_NOTIFICATION, news),
        undefined,
        (error) => log.warn(`the training runs could not be looked at: ${withStack(error)}`),
      );
      return panel.answer(...asked);
    },
    async deadline(question) {
      const { questionDeadline } = await import("./request-deadlines.ts");
      return questionDeadline(question);
    },
    dispose: async () => panel?.dispose(),
  };
}
