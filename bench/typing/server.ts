/** The language server as a suggester: what an editor would show of its answers. */
import * as z from "zod";
import { defined } from "../../base/defined.ts";
import { type At, timedSession } from "../features/session.ts";
import type { OpenedDocument, Shown, Suggester } from "./typist.ts";

const at = z.object({ line: z.number(), character: z.number() });
const items = z
  .array(z.object({ insertText: z.string(), range: z.object({ start: at, end: at }).optional() }))
  .nullable();

/** A server's process, and its suggester. */
export interface ServerSuggester extends Suggester {
  dispose(): Promise<void>;
}

/**
 * Starts a server.
 * @param settings the section `spanfill`
 * @param script the command line's bundle
 */
export async function startServer(settings: object, script: string): Promise<ServerSuggester> {
  // At this level the log tells the chance of what is suggested, which the protocol has no place for.
  const session = await timedSession({ ...settings, logLevel: "debug" }, script);
  let document: { readonly uri: string; version: number; lines: string[] } | undefined;
  let opened = 0;

  const cursor = (): At => {
    const { lines = [] } = document ?? {};
    return { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 };
  };
  return {
    async open({ name, languageId, before, after }: OpenedDocument) {
      const uri = `file:///typing/${opened++}/${name}`;
      document = { uri, version: 1, lines: before.split("\n") };
      session.open(uri, before + after, languageId);
      // The engine's start and the reading of the document do not count toward any key.
      await suggestAt(session, uri, cursor());
    },
    async type(removed, inserted): Promise<Shown> {
      if (document === undefined) throw new Error("No document is open.");
      const end = cursor();
      const typed = document.lines.join("\n");
      document.lines = (typed.slice(0, typed.length - removed) + inserted).split("\n");
      const start = removed === 0 ? end : { ...end, character: end.character - removed };
      document.version += 1;
      const began = performance.now();
      session.change(document.uri, document.version, start, inserted, end);
      const answer = items.parse(await suggestAt(session, document.uri, cursor()));
      const ms = performance.now() - began;
      const text = ghostText(answer?.[0], document.lines.at(-1) ?? "", cursor());
      const confidence = chanceOf(session.logged());
      return { ms, ...defined({ text, confidence: text === undefined ? undefined : confidence }) };
    },
    async close() {
      if (document !== undefined) session.close(document.uri);
      document = undefined;
    },
    dispose: () => session.dispose(),
  };
}

/** The chance of the first suggestion, by the server's log. */
function chanceOf(lines: readonly string[]): number | undefined {
  const chances = lines.flatMap((line) => /inline completion: \d+ suggested \(([\d.]+)/.exec(line)?.[1] ?? []);
  return chances.length === 0 ? undefined : Number(chances.at(-1));
}

function suggestAt(session: Awaited<ReturnType<typeof timedSession>>, uri: string, position: At): Promise<unknown> {
  const params = { textDocument: { uri }, position, context: { triggerKind: 2 } };
  return session.request("textDocument/inlineCompletion", params);
}

/** The ghost text of an item: what it replaces before the cursor has to be its beginning, or editors show nothing. */
function ghostText(
  item: NonNullable<z.output<typeof items>>[number] | undefined,
  line: string,
  cursor: At,
): string | undefined {
  if (item === undefined) return undefined;
  const { insertText, range } = item;
  if (range === undefined) return insertText;
  if (range.start.line !== cursor.line) return undefined;
  const replaced = line.slice(range.start.character);
  return insertText.startsWith(replaced) ? insertText.slice(replaced.length) : undefined;
}
