/** A server in a Ray cluster's place, with the Jobs API's paths: for tests of what surrounds a job. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** A request that the server got. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Buffer;
}

/** An answer: a status and a body, or nothing at all. */
export type Answering = (asked: Asked) => { readonly status?: number; readonly body: unknown } | undefined;

/** A server on this machine's own address. */
export interface FakeRay {
  /** ray://HOST:PORT */
  readonly address: string;
  readonly asked: readonly Asked[];
  readonly close: () => Promise<void>;
}

/** Starts a server. @param answer undefined keeps the client waiting */
export async function fakeRay(answer: Answering): Promise<FakeRay> {
  const asked: Asked[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", url: path = "", headers } = request;
    const one = { method, path, authorization: headers.authorization, body: Buffer.concat(chunks) };
    asked.push(one);
    const given = answer(one);
    if (given === undefined) return;
    response.writeHead(given.status ?? 200);
    response.end(typeof given.body === "string" ? given.body : JSON.stringify(given.body));
  };
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    address: `ray://127.0.0.1:${port}`,
    asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The answers of a cluster that keeps packages and runs one job at a time, as a function says. */
export function rayJobs(run: (entrypoint: string) => { readonly status: string; readonly logs: string }): Answering {
  const packages = new Set<string>();
  const jobs = new Map<string, { status: string; logs: string }>();
  return ({ method, path, body }) => {
    if (path === "/api/version") return { body: { version: "4", ray_version: "2.60.0" } };
    if (path.startsWith("/api/packages/")) {
      if (method === "PUT") packages.add(path);
      return packages.has(path) ? { body: "" } : { status: 404, body: "no such package" };
    }
    if (path === "/api/jobs/") {
      const { submission_id, entrypoint } = JSON.parse(body.toString());
      jobs.set(submission_id, run(entrypoint));
      return { body: { submission_id, job_id: submission_id } };
    }
    const [, id = "", action = ""] = /^\/api\/jobs\/([^/]+)(\/\w+)?$/.exec(path) ?? [];
    const job = jobs.get(id);
    if (job === undefined) return { status: 404, body: `Job ${id} does not exist` };
    if (method === "DELETE") jobs.delete(id);
    if (action === "/stop") job.status = "STOPPED";
    return { body: action === "/logs" ? { logs: job.logs } : { status: job.status, message: "said Ray" } };
  };
}
