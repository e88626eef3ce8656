/** The part of an import that another process may do. */
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";

/** A model to be opened. */
export interface ImportTask {
  /** The folder that has its files or, for an adapter, that gets them. */
  readonly to: string;
  readonly adapter?: { readonly folder: string; readonly id: string; readonly base?: string; readonly apart?: boolean };
}

/** A model that can be opened. */
export interface OpenedImport {
  /** The prefix of the tensors' names, which was left out. */
  readonly prefix: string;
  /** Whether it is an adapter that stays apart from its base. */
  readonly apart: boolean;
}

/** The error for a file that cannot be read, in words. */
export function notImported(path: string, cause: Error): ModelError {
  const why = `${path} cannot be imported: ${reason(cause)}. Repair or remove that file first.`;
  return new ModelError("input", why, { cause });
}
