// Runs commands of a built cli.js in this process, one after the other; command-line.ts forks it. Only the entry point
// is evaluated anew for each command, so starting Node.js and loading what the commands share is paid for once.
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";

const [node, , cli] = process.argv;
let runs = 0;

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
  runs += 1;
  await import(`${pathToFileURL(resolve(cli))}?run=${runs}`);
  for (const event of ["SIGINT", "uncaughtException"]) process.removeAllListeners(event);
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners("error");
  process.send({ code: process.exitCode ?? 0, ...output });
  process.exitCode = undefined;
});
