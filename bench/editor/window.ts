/** One VS Code window under measurement: a page of the browser, and the benchmark's extension in its extension host. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import * as z from "zod";
import { defined } from "../../base/defined.ts";
import type { WindowAnswer, WindowGreeting, WindowRequest } from "./protocol.ts";

/** The part of playwright-core's Page that is used; the package is installed when it is first needed. */
export interface Page {
  goto(url: string): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  waitForTimeout(ms: number): Promise<void>;
  context(): { addInitScript(script: { readonly path: string }): Promise<void>; newPage(): Promise<Page> };
  readonly keyboard: { press(key: string): Promise<void> };
}

/** A keystroke's course, in milliseconds. */
export interface Keystroke {
  /** From the key going down until VS Code called the provider. */
  readonly toCallMs: number;
  /** From the call until VS Code had the items. */
  readonly toItemsMs: number;
  /** From the key going down until ghost text was painted; absent where there was no item. */
  readonly toPaintMs?: number;
}

/** A window that has started. */
export interface EditorWindow {
  /** Process id of its extension host. */
  readonly hostPid: number;
  /** The extension's answer. @throws Error with the extension's message */
  ask(request: WindowRequest): Promise<unknown>;
  /** Presses a key in the editor; undefined when VS Code called no provider, or had no answer, in time. */
  press(key: string): Promise<Keystroke | undefined>;
}

/** Waits for the benchmark's extension in each window. */
export interface WindowListener {
  /** Where the extension is to report. */
  readonly port: number;
  /** Opens a folder in a page that runs page.js. @throws Error when the window does not start */
  open(page: Page, host: string, folder: string): Promise<EditorWindow>;
  dispose(): void;
}

/** @returns a listener on a free port of this machine */
export async function listenForWindows(): Promise<WindowListener> {
  const awaited = new Map<string, (window: Omit<EditorWindow, "press">) => void>();
  const server = createServer(async (socket) => {
    const lines = createInterface({ input: socket });
    const { folder, pid } = (await nextLine(lines)) as WindowGreeting;
    awaited.get(folder)?.({ hostPid: pid, ask: (request) => ask(socket, lines, request) });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("There is no port to listen on.");
  return {
    port: address.port,
    open: async (page, host, folder) => {
      const started = new Promise<Omit<EditorWindow, "press">>((resolve, reject) => {
        awaited.set(folder, resolve);
        setTimeout(() => reject(new Error(`There was no window within ${START_MS / 1000} s.`)), START_MS).unref();
      });
      const [window] = await Promise.all([started, page.goto(`http://${host}/?folder=${folder}`)]);
      return { ...window, press: (key) => press(page, key) };
    },
    dispose: () => server.close(),
  };
}

const START_MS = 120_000;
const ANSWER_MS = 5000;
/** A window that is gone says nothing more. */
const ASK_MS = 30_000;

const timesSchema = z.object({
  down: z.number(),
  called: z.number(),
  answered: z.number(),
  items: z.int(),
  painted: z.number().optional(),
});

async function press(page: Page, key: string): Promise<Keystroke | undefined> {
  await page.evaluate(`spanfillBench.arm(${ANSWER_MS})`);
  await page.keyboard.press(key);
  const times = timesSchema.safeParse(await page.evaluate("spanfillBench.done"));
  if (!times.success) return undefined;
  const { down, called, answered, items, painted } = times.data;
  if (items > 0 && painted === undefined) throw new Error("A provider gave ghost text, and none was shown.");
  return {
    toCallMs: called - down,
    toItemsMs: answered - called,
    ...defined({ toPaintMs: painted && painted - down }),
  };
}

async function ask(socket: Socket, lines: Interface, request: WindowRequest): Promise<unknown> {
  const text = JSON.stringify(request);
  const answered = nextLine(lines).catch((cause: unknown) => {
    throw new Error(`The window did not answer ${text} within ${ASK_MS / 1000} s.`, { cause });
  });
  socket.write(`${text}\n`);
  const answer = (await answered) as WindowAnswer;
  if ("error" in answer) throw new Error(`The window answered: ${answer.error}`);
  return answer.result;
}

async function nextLine(lines: Interface): Promise<unknown> {
  const [line] = (await once(lines, "line", { signal: AbortSignal.timeout(ASK_MS) })) as [string];
  return JSON.parse(line);
}
