/**
 * Seeded requests to a model here and to the same model on the server of the environment: `compare FOLDER REQUESTS
 * SECONDS` prints a line for each kind, and `model FOLDER` writes a small model. Run by scripts/beyond.mjs.
 */
import { cpSync } from "node:fs";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { compareRequests, KINDS } from "../support/models/server-parity.ts";

const [task, directory = "", count = "200", seconds = "600"] = process.argv.slice(2);
if (task === "model") {
  const model = randomModelFolder({ layers: 2, width: 48, seed: 7, spread: 0.3 });
  cpSync(model.directory, directory, { recursive: true });
  model.dispose();
} else {
  const fallbacks: string[] = [];
  const engine = createLocalEngine((device, why) => fallbacks.push(`${device}: ${why}`));
  const here = await engine.load({ directory, precision: "float32" });
  const there = await engine.load({ directory, precision: "float32", device: "server" });
  const endMs = performance.now() + Number(seconds) * 1000;
  for (const [i, kind] of KINDS.entries()) {
    const beganMs = performance.now();
    // Each kind has a share of what is left.
    const untilMs = beganMs + (endMs - beganMs) / (KINDS.length - i);
    const compared = await compareRequests(here, there, kind, Number(count), () => performance.now() > untilMs);
    if (fallbacks.length > 0) throw new Error(fallbacks.join("; "));
    console.log(JSON.stringify({ kind, ...compared, seconds: (performance.now() - beganMs) / 1000 }));
  }
  await engine.dispose();
}
