/** Errors of the operating system, in words. */
import { table } from "./table.ts";

const WHY: Readonly<Record<string, string>> = table({
  EACCES: "you may not do that there",
  EPERM: "you may not do that there",
  EROFS: "the disk can only be read",
  ENOSPC: "the disk is full",
  EDQUOT: "your share of the disk is full",
  EIO: "the disk reports an error; check it",
  EMFILE: "too many files are open in this process; raise its limit (ulimit -n)",
  ENFILE: "too many files are open on this machine; close other programs",
  ENOMEM: "the memory is full; close other programs",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "a link leads back to itself",
  ENOTDIR: "a part of the path is a file",
  ENOENT: "there is no such file or folder; check the path",
  EEXIST: "something else is there already",
  EISDIR: "it is a folder",
});

/** The reason that an error of the system gives, in words; undefined for other errors. */
export function systemReason(error: unknown): string | undefined {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return undefined;
  const why = WHY[String(error.code)];
  if (why === undefined) return undefined;
  return "path" in error ? `${error.path}: ${why}` : why;
}
