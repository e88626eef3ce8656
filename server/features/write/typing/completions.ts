/** The one shape of suggestions at a cursor, whoever makes them. */

/** A text that could be inserted at the cursor. */
export interface InlineSuggestion {
  readonly text: string;
  /** The chance that its first word is right. */
  readonly confidence: number;
  /** How many characters before the cursor belong to its first word. */
  readonly typed: number;
}

/** Texts that could be inserted at the cursor, best first. */
export interface InlineCompletions {
  readonly items: readonly InlineSuggestion[];
  /** Why there is none; a sentence for the log. */
  readonly reason?: string;
  readonly cancelled: boolean;
}
