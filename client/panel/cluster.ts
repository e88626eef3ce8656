/** Asks a person for a Ray cluster's token, which is stored as a secret with the address that alone may receive it. */
import { type ExtensionContext, l10n } from "vscode";
import type { ClusterToken } from "../../protocol/runs.ts";
import { askFor } from "../editor/picks.ts";

/** The secret's key. */
export const CLUSTER_TOKEN = "spanfill.cluster.token";

/** The token that is stored; undefined if there is none. */
export async function readClusterToken({
  secrets,
}: Pick<ExtensionContext, "secrets">): Promise<ClusterToken | undefined> {
  const text = await secrets.get(CLUSTER_TOKEN);
  const [address = "", token = ""] = text?.split("\n") ?? [];
  return token === "" ? undefined : { address, token };
}

/**
 * Lets a person type the token of a cluster.
 * @returns whether to go on: the box was not left by Escape
 */
export async function askClusterToken(
  { secrets }: Pick<ExtensionContext, "secrets">,
  address: string,
): Promise<boolean> {
  const typed = await askFor({
    title: l10n.t("Token of {0}", address),
    prompt: l10n.t(
      "It is stored as a secret and sent to this cluster only. Leave this empty if it needs none, which removes a stored one.",
    ),
    password: true,
    ignoreFocusOut: true,
  });
  if (typed === undefined) return false;
  if (typed.trim() === "") await secrets.delete(CLUSTER_TOKEN);
  else await secrets.store(CLUSTER_TOKEN, `${address}\n${typed.trim()}`);
  return true;
}
