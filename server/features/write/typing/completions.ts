/** What is suggested at a cursor, in one shape for all that suggest there. */

/** A text that could be inserted at the cursor. */
export interface InlineSuggestion {
  readonly text: string;
  /** The chance that its first word is right. */
  readonly confidence: number;
  /** How many characters before the cursor belong to its first word. */
  readonly typed: number;
}

/** What could be inserted at the cursor, best first. */
export interface InlineCompletions {
  readonly items: readonly InlineSuggestion[];
  /** Why there is none; a sentence for the log. */
  readonly reason?: string;
  readonly cancelled: boolean;
}
