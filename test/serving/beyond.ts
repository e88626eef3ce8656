/**
 * Asks seeded requests of a model here and of the same model on a server that was not written here; prints a line for
 * each kind. Run by scripts/beyond.mjs, which starts the server.
 */
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { compareRequests, KINDS } from "../support/server-parity.ts";

const [directory = "", count = "200", seconds = "600"] = process.argv.slice(2);
const fallbacks: string[] = [];
const engine = createLocalEngine((device, why) => fallbacks.push(`${device}: ${why}`));
const here = await engine.load({ directory, precision: "float32" });
const there = await engine.load({ directory, precision: "float32", device: "server" });
const untilMs = performance.now() + Number(seconds) * 1000;
for (const kind of KINDS) {
  const beganMs = performance.now();
  const { requests, tokens } = await compareRequests(
    here,
    there,
    kind,
    Number(count),
    () => performance.now() > untilMs,
  );
  if (fallbacks.length > 0) throw new Error(fallbacks.join("; "));
  console.log(JSON.stringify({ kind, requests, tokens, seconds: (performance.now() - beganMs) / 1000 }));
}
await engine.dispose();
