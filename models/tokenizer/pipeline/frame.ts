/** Post-processors of tokenizer.json: the tokens around a text. @see huggingface/tokenizers, src/processors */
import { type Part, partAt, partsOf, unsupported } from "./part.ts";

/** Ids before and after a text. */
export interface Frame {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * Reads a post-processor.
 * @throws ModelError "tokenizer" that names the part which is not known
 */
export function readFrame(part: Part, idOf: ReadonlyMap<string, number>): Frame {
  switch (part["type"]) {
    case "ByteLevel":
      return { before: [], after: [] };
    case "BertProcessing":
    case "RobertaProcessing":
      return { before: [idOfPair(part["cls"], idOf)], after: [idOfPair(part["sep"], idOf)] };
    case "TemplateProcessing":
      return template(part, idOf);
    case "Sequence":
      return partsOf(part, "processors", "post-processor")
        .map((each) => readFrame(each, idOf))
        .reduce((frame, { before, after }) => ({
          before: [...before, ...frame.before],
          after: [...frame.after, ...after],
        }));
    default:
      throw unsupported(`its post-processor has the type ${String(part["type"])}, which is not known`);
  }
}

/** The id of ["</s>", 2]. */
function idOfPair(pair: unknown, idOf: ReadonlyMap<string, number>): number {
  if (Array.isArray(pair) && typeof pair[1] === "number") return pair[1];
  const id = Array.isArray(pair) ? idOf.get(String(pair[0])) : undefined;
  if (id !== undefined) return id;
  throw unsupported("its post-processor has no tokens cls and sep");
}

function template(part: Part, idOf: ReadonlyMap<string, number>): Frame {
  const { single, special_tokens: tokens } = part;
  if (!Array.isArray(single)) throw unsupported("its post-processor has no template for a single text");
  const [before, after]: [number[], number[]] = [[], []];
  let seen = false;
  for (const item of single) {
    const { SpecialToken: special } = partAt(item, "post-processor") ?? {};
    if (special === undefined) {
      if (seen) throw unsupported("its post-processor has a template that repeats the text");
      seen = true;
      continue;
    }
    const name = String(partAt(special, "post-processor")?.["id"]);
    const listed = partAt(partAt(tokens, "post-processor")?.[name], "post-processor")?.["ids"];
    const own = idOf.get(name);
    const ids = Array.isArray(listed)
      ? listed.filter((id): id is number => typeof id === "number")
      : own === undefined
        ? []
        : [own];
    if (ids.length === 0) throw unsupported(`its post-processor adds ${name}, which is not in the vocabulary`);
    (seen ? after : before).push(...ids);
  }
  if (!seen) throw unsupported("its post-processor has a template without the text");
  return { before, after };
}
