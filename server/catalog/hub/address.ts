/**
 * Addresses of hubs and proxies. Their user names and passwords are separated at once, so that no message can show
 * them.
 */
import { ModelError } from "../../../models/errors.ts";

/** An address that a person configured. */
export interface Address {
  /** Without user name and password. */
  readonly url: URL;
  /** The value of an Authorization or Proxy-Authorization header; undefined if the address has no user. */
  readonly authorization?: string;
}

/**
 * Parses the address of a hub or a proxy.
 * @param name of the setting, for messages, which never show the address itself
 * @param scheme prepended to an address without one
 * @throws ModelError "input"
 */
export function parseAddress(text: string, name: string, scheme = ""): Address {
  const trimmed = text.trim();
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(trimmed) ? trimmed : scheme + trimmed;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  // An @ after the host is the end of a password whose own slash, ? or # cut the address short.
  if (url === undefined || !isWeb(url) || url.search !== "" || url.hash !== "" || url.pathname.includes("@")) {
    throw new ModelError(
      "input",
      `${name} is not a valid address. Write http(s)://HOST, or http(s)://USER:PASSWORD@HOST with the special characters of both percent-encoded (@ is %40, / is %2F, # is %23, % is %25).`,
    );
  }
  const { username, password } = url;
  url.username = "";
  url.password = "";
  if (username === "" && password === "") return { url };
  const both = Buffer.concat([percentDecoded(username), Buffer.from(":"), percentDecoded(password)]);
  return { url, authorization: `Basic ${both.toString("base64")}` };
}

/**
 * The address that a server refers to, in a redirect or as the next page.
 * @param from the address that answered
 * @throws ModelError "network" when it is not a web address, names a user, or leaves https for http
 */
export function referredAddress(from: URL, reference: string | null): URL {
  const url = reference !== null && URL.canParse(reference, from.href) ? new URL(reference, from) : undefined;
  const wrong =
    url === undefined
      ? "without a readable address"
      : !isWeb(url)
        ? `to an address of ${url.protocol.slice(0, 20)}, which is neither http nor https`
        : url.username !== "" || url.password !== ""
          ? `to ${url.host} with a user name in the address`
          : from.protocol === "https:" && url.protocol === "http:"
            ? `from https to plain http at ${url.host}`
            : undefined;
  if (url !== undefined && wrong === undefined) return url;
  throw new ModelError("network", `${from.host} refers ${wrong}, which is not followed. Try another hub or mirror.`);
}

/** Whether an address is on this machine, so that nobody can intercept the connection. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])$/.test(hostname);
}

function isWeb({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

/** The bytes behind the percent signs; a percent sign without digits stands for itself. */
function percentDecoded(text: string): Buffer {
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1");
}
