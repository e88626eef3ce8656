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
  const places = ["--http", "localhost:0", "--grpc", "localhost:0"];
  const server = start(["serve", ...places, "--model", directory, ...tls, ...limits]);
  const end = ended(server);
  const [line] = await once(server.stderr, "data");
  const [, url = "", grpcUrl = ""] =
    /in int8 at (https:\S+) and (grpcs:\S+):/.exec(String(line)) ?? assert.fail(String(line));
  const certificateFile = join(folder, "cert.pem");
  const ways: readonly [string, RegExp, RegExp, string][] = [
    [url, /refuses the token \(401\)/, /not trusted here \(DEPTH_ZERO_SELF_SIGNED_CERT\)/, "https://127.0.0.1"],
    [grpcUrl, /refuses the token \(UNAUTH/, /not trusted here \(self-signed certificate\)/, "grpcs://127.0.0.1"],
  ];
  for (const [address, wrongToken, untrusted, another] of ways) {
    const client = (changed: object) =>
      createInferenceClient({ url: address, certificateFile, token: TOKEN, ...changed });
    const trusted = await client({});
    assert.match(await trusted.about(), /^spanfill/);
    const other = await client({ token: "another-token-of-twenty" });
    await assert.rejects(other.about(), wrongToken);
    const stranger = await createInferenceClient({ url: address, token: TOKEN });
    await assert.rejects(stranger.about(), untrusted);
    // The certificate is of localhost, not of this name.
    const misnamed = await client({ url: `${another}:${new URL(address).port}` });
    await assert.rejects(misnamed.about(), /has a certificate that is not trusted here \(.*ALT/i);
    await Promise.all([trusted, other, stranger, misnamed].map((each) => each.dispose()));
  }
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
  assert.match((await run("--grpc", "localhost:0", "--mcp")).stderr, /offered beside --http/);
  assert.match((await run("--http", "localhost:0", "--mcp")).stderr, /one of --stdio/);
});
