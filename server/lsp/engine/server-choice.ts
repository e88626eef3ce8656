/** The inference server that the settings or the environment name, with the token that was stored for its origin. */
import * as z from "zod";
import type { ServerToken } from "../../../protocol/requests.ts";
import { serverOrigin } from "../../../protocol/server-origin.ts";
import type { Settings } from "../../../protocol/settings.ts";
import { type ServerConnection, serverOfEnvironment } from "../../engine/wire/connection.ts";

/** The settings that name a server. */
export type ServerSettings = Partial<Pick<Settings, "server.url" | "server.certificates">>;

/** Tells which server the settings name. */
export interface ServerChoice {
  /** Takes the token of a client; other values are ignored. */
  take(token: unknown): void;
  /** The server, whether or not the device is `server`; undefined if none is named. */
  connectionOf(settings: ServerSettings): ServerConnection | undefined;
  /** Its HOST:PORT, for people: text goes there also after a failure, since it is tried again without a notice. */
  hostOf(settings: ServerSettings): string | undefined;
}

const tokenSchema: z.ZodType<ServerToken> = z.object({ origin: z.string().max(500), token: z.string().max(10_000) });

/** Creates a choice that has no token yet. */
export function createServerChoice(environment: NodeJS.ProcessEnv = process.env): ServerChoice {
  let stored: ServerToken | undefined;
  const connectionOf = ({ "server.url": url = "", "server.certificates": certificates = "" }: ServerSettings) => {
    const inherited = serverOfEnvironment(environment);
    if (url.trim() === "") return inherited;
    const origin = serverOrigin(url);
    // A token is for the origin that it was stored for: settings may name another server.
    const known = [stored, { origin: serverOrigin(inherited?.url ?? ""), token: inherited?.token }];
    const token = known.find((each) => origin !== undefined && each?.origin === origin)?.token;
    return {
      url: url.trim(),
      ...(token === undefined || token === "" ? {} : { token }),
      ...(certificates === "" ? {} : { certificateFile: certificates }),
    };
  };
  return {
    connectionOf,
    hostOf: (settings) => {
      const url = connectionOf(settings)?.url;
      return url === undefined || !URL.canParse(url) ? url?.slice(0, 60) : new URL(url).host;
    },
    take(token) {
      const parsed = tokenSchema.safeParse(token);
      if (parsed.success) stored = parsed.data;
    },
  };
}
