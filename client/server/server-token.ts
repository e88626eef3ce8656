/** The token of an inference server: a secret of VS Code, kept with the origin that alone may receive it. */
import type { SecretStorage } from "vscode";
import type { ServerToken } from "../../protocol/requests.ts";

/** The secret's key. */
export const SERVER_TOKEN = "spanfill.server.token";

const NONE: ServerToken = { origin: "", token: "" };

/** The token that is stored; empty if there is none. */
export async function readServerToken(secrets: SecretStorage): Promise<ServerToken> {
  const text = await secrets.get(SERVER_TOKEN);
  const [origin = "", token = ""] = text?.split("\n") ?? [];
  return text === undefined ? NONE : { origin, token };
}

/** Stores a token for an origin; an empty one removes what is stored. */
export async function storeServerToken(secrets: SecretStorage, { origin, token }: ServerToken): Promise<void> {
  if (token === "") await secrets.delete(SERVER_TOKEN);
  else await secrets.store(SERVER_TOKEN, `${origin}\n${token}`);
}
