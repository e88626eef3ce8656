/** What can be written about a document. */
export type Field = "title" | "description";

/** A replacement in a document; offsets in UTF-16 units. */
export interface FieldEdit {
  readonly start: number;
  readonly end: number;
  readonly newText: string;
}
