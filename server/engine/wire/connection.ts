/** How a server is reached; a child process is told by its environment, which other users cannot read. */

/** How a server is reached. */
export interface ServerConnection {
  /** http(s)://HOST:PORT, with the path before /v2 if there is one. */
  readonly url: string;
  readonly token?: string;
  /** A file of certificates that are trusted besides Node's, PEM. */
  readonly certificateFile?: string;
  /** Longest time for an answer, with all attempts. Default 30 seconds. */
  readonly deadlineMs?: number;
}

/** The server that the environment names: SPANFILL_SERVER, SPANFILL_SERVER_TOKEN and SPANFILL_SERVER_CERTIFICATES. */
export function serverOfEnvironment(environment: NodeJS.ProcessEnv): ServerConnection | undefined {
  const { SPANFILL_SERVER: url, SPANFILL_SERVER_TOKEN: token, SPANFILL_SERVER_CERTIFICATES: file } = environment;
  if (url === undefined || url.trim() === "") return undefined;
  return {
    url,
    ...(token === undefined || token === "" ? {} : { token: token.trim() }),
    ...(file === undefined || file === "" ? {} : { certificateFile: file }),
  };
}

/** The variables from which {@link serverOfEnvironment} reads a server again, in a child's environment. */
export function environmentOf({ url, token = "", certificateFile = "" }: ServerConnection): NodeJS.ProcessEnv {
  return { SPANFILL_SERVER: url, SPANFILL_SERVER_TOKEN: token, SPANFILL_SERVER_CERTIFICATES: certificateFile };
}
