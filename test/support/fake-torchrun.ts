/** A program in torchrun's place that "trains" in an instant: for tests of what surrounds the workers. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The behavior of the program. */
export interface FakeTorchrun {
  /** A step in which it waits for the order to stop. */
  readonly waitsAt?: number;
  /** Ends with an error after so many steps. */
  readonly failsAt?: number;
  /** Changes the weights after it has told their sum. */
  readonly damages?: boolean;
}

/**
 * Writes the program. It writes the base's weights as the trained ones, and any tokens as outputs.
 * @returns its path
 */
export function fakeTorchrun(folder: string, name: string, behavior: FakeTorchrun = {}): string {
  const path = join(folder, name);
  writeFileSync(path, `#!${process.execPath}\nconst behavior = ${JSON.stringify(behavior)};\n(${program})();\n`);
  chmodSync(path, 0o755);
  return path;
}

const program = `async () => {
  const { createHash } = await import("node:crypto");
  const { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } = await import("node:fs");
  const [job, out] = process.argv.slice(-2);
  const say = (event) => console.log("spanfill-event " + JSON.stringify(event));
  const { steps } = JSON.parse(readFileSync(job + "/job.json", "utf8"));
  const at = existsSync(out + "/at") ? Number(readFileSync(out + "/at", "utf8")) : undefined;
  console.log("a line of somebody else");
  const evaluation = (step, validation) =>
    say({ type: "evaluation", step, loss: step ? 1 : null, validation, best: true, outputs: [[3, 1], [4, 1]] });
  if (at === undefined) evaluation(0, 3);
  else say({ type: "resumed", step: at, validations: [[0, 3]] });
  for (let step = (at ?? 0) + 1; step <= steps; step += 1) {
    say({
      ...{ type: "step", step, steps, epoch: 1, loss: 1 / step, learningRate: 0.1, gradientNorm: 2 },
      ...{ tokensPerSecond: 9, secondsLeft: 1, memoryBytes: 5 },
    });
    if (step === behavior.failsAt) {
      console.error("torch.OutOfMemoryError: no room for 9 GB");
      process.exit(1);
    }
    if (step === behavior.waitsAt && at === undefined) {
      while (!existsSync(out + "/stop")) await new Promise((resolve) => setTimeout(resolve, 10));
      writeFileSync(out + "/at", String(step));
      say({ type: "stopped", step });
      return;
    }
  }
  evaluation(steps, 2);
  mkdirSync(out + "/model", { recursive: true });
  copyFileSync(job + "/weights.safetensors", out + "/model/model.safetensors");
  const content = readFileSync(out + "/model/model.safetensors");
  const sha256 = createHash("sha256").update(content).digest("hex");
  if (behavior.damages) appendFileSync(out + "/model/model.safetensors", "x");
  say({ type: "garbage", of: "a later version" });
  say({ type: "done", steps, tokensPerSecond: 9, files: [{ path: "model/model.safetensors", bytes: content.length, sha256 }] });
}`;
