/** Reports the engine's status to the client when it changes, but not that it is busy for a moment. */
import type { EngineStatus } from "../../../protocol/requests.ts";

/** The engine is reported as busy when it has been so for this long. */
const BUSY_AFTER_MS = 150;

/** The status that the client knows, and the one that it does not know yet. */
export class StatusReport {
  private readonly onStatus: (status: EngineStatus) => void;
  private reported = "";
  private latest: EngineStatus | undefined;
  private later: NodeJS.Timeout | undefined;

  constructor(onStatus: (status: EngineStatus) => void) {
    this.onStatus = onStatus;
  }

  /** Reports a status, at once or when the engine stays busy. */
  update(status: EngineStatus): void {
    this.latest = status;
    if (status.state !== "busy") this.report();
    else this.later ??= setTimeout(() => this.report(), BUSY_AFTER_MS);
  }

  private report(): void {
    clearTimeout(this.later);
    this.later = undefined;
    const text = JSON.stringify(this.latest);
    if (this.latest !== undefined && text !== this.reported) this.onStatus(this.latest);
    this.reported = text;
  }
}
