// Servers from PyPI that speak the Open Inference Protocol, each started on a model repository of ours.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.mjs";

const ONNX_RUNTIME = "onnxruntime==1.32.0";

const NOTES = `
## What it depends on, and what it found

The random weights lie within 0.3 of zero. With weights up to 1, earlier runs differed in one of 330 requests, the 130th of beams: there float32 itself
does not decide. On that model transformers in float32 and in float64 are 4e-3 apart in logits and 2e-3 in likelihoods; within 0.3 it is 1.4e-6 in
logits, where the best two are typically 0.04 apart. Spanfill's own server, whose arithmetic is this machine's, gave the same tokens on both.

The first run within 0.3 found a mistake: a server's graph gave the copy bias to the last token of the vocabulary once the text's last token had been
written. It was corrected, and \`test/serving/exported.test.ts\` fails without the correction.
`;

/**
 * By name: what is installed, the variable that names an environment which has it, the report, what that says of the
 * server and of the figures, and how it is started: `start(bin, repository, folder)` returns the process and both
 * addresses.
 */
export const SERVERS = {
  mlserver: {
    packages: ["mlserver==1.7.1", ONNX_RUNTIME],
    variable: "SPANFILL_BEYOND_VENV",
    report: "docs/beyond.md",
    title: "MLServer beside the CPU",
    described: `MLServer knows only numbers in JSON over REST, and binary tensors over gRPC; ONNX Runtime 1.32 is behind it, by the runtime that the export writes.`,
    // Over REST, a server without binary tensors takes ten times as long for a whole vocabulary.
    shares: { random: [0.2, 0.1], builtIn: [0.05, 0.65] },
    notes: NOTES,
    start: startMLServer,
  },
  triton: {
    packages: ["nvidia-pytriton==0.7.0", ONNX_RUNTIME],
    variable: "SPANFILL_BEYOND_TRITON",
    report: "docs/beyond-triton.md",
    title: "NVIDIA Triton beside the CPU",
    described: `It is the Triton of the package nvidia-pytriton, which has its server (REST with binary tensors, gRPC, model repositories, dynamic batching) but
not its ONNX Runtime backend. A backend of 30 lines of Python (scripts/triton-backend.py, ONNX Runtime 1.32) stands under that one's name, so that
Triton reads \`config.pbtxt\` as the export writes it, checks each request against it, and gathers the batches. So it is proven that Triton takes these
files and this client; that its own backend opens the graphs is not.`,
    shares: { random: [0.1, 0.1], builtIn: [0.4, 0.4] },
    notes: "\n[beyond.md](beyond.md) says what such figures depend on.\n",
    start: startTriton,
  },
};

async function startMLServer(bin, repository) {
  const [http_port, grpc_port, metrics_port] = [await freePort(), await freePort(), await freePort()];
  const settings = JSON.parse(readFileSync(join(repository, "settings.json"), "utf8"));
  writeFileSync(join(repository, "settings.json"), JSON.stringify({ ...settings, http_port, grpc_port, metrics_port }));
  const server = spawn(join(bin, "mlserver"), ["start", "."], { cwd: repository, stdio: "ignore" });
  return { server, rest: `http://127.0.0.1:${http_port}`, grpc: `grpc://127.0.0.1:${grpc_port}` };
}

async function startTriton(bin, repository, folder) {
  const where = "import sys, sysconfig; print(sysconfig.get_path('purelib'), '%d.%d' % sys.version_info[:2])";
  const [packages, version] = String(spawnSync(join(bin, "python"), ["-c", where]).stdout)
    .trim()
    .split(" ");
  const triton = join(packages, "pytriton", "tritonserver");
  const backends = join(folder, "backends");
  cpSync(join(triton, "backends"), backends, { recursive: true });
  cpSync(join(triton, "python_backend_stubs", version), join(backends, "python"), { recursive: true });
  mkdirSync(join(backends, "onnxruntime"));
  cpSync("scripts/triton-backend.py", join(backends, "onnxruntime", "model.py"));
  const [http, grpc] = [await freePort(), await freePort()];
  const places = [`--model-repository=${repository}`, `--backend-directory=${backends}`, "--allow-metrics=false"];
  const ports = ["http", "grpc"].map((protocol) => `--${protocol}-address=127.0.0.1`);
  const args = [...places, ...ports, `--http-port=${http}`, `--grpc-port=${grpc}`];
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: join(packages, "nvidia_pytriton.libs"),
    PYTHONPATH: packages,
    PATH: `${bin}:${process.env.PATH}`,
  };
  const server = spawn(join(triton, "bin", "tritonserver"), args, { env, stdio: "ignore" });
  return { server, rest: `http://127.0.0.1:${http}`, grpc: `grpc://127.0.0.1:${grpc}` };
}

/**
 * Sends texts of one length to an encoder, one by one and then all at once.
 * @returns in how many runs the server computed those that came at once
 * @throws Error when an answer depends on what ran beside it
 */
export async function batched(rest, name) {
  const ids = Array.from({ length: 16 }, (_, i) => Array.from({ length: 8 }, (_, j) => 10 + ((i * 7 + j * 3) % 100)));
  const ask = async (data) => {
    const inputs = [
      { name: "input_ids", shape: [1, data.length], datatype: "INT32", data },
      { name: "attention_mask", shape: [1, data.length], datatype: "INT32", data: data.map(() => 1) },
    ];
    const response = await fetch(`${rest}/v2/models/${name}/infer`, {
      method: "POST",
      body: JSON.stringify({ inputs, outputs: [{ name: "hidden" }] }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${name}: ${answer.error}`);
    return answer.outputs[0].data;
  };
  const alone = [];
  for (const row of ids) alone.push(await ask(row));
  const before = await runs(rest, name);
  const together = await Promise.all(ids.map(ask));
  for (const [i, values] of together.entries()) {
    const apart = Math.max(...values.map((value, j) => Math.abs(value - alone[i][j])));
    if (!(apart < 1e-4)) throw new Error(`${name}: text ${i} differs by ${apart} in a batch`);
  }
  return { texts: ids.length, runs: (await runs(rest, name)) - before };
}

/** How often the server has computed a model. */
async function runs(rest, name) {
  const {
    model_stats: [stats],
  } = await (await fetch(`${rest}/v2/models/${name}/stats`)).json();
  return Number(stats.execution_count);
}
