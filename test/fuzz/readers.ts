/** Every reader of what others made, for fuzzing. */
import { checkpointReaders, type Reader } from "./checkpoints.ts";
import { messageReaders } from "./messages.ts";
import { textReaders } from "./texts.ts";

/** Every reader: of checkpoints, documents, tables, settings and messages. */
export function allReaders(): Reader[] {
  return [...checkpointReaders(), ...textReaders(), ...messageReaders()];
}
