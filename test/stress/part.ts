/** Parts of the stress run, and what they report. */

/** The size of a run. */
export interface Scale {
  /** An hour rather than ten minutes. */
  readonly isLong: boolean;
  /** A folder for everything that processes write. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A line of the report. */
export interface Finding {
  readonly what: string;
  readonly figure: string;
  /** The aim, where there is one. */
  readonly aim?: string;
  /** Whether the aim is reached; absent where there is none. */
  readonly holds?: boolean;
}

/** A part of the run. */
export interface Part {
  readonly name: string;
  readonly title: string;
  run(scale: Scale): Promise<Finding[]>;
}

/** A finding with an aim. */
export function checked(what: string, figure: string, aim: string, holds: boolean): Finding {
  return { what, figure, aim, holds };
}

/** A finding that counts what must not happen. */
export function none(what: string, count: number): Finding {
  return checked(what, `${count}`, "0", count === 0);
}
