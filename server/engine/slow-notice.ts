/** A sentence for people where the engine runs as WebAssembly. */
import { english, type Translate } from "../../base/translate.ts";

/** @param why what keeps the native engine from being loaded */
export function slowNotice(why: string, t: Translate = english): string {
  return t(
    "Spanfill works here, but about ten times slower than it could and with three times the memory: its engine runs as WebAssembly, because {0}.",
    why,
  );
}

/** {@link slowNotice}, which the engine's process writes in English, in another language. */
export function translatedSlowNotice(notice: string, t: Translate): string {
  const [before = "", after = ""] = slowNotice("{0}").split("{0}");
  const why = notice.startsWith(before) ? notice.slice(before.length, notice.length - after.length) : undefined;
  return why === undefined ? notice : slowNotice(why, t);
}
