/**
 * Finds the file that a document is a part or a view of: editors give such documents a special scheme, with the file's
 * path in it.
 */
import { fileURLToPath } from "node:url";

/**
 * The URI of the file behind a document: a notebook's for a cell, the working file's for its old version in git, the
 * one that a new document is going to be. Without query and fragment; what is a file, or stands for none, stays as it
 * is.
 */
export function fileBehind(uri: string): string {
  const parsed = parse(uri);
  if (parsed === undefined || parsed.scheme === "file") return uri;
  const { scheme, authority, path, query, fragment } = parsed;
  const named = pathInQuery(query);
  if (named !== undefined) return named;
  const rooted = path.startsWith("/");
  if (CELL.test(scheme)) {
    const inner = schemeInFragment(fragment);
    if (rooted && LOCAL.has(inner)) return `file://${inner === "file" ? authority : ""}${path}`;
    return fileBehind(`${inner}:${rooted && authority !== "" ? `//${authority}` : ""}${path}`);
  }
  if (LOCAL.has(scheme) && rooted) return `file://${path}`;
  return `${scheme}:${uri.slice(scheme.length + 1).startsWith("//") ? `//${authority}` : ""}${path}`;
}

/**
 * A URI's path as this machine writes it, whether or not something is there; undefined where the URI has none from the
 * root on.
 */
export function localPath(uri: string, windows = process.platform === "win32"): string | undefined {
  const parsed = parse(uri);
  if (parsed === undefined) return undefined;
  // Not everyone writes a file's "#" and "?" as percent signs.
  const path = parsed.scheme === "file" ? uri.replace(/^file:(\/\/[^/]*)?/i, "") : parsed.path;
  if (!path.startsWith("/")) return undefined;
  try {
    const host = parsed.scheme === "file" && windows ? parsed.authority : "";
    const url = `file://${host}${path.replace(/%(?![\da-f]{2})/gi, "%25").replace(/[?#]/g, encodeURIComponent)}`;
    // The types of Node 20 don't know the option, which the system decides where Node doesn't either.
    return fileURLToPath(url, { windows } as object);
  } catch {
    return decoded(path); // with percent signs that stand for a slash, or for no text
  }
}

/**
 * The path of a file that this machine reads by itself; undefined for files of other schemes, and those of another
 * machine, which only Windows reads by name.
 */
export function ownPath(uri: string, windows = process.platform === "win32"): string | undefined {
  const parsed = parse(uri);
  if (parsed?.scheme !== "file") return undefined;
  if (!windows && parsed.authority !== "" && parsed.authority.toLowerCase() !== "localhost") return undefined;
  return localPath(uri, windows);
}

/** The bytes of one character in UTF-8. */
const CHARACTER =
  /%[0-7][\da-f]|%[cd][\da-f]%[89ab][\da-f]|%e[\da-f](?:%[89ab][\da-f]){2}|%f[\da-f](?:%[89ab][\da-f]){3}/gi;

/** Percent signs resolved, but for those that stand for no text. */
export function decoded(text: string): string {
  return text.replace(CHARACTER, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return bytes;
    }
  });
}

/** A path as part of a URI; half a character is what a file's name shows for it. */
export function encodedPath(path: string): string {
  return path
    .split("/")
    .map((name) => encodeURIComponent(name.replace(/\p{Cs}/gu, "\uFFFD")))
    .join("/");
}

/** A URI's parts as they are written. */
interface Parts {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
}

/** Schemes whose paths are those of the machine that the server runs on, too. */
const LOCAL: ReadonlySet<string> = new Set([
  "file",
  "vscode-remote",
  "vscode-userdata",
  "vscode-local-history",
  "untitled",
  "git",
  "gitlens",
  "scm",
]);
const CELL = /^vscode-notebook-cell/;

function parse(uri: string): Parts | undefined {
  const [, scheme, authority = "", path = "", query = "", fragment = ""] =
    /^([a-z][a-z\d+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is.exec(uri) ?? [];
  return scheme === undefined ? undefined : { scheme: scheme.toLowerCase(), authority, path, query, fragment };
}

/** The file that a view's query names, as `git:` does: JSON with a path from the root on. */
function pathInQuery(query: string): string | undefined {
  try {
    const given: unknown = JSON.parse(decoded(query));
    if (typeof given !== "object" || given === null) return undefined;
    const path = Object.entries(given).find(([name]) => ["path", "filePath", "fsPath"].includes(name))?.[1];
    if (typeof path !== "string") return undefined;
    if (path.startsWith("/")) return `file://${encodedPath(path)}`;
    return /^[a-z]:[\\/]/i.test(path) ? `file:///${encodedPath(path.replaceAll("\\", "/"))}` : undefined;
  } catch {
    return undefined; // a query of another kind
  }
}

/**
 * The scheme of a cell's notebook: in base64 after the cell's number (VS Code's CellUri); a file's where it is not said
 * so.
 */
function schemeInFragment(fragment: string): string {
  const text = decoded(fragment);
  const scheme = Buffer.from(text.slice(text.indexOf("s") + 1), "base64").toString();
  return text.includes("s") && /^[a-z][a-z\d+.-]*$/.test(scheme) ? scheme : "file";
}
