/** Asks a person for an inference server's address and token. */
import { type ExtensionContext, l10n, workspace } from "vscode";
import { serverOrigin } from "../../protocol/server-origin.ts";
import { notify } from "../editor/notices.ts";
import { askFor } from "../editor/picks.ts";
import { storeServerToken } from "../server/server-token.ts";

/**
 * Lets a person type the address, then the token.
 * @param write writes a setting
 */
export async function askServer(
  extension: ExtensionContext,
  write: (name: string, value: unknown) => Promise<unknown>,
): Promise<void> {
  const typed = await askFor({
    title: l10n.t("Inference server"),
    prompt: l10n.t(
      "Its address, like https://host:8000, or grpcs://host:8001 for gRPC. Where the device is Server, token ids, which decode to your text, are sent there. Leave this empty to name none.",
    ),
    value: workspace.getConfiguration("spanfill").get<string>("server.url") ?? "",
    ignoreFocusOut: true,
  });
  if (typed === undefined) return;
  const address = typed.trim();
  if (address !== "" && serverOrigin(address) === undefined) {
    void notify(
      "warning",
      l10n.t("Spanfill: this is not an address. Write it as https://host:8000 or grpcs://host:8001."),
    );
    return;
  }
  await write("server.url", address === "" ? undefined : address);
  if (address !== "") await askServerToken(extension, address);
}

/** Lets a person type the token of a server; it is stored for that server's origin. */
export async function askServerToken(
  { secrets }: Pick<ExtensionContext, "secrets">,
  address = workspace.getConfiguration("spanfill").get<string>("server.url") ?? "",
): Promise<void> {
  const origin = serverOrigin(address);
  if (origin === undefined) {
    void notify(
      "warning",
      l10n.t("Spanfill: no server is set. Set its address in the panel, or in the setting spanfill.server.url."),
    );
    return;
  }
  const token = await askFor({
    title: l10n.t("Token of {0}", origin),
    prompt: l10n.t(
      "It is stored as a secret and sent to this server only. Leave this empty if it needs none, which removes a stored one.",
    ),
    password: true,
    ignoreFocusOut: true,
  });
  if (token !== undefined) await storeServerToken(secrets, { origin, token: token.trim() });
}
