/** Which tokens a decoder chooses from, and where their logits stand: the whole vocabulary, or a shortlist of it. */

/** Tokens that every shortlist of one size holds; their rows of the LM head are laid out once, in a graph of their own. */
export interface CommonTokens {
  readonly ids: readonly number[];
  /** Place of an id in `ids`. */
  readonly columns: ReadonlyMap<number, number>;
}

/** The tokens of one request, each with a column of the logits. */
export interface Candidates {
  readonly count: number;
  /** null: the whole vocabulary, and a token's column is its id. */
  readonly shortlist: { readonly common: CommonTokens; readonly own: readonly number[] } | null;
  idOf(column: number): number;
  /** undefined for a token that is not among them. */
  columnOf(id: number): number | undefined;
}

/** Every token of a vocabulary. */
export function wholeVocabulary(vocabSize: number): Candidates {
  return { count: vocabSize, shortlist: null, idOf: (column) => column, columnOf: (id) => id };
}

/**
 * The common tokens and those that a request brings: its source's, its forced prefix's, those that end it.
 * @see the lexical shortlist of Marian (Junczys-Dowmunt et al., 2018), which takes the source's translations instead
 */
export function shortlisted(common: CommonTokens, wanted: readonly number[]): Candidates {
  const own = new Map<number, number>();
  for (const id of wanted) {
    if (!common.columns.has(id) && !own.has(id)) own.set(id, common.ids.length + own.size);
  }
  const ownIds = [...own.keys()];
  return {
    count: common.ids.length + ownIds.length,
    shortlist: { common, own: ownIds },
    idOf: (column) => common.ids[column] ?? ownIds[column - common.ids.length] ?? Number.NaN,
    columnOf: (id) => common.columns.get(id) ?? own.get(id),
  };
}

/** What is known of some tokens by their columns; those without one are left out. */
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
 * Returns what gives the common tokens of a size: those that are always among them, then the most frequent ones.
 * @param frequent ids, most frequent first; the vocabulary's other ids follow in their order, in which SentencePiece puts the
 *   likelier pieces first
 */
export function rankedTokens(
  always: readonly number[],
  frequent: readonly number[],
  vocabSize: number,
): (size: number) => CommonTokens {
  const made = new Map<number, CommonTokens>();
  return (size) => {
    const known = made.get(size);
    if (known !== undefined) return known;
    const ids = new Set([...always, ...frequent.slice(0, size)]);
    for (let id = 0; id < vocabSize && ids.size < Math.max(size, always.length); id += 1) ids.add(id);
    const common = { ids: [...ids], columns: new Map([...ids].map((id, column) => [id, column])) };
    made.set(size, common);
    return common;
  };
}
