/** A client of Ray's Jobs API beside servers that misbehave; Ray itself is asked by scripts/beyond-cluster.mjs. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { clusterUrl, connectionOf, createRayClient } from "../../../server/cluster/ray/client.ts";
import { followJob } from "../../../server/cluster/ray/follow.ts";
import { type Answering, fakeRay, rayJobs } from "../../support/fake-ray.ts";

async function refuses(answer: Answering, message: RegExp, deadlineMs = 5000) {
  const server = await fakeRay(answer);
  const client = await createRayClient({ address: server.address, token: "secret-token", deadlineMs });
  try {
    await assert.rejects(client.version(), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret-token/);
      return true;
    });
  } finally {
    await client.dispose().catch(() => undefined);
    await server.close();
  }
}

test("a cluster that refuses, sends garbage, or nothing, is named with what to do", async () => {
  await refuses(() => ({ status: 401, body: "" }), /^The cluster 127\.0\.0\.1:\d+ refuses the token \(401\)\. Set the/);
  await refuses(() => ({ status: 403, body: "" }), /refuses the token \(403\)/);
  await refuses(() => ({ status: 404, body: "<html>" }), /has no Jobs API \(404\)\. Name the port of Ray's dashboard/);
  await refuses(() => ({ body: "<html>hello</html>" }), /sent an answer that is not one of Ray's Jobs API/);
  await refuses(() => ({ body: { version: 4 } }), /sent an answer that is not one of Ray's Jobs API/);
  await refuses(() => ({ status: 500, body: "Traceback\n  at\nRuntimeError: no" }), /answered 500: RuntimeError: no\./);
  const began = performance.now();
  await refuses(() => undefined, /did not answer within 0\.2 seconds/, 200);
  assert.ok(performance.now() - began < 5000);
});

test("where nothing listens the address is named", async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const client = await createRayClient({ address: `ray://127.0.0.1:${port}` });
  await assert.rejects(client.version(), /could not be reached, or broke the connection \(ECONNREFUSED\)/);
  await client.dispose();
});

test("addresses are read, and a token never goes over plain http to another machine", async () => {
  assert.equal(clusterUrl("ray://head")?.href, "http://head:8265/");
  assert.equal(clusterUrl("ray://head:80")?.origin, "http://head");
  assert.equal(clusterUrl("ray+https://head:9")?.href, "https://head:9/");
  for (const wrong of ["http://head", "ray://", "ray://user:word@head", "ray://head/path", "ray://a b"])
    assert.equal(clusterUrl(wrong), undefined, wrong);
  await assert.rejects(createRayClient({ address: "ray://head", token: "x" }), /token over plain http.*ssh -L/);
  await assert.rejects(createRayClient({ address: "moon://head" }), /is not a cluster's address\. Write ray:/);
  assert.deepEqual(connectionOf("ray://h", { RAY_AUTH_TOKEN: "b " }), { address: "ray://h", token: "b" });
  const both = connectionOf("ray://h", { SPANFILL_CLUSTER_TOKEN: "a", RAY_AUTH_TOKEN: "b" });
  assert.equal(both.token, "a");
});

test("the token goes with every request, a package only once, and a job's events come in order", async () => {
  const logs = 'noise\nspanfill-event {"type":"step"}\n(pid=3) spanfill-event {"type":"saved"}\nspanfill-event {"ty';
  const server = await fakeRay(rayJobs(() => ({ status: "SUCCEEDED", logs })));
  const client = await createRayClient({ address: server.address, token: "t" });
  for (let i = 0; i < 2; i += 1)
    assert.equal(await client.upload("p.zip", async () => Buffer.from("zip")), "gcs://p.zip");
  await client.submit({ submission_id: "j", entrypoint: "run", runtime_env: { working_dir: "gcs://p.zip" } });
  const events: unknown[] = [];
  await followJob(client, "j", (event) => events.push(event));
  assert.deepEqual(events, [{ type: "step" }, { type: "saved" }]);
  assert.equal(server.asked.filter(({ method }) => method === "PUT").length, 1);
  assert.ok(server.asked.every(({ authorization }) => authorization === "Bearer t"));
  await client.dispose();
  await server.close();
});

test("a job that fails says its last error, one that is gone is named, and an order stops it", async () => {
  const failing = "Traceback\nValueError: bad data\nsome line after";
  const states = [
    { status: "FAILED", logs: failing },
    { status: "RUNNING", logs: "" },
  ];
  const server = await fakeRay(rayJobs(() => states.shift() ?? assert.fail("too many jobs")));
  const client = await createRayClient({ address: server.address });
  const submit = (id: string) =>
    client.submit({ submission_id: id, entrypoint: "run", runtime_env: { working_dir: "gcs://p.zip" } });
  await submit("a");
  await assert.rejects(
    followJob(client, "a", () => undefined),
    /The job on .* failed: ValueError: bad data\. Correct/,
  );
  await assert.rejects(
    followJob(client, "none", () => undefined),
    /no longer knows the job none/,
  );
  await submit("b");
  await followJob(client, "b", () => undefined, AbortSignal.abort());
  assert.ok(server.asked.some(({ path }) => path === "/api/jobs/b/stop"));
  await client.dispose();
  await server.close();
});
