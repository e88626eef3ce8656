/** A server behind a proxy that was not written here (tinyproxy), over https and gRPC; NO_PROXY is heeded. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";

import { type AddressInfo, connect, createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createInferenceClient } from "../../server/engine/wire/client.ts";
import { serveModel } from "../../server/serving/serve.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const TOKEN = "a-token-of-twenty-characters";
const folder = mkdtempSync(join(tmpdir(), "spanfill-proxy-"));
const { directory, dispose } = randomModelFolder();
const names = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] as const;
const before = names.map((name) => [name, process.env[name]] as const);
after(() => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** An address of this machine that is not loopback: that is never asked through a proxy. */
const host = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === "IPv4" && !each.internal)?.address;
const missing =
  spawnSync("tinyproxy", ["-v"]).status !== 0
    ? "tinyproxy is not installed"
    : spawnSync("openssl", ["version"]).status !== 0
      ? "openssl is not installed"
      : host === undefined && "there is no address but loopback";

test("a proxy of the environment carries https and gRPC, unless NO_PROXY names the host", {
  skip: missing,
}, async () => {
  const place = { host: host ?? "", port: 0 };
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${host}`];
  const files = ["-addext", `subjectAltName=IP:${host}`, "-keyout", "key.pem", "-out", "cert.pem"];
  execFileSync("openssl", [...request, ...files], { cwd: folder, stdio: "ignore" });
  const tls = { cert: readFileSync(join(folder, "cert.pem")), key: readFileSync(join(folder, "key.pem")) };
  const model = { directory, precision: "float32" as const, threads: 1 };
  const server = await serveModel({ ...place, grpc: place, ...model, token: TOKEN, tls });
  const proxy = await startProxy();
  try {
    for (const url of [server.address, server.grpcAddress ?? ""]) {
      const target = `CONNECT ${new URL(url).host} `;
      process.env["HTTPS_PROXY"] = `http://user:secret@127.0.0.1:${proxy.port}`;
      delete process.env["NO_PROXY"];
      assert.match(await about(url), /^spanfill/);
      await proxy.logged(target);
      proxy.forget();
      process.env["NO_PROXY"] = `example.org,${host}`;
      assert.match(await about(url), /^spanfill/);
      assert.ok(!proxy.log().includes(target));
      process.env["HTTPS_PROXY"] = "http://127.0.0.1:4";
      delete process.env["NO_PROXY"];
      await assert.rejects(about(url), /could not be reached, or broke the connection/);
    }
  } finally {
    proxy.end();
    await server.close();
  }
});

async function about(url: string): Promise<string> {
  const client = await createInferenceClient({
    ...{ url, token: TOKEN, certificateFile: join(folder, "cert.pem"), deadlineMs: 10_000 },
  });
  try {
    return await client.about();
  } finally {
    await client.dispose();
  }
}

async function startProxy() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  const [settings, logFile] = [join(folder, "tinyproxy.conf"), join(folder, "tinyproxy.log")];
  const lines = [`Port ${port}`, "Listen 127.0.0.1", "Allow 127.0.0.1", `LogFile "${logFile}"`, "LogLevel Connect"];
  writeFileSync(settings, `${lines.join("\n")}\nMaxClients 20\nBasicAuth user secret\n`);
  const child = spawn("tinyproxy", ["-d", "-c", settings], { stdio: "ignore" });
  while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 50));
  const log = () => readFileSync(logFile, "utf8");
  return {
    port,
    log,
    forget: () => writeFileSync(logFile, ""),
    async logged(text: string) {
      while (!log().includes(text)) await new Promise((resolve) => setTimeout(resolve, 50));
    },
    end: () => child.kill(),
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
