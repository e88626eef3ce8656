/** Names and numbers from a hub, an archive or a person, and the form each must have before a path or an address contains it. */
import { z } from "zod";
import { ModelError } from "../../models/errors.ts";

/** A commit's id. */
export const commitSchema = z.string().regex(/^[0-9a-f]{40}$/);

/** The SHA-256 of a large file's content. */
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** The SHA-1 of git's blob of a small file. */
export const gitHashSchema = commitSchema;

/** A file's size in bytes; the largest published T5 has files a tenth as large as the limit. */
export const sizeSchema = z.int().positive().max(1e12);

/**
 * A file's name without folders that every system takes for just that: no control or formatting characters, no separator,
 * drive or stream, no device of Windows, no dot or space that Windows drops from its end.
 */
export const fileNameSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}\\/:*?"<>|]+$/u)
  .regex(/^[^ ].*[^ .]$|^[^ .]$/u)
  .refine((name) => !DEVICE.test(name) && Buffer.byteLength(name) <= 240);

/** A file's path inside a folder, downward only: names with slashes between them. */
export const innerPathSchema = z
  .string()
  .max(1000)
  .refine((path) => path.split("/").every((name) => fileNameSchema.safeParse(name).success));

/** A model's id on the hub: NAME or OWNER/NAME. @see huggingface_hub's validate_repo_id */
export const hubIdSchema = z
  .string()
  .max(180)
  .regex(/^(\w([\w.-]{0,94}\w)?\/)?\w([\w.-]{0,94}\w)?$/)
  .refine((id) => !/--|\.\.|\.git$/.test(id));

/** The name of an imported model, which is the name of its folder. */
export const ownNameSchema = fileNameSchema.regex(/^\w[\w.-]*$/);

/** An access token: visible ASCII characters, or else a header would end early. */
export const tokenSchema = z
  .string()
  .max(4096)
  .regex(/^[\x21-\x7e]+$/);

/**
 * Checks a model's id before it becomes part of an address or a path.
 * @throws ModelError "input"
 */
export function requireHubId(id: string): void {
  if (hubIdSchema.safeParse(id).success) return;
  throw new ModelError(
    "input",
    `${quoted(id)} cannot be a model's id on the hub. Write NAME or OWNER/NAME, such as google/flan-t5-small: letters, digits, ".", "-" and "_".`,
  );
}

/** A value from outside as a message shows it: short, in quotes, without characters that act on a terminal. */
export function quoted(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  const visible = text.slice(0, 60).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\uFFFD");
  return `"${visible}${text.length > 60 ? "…" : ""}"`;
}

/** The names that Windows gives to devices, whatever follows a dot. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)/iu;
