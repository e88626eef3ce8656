/** How a server is reached: its address, the header that names the user, certificates and a proxy. */
import { rootCertificates } from "node:tls";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { type Address, isLoopback, parseAddress } from "../../catalog/hub/address.ts";
import { proxyFor } from "../../catalog/hub/network.ts";
import { readRegularText } from "../../files/regular-file.ts";
import { isGrpc, type ServerConnection } from "./connection.ts";
import { failed } from "./errors.ts";

/** All that a client needs. */
export interface Reach {
  /** http(s): also for gRPC. */
  readonly url: URL;
  /** HOST:PORT, for messages. */
  readonly host: string;
  /** The value of the header; undefined if there is neither a token nor a user. */
  readonly authorization: string | undefined;
  /** PEM; empty for the usual ones. */
  readonly certificates: readonly string[];
  readonly proxy: Address | undefined;
  readonly deadlineMs: number;
}

const DEADLINE_MS = 30_000;

/**
 * Finds out how a server is reached.
 * @throws ModelError "network" when the address is not one, the certificates cannot be read, or a token would be sent
 *   unencrypted
 */
export async function reachOf(connection: ServerConnection): Promise<Reach> {
  const { url, authorization: user } = serverAddress(connection.url);
  const { host } = url;
  const { token, deadlineMs = DEADLINE_MS } = connection;
  const authorization = token === undefined || token === "" ? user : `Bearer ${token}`;
  if (authorization !== undefined && url.protocol === "http:" && !isLoopback(url)) {
    const [plain, secure] = isGrpc(connection.url) ? ["grpc", "grpcs"] : ["http", "https"];
    throw failed(
      host,
      `is asked over plain ${plain}, where anybody on the way could read the token and the text. Use ${secure}`,
    );
  }
  const certificates = await certificatesOf(connection.certificateFile);
  const proxy = isLoopback(url) ? undefined : proxyFor(url, process.env);
  return {
    ...{ url, host, authorization, certificates, deadlineMs },
    proxy:
      proxy === undefined ? undefined : asNetworkError(() => parseAddress(proxy, "The proxy's address", "http://")),
  };
}

function serverAddress(text: string): Address {
  const web = isGrpc(text) ? text.trim().replace(/^grpc/i, "http") : text;
  return asNetworkError(() => parseAddress(web, "The server's address"));
}

function asNetworkError<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new ModelError("network", reason(cause), { cause });
  }
}

async function certificatesOf(file: string | undefined): Promise<readonly string[]> {
  if (file === undefined) return [];
  try {
    return [...rootCertificates, await readRegularText(file)];
  } catch (cause) {
    throw new ModelError("network", `The server's certificates in ${file} cannot be read (${reason(cause)}).`, {
      cause,
    });
  }
}
