// What the extension's own processes did while the editor ran: the server, the engine and what they started, as strace
// saw them.
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { complaints, programOf, readTrace, startedBy, tracing, untraceable } from "../trace.mjs";

/**
 * Prepares a trace of an editor.
 * @returns the command to run it `under` and the environment (`env`) for that; `outcome`, read when it has ended, given
 *   the extension's folder
 */
export function traceEditor(folder) {
  const why = untraceable(false);
  const prefix = join(folder, "trace", "x");
  mkdirSync(dirname(prefix));
  if (why !== undefined) {
    const notes = [`what it sends was not looked at: ${why}`];
    return { under: [], env: {}, outcome: () => ({ notes, passed: 0, failures: [], expected: 0 }) };
  }
  // What goes by way of io_uring is hidden from strace.
  const env = { UV_USE_IO_URING: "0" };
  return { under: tracing(prefix, false), env, outcome: (extension) => outcomeOf(prefix, extension) };
}

function outcomeOf(prefix, extension) {
  const threads = readTrace(prefix);
  const script = (program) =>
    program
      .find((argument) => argument.startsWith(join(extension, "dist", "")))
      ?.split("/")
      .at(-1);
  const own = startedBy(threads, (program) => script(program) !== undefined);
  const seen = new Set(own.map((thread) => script(programOf(threads, thread))));
  const allowed = { folders: storage(process.env), cwd: "/" };
  const found = own.flatMap((thread) =>
    complaints(thread, allowed).map((what) => `${script(programOf(threads, thread))}: ${what}`),
  );
  for (const name of ["server.js", "child.js"]) if (!seen.has(name)) found.push(`${name} was not seen to run`);
  const failures = found.length === 0 ? [] : [{ title: "nothing leaves the machine", message: found.join("\n") }];
  const notes = [
    `${own.length} threads of ${[...seen].join(", ")} opened no socket, looked up no name and wrote nowhere else`,
  ];
  return { notes: failures.length === 0 ? notes : [], passed: 1 - failures.length, failures, expected: 1 };
}

/** The folders that PRIVACY.md names. */
function storage({ SPANFILL_CACHE, XDG_CACHE_HOME, SPANFILL_MODELS, XDG_DATA_HOME }) {
  const cache = SPANFILL_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "spanfill");
  const models = SPANFILL_MODELS || join(XDG_DATA_HOME || join(homedir(), ".local", "share"), "spanfill", "models");
  return [cache, dirname(models)];
}
