/** The engine's child process: answers the parent's calls with the in-process engine and ends with the parent. */
import * as z from "zod";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { probeDevice } from "../runtime/on-device.ts";
import { serverOfEnvironment } from "../wire/connection.ts";
import { createLocalEngine } from "./local.ts";
import { type Call, type ToParent, toChildSchema } from "./messages.ts";
import { stayUp } from "./stay-up.ts";

stayUp((line) => console.error(line));

const engine = createLocalEngine((device, why) => send({ type: "fellBack", device, why }));
/** Running calls by id, for cancellation. */
const running = new Map<number, AbortController>();

process.on("message", (message) => {
  const parsed = toChildSchema.safeParse(message);
  if (!parsed.success) complain(message, parsed.error);
  else if (parsed.data.type === "cancel") running.get(parsed.data.id)?.abort();
  else answer(parsed.data).catch((error) => console.error(`a call was not answered: ${error}`));
});
process.on("disconnect", () => process.exit(0));
// Ctrl+C in a terminal reaches the whole process group; the parent decides what to stop.
process.on("SIGINT", () => undefined);

/** While calls run, the parent hears that often that this thread is not stuck. */
const SIGN_OF_LIFE_MS = 500;
let signs: NodeJS.Timeout | undefined;

async function answer(call: Call): Promise<void> {
  const controller = new AbortController();
  running.set(call.id, controller);
  signs ??= setInterval(() => send({ type: "alive" }), SIGN_OF_LIFE_MS);
  try {
    send({ type: "result", id: call.id, value: await perform(call, controller.signal) });
  } catch (error) {
    const code = error instanceof ModelError ? error.code : "runtime";
    send({ type: "failed", id: call.id, code, message: reason(error) });
  } finally {
    running.delete(call.id);
    if (running.size === 0) {
      clearInterval(signs);
      signs = undefined;
    }
  }
}

async function perform(call: Call, signal: AbortSignal): Promise<unknown> {
  if (call.type === "probe") return call.device === "server" ? probeServer() : probeDevice(call.device);
  if (call.type === "open") return (await import("../../catalog/open-imported.ts")).openImported(call.task, signal);
  const model = await engine.load(call.model);
  switch (call.type) {
    case "load":
      return model.info;
    case "encode":
      return model.encode(call.parts, call.maxTokens);
    case "encodeAll":
      return model.encodeAll(call.texts);
    case "decode":
      return model.decode(call.ids);
    case "generate":
      return model.generate(call.request, {
        signal,
        ...(call.stream ? { onTokens: (ids, text) => send({ type: "tokens", id: call.id, ids: [...ids], text }) } : {}),
      });
    case "encodeWindow":
      return model.encodeWindow(call.window);
    case "rank":
      return model.rank(call.features);
    case "fill":
      return model.fill(call.request, { signal });
    case "wordChances":
      return model.wordChances(call.request, { signal });
    case "score":
      return model.score(call.input, call.target, { signal });
  }
}

async function probeServer() {
  const connection = serverOfEnvironment(process.env);
  if (connection === undefined) return { known: false };
  return (await import("./server.ts")).probeServer(connection); // loading it reads the resolver's settings
}

function send(message: ToParent): void {
  // If the parent is gone, "disconnect" ends this process.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function complain(message: unknown, error: z.ZodError): void {
  const text = `The engine process got a message it does not understand: ${z.prettifyError(error)}`;
  const id = z.object({ id: z.int() }).safeParse(message);
  if (id.success) send({ type: "failed", id: id.data.id, code: "process", message: text });
  else console.error(text);
}
