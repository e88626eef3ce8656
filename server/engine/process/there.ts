/** Opens a model where it is to run; the client of servers is loaded only where there is one. */
import type { T5Config } from "../../../models/t5/config.ts";
import type { Device } from "../device.ts";
import { type OnDevice, openOnDevice } from "../runtime/on-device.ts";
import type { Runner } from "../search/runner.ts";
import { serverOfEnvironment } from "../wire/connection.ts";
import type { ServerModel } from "./server.ts";

/** Opens a runner on a device, or on the server of the environment. */
export async function openThere<T extends Runner & { readonly config: T5Config }>(
  device: Device,
  { open, ...model }: Omit<ServerModel, "connection" | "openOnCpu"> & { open: (on: Device) => Promise<T> },
): Promise<OnDevice<Runner & { readonly config: T5Config }>> {
  if (device !== "server") return openOnDevice(device, open, model.onFallback);
  return (await import("./server.ts")).openOnServer({
    ...model,
    connection: serverOfEnvironment(process.env),
    openOnCpu: () => open("cpu"),
  });
}
