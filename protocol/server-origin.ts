/** The origin of an inference server's address, for which its token is stored. */

/**
 * Returns the origin, like https://HOST:PORT or grpcs://HOST:PORT; undefined if the text is not such an address.
 * URL's own origin of gRPC's schemes is "null" for all hosts.
 */
export function serverOrigin(address: string): string | undefined {
  const text = address.trim();
  if (!/^(https?|grpcs?):\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const { protocol, host } = new URL(text);
  return host === "" ? undefined : `${protocol}//${host}`;
}
