/** The names of a model's tensors without what wrappers put before them. */
import { ModelError } from "../errors.ts";

/** Prefixes that wrappers put before every name: PyTorch's, Lightning's, PEFT's, transformers' heads. */
const WRAPPERS = ["module.", "model.", "transformer.", "_orig_mod.", "base_model."];

/**
 * The prefix that wrappers put before the names of a model's tensors; empty if none. One of any other name counts where
 * nothing stands beside it.
 * @throws ModelError "checkpoint" when there are two models under different prefixes, or parts of another model
 */
export function wrapperPrefix(tensors: ReadonlyMap<string, unknown>): string {
  const end = /encoder\.(final|first)_layer_norm\.weight$/;
  const prefixes = [...tensors.keys()].filter((name) => end.test(name)).map((name) => name.replace(end, ""));
  const isWrapper = (prefix: string) => {
    let rest = prefix;
    for (let next = wrapperOf(rest); next !== undefined; next = wrapperOf(rest)) rest = rest.slice(next.length);
    return rest === "";
  };
  if (prefixes.includes("")) return "";
  const [prefix, other] = prefixes;
  if (other !== undefined)
    throw new ModelError(
      "checkpoint",
      `The weights hold two models, under ${prefix}encoder and ${other}encoder. Save the one to use by itself.`,
    );
  if (prefix === undefined || isWrapper(prefix)) return prefix ?? "";
  const outside = [...tensors.keys()].find((name) => !name.startsWith(prefix));
  if (outside === undefined && prefix.endsWith(".")) return prefix;
  throw new ModelError(
    "checkpoint",
    `The weights hold a T5 under ${prefix}encoder and other tensors beside it, such as ${outside}. Save the T5 by itself (save_pretrained).`,
  );
}

/** The tensors without what wrappers put before their names. @throws as {@link wrapperPrefix} */
export function unwrapped<T>(tensors: ReadonlyMap<string, T>, prefix = wrapperPrefix(tensors)): ReadonlyMap<string, T> {
  if (prefix === "") return tensors;
  return new Map(
    [...tensors].map(([name, tensor]) => [name.startsWith(prefix) ? name.slice(prefix.length) : name, tensor]),
  );
}

function wrapperOf(text: string): string | undefined {
  return WRAPPERS.find((wrapper) => text.startsWith(wrapper));
}
