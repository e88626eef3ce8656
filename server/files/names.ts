/**
 * Schemas for names and numbers from a hub, an archive or a person, checked before they become part of a path or an
 * address.
 */
import * as z from "zod";
import { ModelError } from "../../models/errors.ts";

/** A commit's id. */
export const commitSchema = z.string().regex(/^[0-9a-f]{40}$/);

/** The SHA-256 of a large file's content. */
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** The SHA-1 of git's blob of a small file. */
export const gitHashSchema = commitSchema;

/** A file's size in bytes; the limit is ten times the largest file of a published T5. */
export const sizeSchema = z.int().positive().max(1e12);

/**
 * A file name without folders that is valid on every system: no control or formatting characters, no separator, drive
 * or stream, no Windows device, no trailing dot or space, which Windows drops.
 */
export const fileNameSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}\\/:*?"<>|]+$/u)
  .regex(/^[^ ].*[^ .]$|^[^ .]$/u)
  .refine((name) => !DEVICE.test(name) && Buffer.byteLength(name) <= 240);

/** A path inside a folder that never leads upward: names separated by slashes. */
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

/** The name of an imported model, which is also its folder's name. */
export const ownNameSchema = fileNameSchema.regex(/^\w[\w.-]*$/);

/** An access token: visible ASCII characters, since others could end a header early. */
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

/** A value from outside, for a message: short, quoted, without characters that act on a terminal. */
export function quoted(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  const visible = text.slice(0, 60).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\uFFFD");
  return `"${visible}${text.length > 60 ? "…" : ""}"`;
}

/** The names that Windows reserves for devices, with any extension. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)/iu;
