/** Where `npm run bench` was called: what a relative path in its arguments is relative to. */

/** An absolute path. */
export function calledFrom(): string {
  return process.env["INIT_CWD"] ?? process.cwd();
}
