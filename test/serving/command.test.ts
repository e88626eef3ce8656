/** `spanfill serve --http` as a process: its options, what it prints, and its end. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createInferenceClient } from "../../server/engine/wire/client.ts";
import { readSecrets } from "../../server/serving/secrets.ts";
import { commandLine, ended } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const TOKEN = "a-token-of-twenty-characters";
const folder = mkdtempSync(join(tmpdir(), "spanfill-serve-"));
const { directory, dispose } = randomModelFolder();
after(() => {
  dispose();
  rmSync(folder, { recursive: true, force: true });
});
const { start } = commandLine(folder);
writeFileSync(join(folder, "token.txt"), `${TOKEN}\n`);

/** Whether a certificate could be made. */
const openssl = (() => {
  try {
    const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
    const files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"];
    execFileSync("openssl", [...request, ...files], { cwd: folder, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test("a model is served over https with a token, until SIGTERM", {
  skip: openssl ? false : "openssl is not installed",
}, async () => {
  const tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--token-file", "token.txt"];
  const limits = ["--threads", "1", "--precision", "int8", "--batch", "4", "--queue", "9"];
  const server = start(["serve", "--http", "localhost:0", "--model", directory, ...tls, ...limits]);
  const end = ended(server);
  const [line] = await once(server.stderr, "data");
  const [, url = ""] = /in int8 at (https:\S+):/.exec(String(line)) ?? assert.fail(String(line));
  const certificateFile = join(folder, "cert.pem");
  const trusted = await createInferenceClient({ url, certificateFile, token: TOKEN });
  assert.match(await trusted.about(), /^spanfill/);
  const other = await createInferenceClient({ url, certificateFile, token: "another-token-of-twenty" });
  await assert.rejects(other.about(), /refuses the token \(401\)/);
  const stranger = await createInferenceClient({ url, token: TOKEN });
  await assert.rejects(stranger.about(), /certificate that is not trusted here \(DEPTH_ZERO_SELF_SIGNED_CERT\)/);
  await Promise.all([trusted, other, stranger].map((client) => client.dispose()));
  server.kill("SIGTERM");
  const { code, stdout, stderr } = await end;
  assert.deepEqual([code, stdout], [0, ""]);
  assert.doesNotMatch(stderr, new RegExp(TOKEN));
});

test("a token comes from a file or the environment, and is long enough", async () => {
  const tokenFile = join(folder, "token.txt");
  assert.equal((await readSecrets({ tokenFile }, {})).token, readFileSync(tokenFile, "utf8").trim());
  assert.equal((await readSecrets({}, { SPANFILL_SERVER_TOKEN: TOKEN })).token, TOKEN);
  assert.equal((await readSecrets({}, {})).token, undefined);
  await assert.rejects(readSecrets({}, { SPANFILL_SERVER_TOKEN: "short" }), /fewer than 16 characters/);
  await assert.rejects(readSecrets({ tokenFile: join(folder, "none") }, {}), /none cannot be read/);
});

test("wrong options of the server are named", async () => {
  const run = (...options: string[]) => ended(start(["serve", "--model", directory, ...options]));
  assert.match((await run("--http", "8000")).stderr, /Use HOST:PORT/);
  assert.match((await run("--http", "0.0.0.0:0")).stderr, /a token is required/);
  assert.match((await run("--http", "localhost:0", "--tls-cert", "token.txt")).stderr, /Give both/);
  const both = ["--tls-cert", "token.txt", "--tls-key", "token.txt"];
  assert.match((await run("--http", "localhost:0", ...both)).stderr, /not a certificate and its key in PEM/);
  assert.match((await run("--http", "localhost:0", "--mcp")).stderr, /one of --stdio/);
});
