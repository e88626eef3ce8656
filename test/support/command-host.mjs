// Runs commands of a built cli.js in this process, one after the other; command-line.ts forks it. Only the entry point
// is evaluated anew for each command, so starting Node.js and loading what the commands share is paid for once.
import { subscribe } from "node:diagnostics_channel";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";

const [node, , cli] = process.argv;
let runs = 0;
/** What the command in progress started: ONNX Runtime's sessions, other processes, and what it sent to those. */
let started = { sessions: [], processes: 0, sent: [] };

subscribe("child_process", ({ process: child }) => {
  started.processes += 1;
  let send;
  Object.defineProperty(child, "send", {
    get: () => send,
    set(original) {
      send = (message, ...rest) => {
        started.sent.push(JSON.stringify(message));
        return original.call(child, message, ...rest);
      };
    },
  });
});
const { dlopen } = process;
process.dlopen = (module, ...rest) => {
  dlopen.call(process, module, ...rest);
  const { InferenceSession } = module.exports;
  if (InferenceSession === undefined) return;
  module.exports.InferenceSession = class extends InferenceSession {
    loadModel(...args) {
      const graph = typeof args[0] === "string" ? "" : Buffer.from(args[0], args[1], args[2]);
      const quantized = ["MatMulNBits", "DynamicQuantizeMatMul"].some((name) => graph.includes(name));
      started.sessions.push({ threads: args.at(-1).intraOpNumThreads, quantized });
      return super.loadModel(...args);
    }
  };
};

process.on("disconnect", () => process.exit());
process.on("message", async ({ args, input }) => {
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    const decoder = new TextDecoder();
    process[name].write = (chunk) => {
      output[name] += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      return true;
    };
  }
  Object.defineProperty(process, "stdin", { configurable: true, value: Readable.from([Buffer.from(input)]) });
  process.argv = [node, cli, ...args];
  process.exitCode = undefined;
  started = { sessions: [], processes: 0, sent: [] };
  runs += 1;
  await import(`${pathToFileURL(resolve(cli))}?run=${runs}`);
  for (const event of ["SIGINT", "uncaughtException"]) process.removeAllListeners(event);
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners("error");
  process.send({ code: process.exitCode ?? 0, ...output, ...started });
  process.exitCode = undefined;
});
