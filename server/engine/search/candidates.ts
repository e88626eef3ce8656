/** The tokens that a decoder chooses from and the columns of their logits: the whole vocabulary, or a shortlist. */

/** Tokens in every shortlist of one size; their rows of the LM head are laid out once, in a separate graph. */
export interface CommonTokens {
  readonly ids: readonly number[];
  /** Index of an id in `ids`. */
  readonly columns: ReadonlyMap<number, number>;
}

/** The tokens of one request, each with a column of the logits. */
export interface Candidates {
  readonly count: number;
  /** null for the whole vocabulary, where a token's column is its id. */
  readonly shortlist: { readonly common: CommonTokens; readonly own: readonly number[] } | null;
  idOf(column: number): number;
  /** undefined for a token that is not a candidate. */
  columnOf(id: number): number | undefined;
}

/** Every token of a vocabulary. */
export function wholeVocabulary(vocabSize: number): Candidates {
  return { count: vocabSize, shortlist: null, idOf: (column) => column, columnOf: (id) => id };
}

/**
 * The common tokens and those of the request: its source's, its forced prefix's, those that end it.
 * @see the lexical shortlist of Marian (Junczys-Dowmunt et al., 2018), which uses the source's translations instead
 */
export function shortlisted(common: CommonTokens, wanted: readonly number[]): Candidates {
  const added = new Map<number, number>();
  for (const id of wanted) {
    if (!common.columns.has(id) && !added.has(id)) added.set(id, common.ids.length + added.size);
  }
  const addedIds = [...added.keys()];
  return {
    count: common.ids.length + addedIds.length,
    shortlist: { common, own: addedIds },
    idOf: (column) => common.ids[column] ?? addedIds[column - common.ids.length] ?? Number.NaN,
    columnOf: (id) => common.columns.get(id) ?? added.get(id),
  };
}

/** Values by token converted to values by column; tokens without a column are dropped. */
export function inColumns<T>(candidates: Candidates, byId: ReadonlyMap<number, T>): ReadonlyMap<number, T> {
  if (candidates.shortlist === null) return byId;
  const byColumn = new Map<number, T>();
  for (const [id, value] of byId) {
    const column = candidates.columnOf(id);
    if (column !== undefined) byColumn.set(column, value);
  }
  return byColumn;
}

/**
 * Creates a function that returns the common tokens for a size: the fixed ones, then the most frequent ones.
 * @param frequent ids, most frequent first; the vocabulary's other ids follow in order, since SentencePiece puts
 * likelier pieces first
 */
export function rankedTokens(
  always: readonly number[],
  frequent: readonly number[],
  vocabSize: number,
): (size: number) => CommonTokens {
  const bySize = new Map<number, CommonTokens>();
  return (size) => {
    const cached = bySize.get(size);
    if (cached !== undefined) return cached;
    const ids = new Set([...always, ...frequent.slice(0, size)]);
    for (let id = 0; id < vocabSize && ids.size < Math.max(size, always.length); id += 1) ids.add(id);
    const common = { ids: [...ids], columns: new Map([...ids].map((id, column) => [id, column])) };
    bySize.set(size, common);
    return common;
  };
}
