/** The token and the certificate of a server, from files or the environment: arguments are seen by other users. */
import { ModelError } from "../../models/errors.ts";
import { readRegularFile } from "../files/regular-file.ts";
import { type HttpOptions, LEAST_TOKEN } from "./http.ts";

const MOST_BYTES = 1024 * 1024;

/**
 * Reads what the options name; without --token-file, the token is SPANFILL_SERVER_TOKEN.
 * @throws ModelError "input" when a file cannot be read, or the token is too short or has other characters than a
 *   header may hold
 */
export async function readSecrets(
  { tokenFile, tlsCert, tlsKey }: { readonly tokenFile?: string; readonly tlsCert?: string; readonly tlsKey?: string },
  environment: NodeJS.ProcessEnv,
): Promise<Pick<HttpOptions, "token" | "tls">> {
  const token = tokenFile === undefined ? environment["SPANFILL_SERVER_TOKEN"] : `${await bytesOf(tokenFile)}`;
  const tls =
    tlsCert === undefined || tlsKey === undefined
      ? undefined
      : { cert: await bytesOf(tlsCert), key: await bytesOf(tlsKey) };
  return { token: token === undefined || token.trim() === "" ? undefined : checkedToken(token.trim()), tls };
}

/** @throws ModelError "input" when a token cannot be used; the message does not contain it */
function checkedToken(token: string): string {
  if (token.length >= LEAST_TOKEN && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new ModelError(
    "input",
    `The server's token has fewer than ${LEAST_TOKEN} characters, or some that are not printable ASCII. Make one with: openssl rand -hex 24`,
  );
}

async function bytesOf(file: string): Promise<Buffer> {
  const bytes = await readRegularFile(file, MOST_BYTES).catch((cause: unknown) => {
    throw new ModelError("input", `${file} cannot be read. Check its name and permissions.`, { cause });
  });
  if (bytes !== undefined) return bytes;
  throw new ModelError("input", `${file} is larger than a token or a certificate. Check its name.`);
}
