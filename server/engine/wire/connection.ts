/** How a server is reached; a child process is told by its environment, which other users cannot read. */

/** How a server is reached. */
export interface ServerConnection {
  /** http(s)://HOST:PORT, with the path before /v2 if there is one; or grpc(s)://HOST:PORT. */
  readonly url: string;
  readonly token?: string;
  /** A file of certificates that are trusted besides Node's, PEM. */
  readonly certificateFile?: string;
  /** Longest time for an answer, with all attempts. Default 30 seconds. */
  readonly deadlineMs?: number;
}

/** Whether an address asks for gRPC. */
export function isGrpc(url: string): boolean {
  return /^grpcs?:\/\//i.test(url.trim());
}

/**
 * The server that the environment names: SPANFILL_SERVER, SPANFILL_SERVER_TOKEN and SPANFILL_SERVER_CERTIFICATES; and
 * SPANFILL_SERVER_SECONDS, the longest time for an answer.
 */
export function serverOfEnvironment(environment: NodeJS.ProcessEnv): ServerConnection | undefined {
  const { SPANFILL_SERVER: url, SPANFILL_SERVER_TOKEN: token, SPANFILL_SERVER_CERTIFICATES: file } = environment;
  if (url === undefined || url.trim() === "") return undefined;
  const deadlineMs = 1000 * Number(environment["SPANFILL_SERVER_SECONDS"]);
  return {
    url,
    ...(token === undefined || token === "" ? {} : { token: token.trim() }),
    ...(file === undefined || file === "" ? {} : { certificateFile: file }),
    ...(deadlineMs > 0 && deadlineMs <= MOST_DEADLINE_MS ? { deadlineMs } : {}),
  };
}

/** An hour; timers take no more than 24 days. */
const MOST_DEADLINE_MS = 3_600_000;

/** The variables from which {@link serverOfEnvironment} reads a server again, in a child's environment. */
export function environmentOf({
  url,
  token = "",
  certificateFile = "",
  deadlineMs,
}: ServerConnection): NodeJS.ProcessEnv {
  return {
    ...{ SPANFILL_SERVER: url, SPANFILL_SERVER_TOKEN: token, SPANFILL_SERVER_CERTIFICATES: certificateFile },
    ...(deadlineMs === undefined ? {} : { SPANFILL_SERVER_SECONDS: String(deadlineMs / 1000) }),
  };
}
