/** The GGUF file that is a whole model. */
import { basename, join } from "node:path";
import { ModelError } from "../../../../models/errors.ts";
import { ggufFiles } from "../model-files.ts";

/**
 * The GGUF file of a folder that contains just one, or the path itself if it is one.
 * @throws ModelError "config" when there are several
 */
export function onlyGguf(directory: string): string | undefined {
  const [file, ...others] = ggufFiles(directory);
  if (others.length === 0) return file;
  const names = [file ?? "", ...others].map((path) => basename(path)).join(", ");
  throw new ModelError(
    "config",
    `${directory} contains several GGUF files (${names}), each of which is a model. Give the path of one: ${join(directory, basename(file ?? ""))}.`,
  );
}
