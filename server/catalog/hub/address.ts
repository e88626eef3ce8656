/** Addresses of hubs and proxies. A user name and a password in one are taken out at once, so that no message can show them. */
import { ModelError } from "../../../models/errors.ts";

/** An address that a person gave. */
export interface Address {
  /** Without user name and password. */
  readonly url: URL;
  /** The value of an Authorization or Proxy-Authorization header; undefined when the address names nobody. */
  readonly authorization?: string;
}

/**
 * Reads the address of a hub or a proxy.
 * @param name what it is the value of, for messages, which never show the address itself
 * @param scheme goes before an address that has none
 * @throws ModelError "input"
 */
export function parseAddress(text: string, name: string, scheme = ""): Address {
  const given = text.trim();
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(given) ? given : scheme + given;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  // An @ behind the host is the end of a password whose own slash, ? or # has cut the address short.
  if (url === undefined || !isWeb(url) || url.search !== "" || url.hash !== "" || url.pathname.includes("@")) {
    throw new ModelError(
      "input",
      `${name} is not an address that can be used. Write http(s)://HOST, or http(s)://USER:PASSWORD@HOST with the special characters of both percent-encoded (@ is %40, / is %2F, # is %23, % is %25).`,
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
 * The address that a server refers to, by a redirect or a next page.
 * @param from the address that answered
 * @throws ModelError "network" when it is none, not of the web, names a user, or leaves https for http
 */
export function referredAddress(from: URL, reference: string | null): URL {
  const url = reference !== null && URL.canParse(reference, from.href) ? new URL(reference, from) : undefined;
  const wrong =
    url === undefined
      ? "without an address that can be read"
      : !isWeb(url)
        ? `to an address of ${url.protocol.slice(0, 20)}, which is neither http nor https`
        : url.username !== "" || url.password !== ""
          ? `to ${url.host} with a user name of its own`
          : from.protocol === "https:" && url.protocol === "http:"
            ? `from https to plain http at ${url.host}`
            : undefined;
  if (url !== undefined && wrong === undefined) return url;
  throw new ModelError("network", `${from.host} refers ${wrong}; that is not followed. Try another hub or mirror.`);
}

/** Whether an address is of this machine itself, so that nobody is on the way to it. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])$/.test(hostname);
}

function isWeb({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

/** The bytes behind the percent signs; a sign that begins no byte stands for itself. */
function percentDecoded(text: string): Buffer {
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1");
}
