/** A field of a document that the model can write. */
export type Field = "title" | "description";

/** A replacement in a document; offsets in UTF-16 units. */
export interface FieldEdit {
  readonly start: number;
  readonly end: number;
  readonly newText: string;
}
