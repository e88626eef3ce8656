/** Checks the client's answers to requests of `protocol/requests.ts`. */
import * as z from "zod";
import type { FileContent, FolderEntries } from "../../protocol/requests.ts";

export const folderEntriesSchema: z.ZodType<FolderEntries> = z.array(
  z.object({ name: z.string(), kind: z.enum(["file", "folder", "link"]) }),
);

export const fileContentSchema: z.ZodType<FileContent> = z.object({ base64: z.string().optional() });
