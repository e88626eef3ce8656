/** The translations for the client's language, from the bundles that the extension uses, too. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { english, type Translate, translator } from "../../base/translate.ts";
import { readRegularTextSync } from "../files/regular-file.ts";

/**
 * @param locale what initialize says, such as "de" or "fr-CA"; English if it is missing, or there is no bundle for it
 */
export function translationFor(locale: string | undefined): Translate {
  const [language = ""] = /^[a-z]{2,3}(?![a-z])/i.exec(locale ?? "") ?? [];
  if (language === "") return english;
  // Beside dist/ in a package; further up for the tests' bundles.
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const bundle = read(join(folder, "l10n", `bundle.l10n.${language.toLowerCase()}.json`));
    if (bundle !== undefined) return translator(language.toLowerCase(), bundle);
    if (folder === dirname(folder)) return english;
  }
}

function read(path: string): Record<string, string> | undefined {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(readRegularTextSync(path)));
  } catch {
    return undefined; // no such file, or not a bundle
  }
}
