/** Processes outside this one that do a job: those of torchrun on this machine, or a Ray cluster's. */

/** A job's processes. They report in lines, and go on from the state that they have saved. */
export interface Workers {
  /** A sentence on what leaves this machine, shown before anything does. */
  readonly leaves: string;
  /**
   * Starts the processes, and waits until all of them have ended.
   * @param onEvent receives the events that they write, not checked
   * @param stop asks them to save and end
   * @throws ModelError "process" when they fail, with their last words; "network" when they cannot be reached
   */
  run(onEvent: (event: unknown) => void, stop: AbortSignal): Promise<void>;
  /** Copies a file that they have written to a path on this machine, and checks its sum. @throws ModelError */
  fetch(file: WorkerFile, to: string): Promise<void>;
  /** Removes what they keep of the job. */
  remove(): Promise<void>;
}

/** A file that workers have written. */
export interface WorkerFile {
  /** Relative to their folder, with "/". */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** The begin of a line with an event, among lines of PyTorch, Ray and others. @see cluster/spanfill_cluster */
export const EVENT_MARK = "spanfill-event ";

/** The event of a line; undefined for any other line. */
export function eventOf(line: string): unknown {
  const at = line.indexOf(EVENT_MARK);
  if (at < 0) return undefined;
  try {
    return JSON.parse(line.slice(at + EVENT_MARK.length));
  } catch {
    return undefined; // a process was killed while it wrote
  }
}

/** The last lines of what processes wrote for people, bounded. */
export class LastWords {
  private lines: string[] = [];

  add(line: string): void {
    if (line.trim() === "") return;
    this.lines = [...this.lines.slice(1 - MOST_LINES), line.slice(0, MOST_CHARACTERS)];
  }

  /** The last line that names an error, else the last one. */
  get reason(): string {
    return (this.lines.findLast((line) => ERROR.test(line)) ?? this.lines.at(-1) ?? "").trim();
  }
}

const MOST_LINES = 60;
const MOST_CHARACTERS = 500;
const ERROR = /^(\S{0,100}: )?[A-Za-z_.]{0,100}(Error|Exception|Exit)\b/;
