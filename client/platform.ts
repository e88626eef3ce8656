/** Whether this machine can run the engine, so that a missing native binary is a clear sentence and not a crash in a log. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** A machine, by Node's names. */
export interface Platform {
  readonly platform: string;
  readonly arch: string;
  /** Whether its C library is musl (Alpine Linux). */
  readonly musl: boolean;
}

/** Machines that onnxruntime-node has a native binary for, as `vsce package --target` names them. */
export const SUPPORTED = ["linux-x64", "linux-arm64", "win32-x64", "win32-arm64", "darwin-arm64"] as const;

/** The machine this runs on. */
export function thisPlatform(): Platform {
  return { platform: process.platform, arch: process.arch, musl: process.platform === "linux" && hasMusl() };
}

/**
 * A sentence that says why the engine cannot run here and what to do, or undefined when it can.
 * @param folder where the extension is installed; its native binary is looked for there
 */
export function platformProblem(machine: Platform, folder: string): string | undefined {
  const { platform, arch, musl } = machine;
  const name = musl ? `alpine-${arch}` : `${platform}-${arch}`;
  if (!SUPPORTED.some((one) => one === name)) {
    return `Spanfill's engine does not run on ${spoken(machine)} (${name}) yet. It runs on ${list(SUPPORTED)}; on this machine, open the folder in a container or over SSH on one of those.`;
  }
  const binary = join("node_modules", "onnxruntime-node", "bin", "napi-v6", platform, arch, "onnxruntime_binding.node");
  if ([join(folder, "dist", binary), join(folder, binary)].some((path) => existsSync(path))) return undefined;
  return `This installation of Spanfill has no engine for this machine: it was packaged for another one. Install the package for ${name}.`;
}

function spoken({ platform, arch, musl }: Platform): string {
  if (musl) return "Alpine Linux and others with musl";
  if (platform === "darwin" && arch === "x64") return "Macs with an Intel processor";
  return "this kind of machine";
}

function list(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** musl's loader is there and glibc's is not. */
function hasMusl(): boolean {
  const names = ["/lib", "/lib64"].flatMap((folder) => {
    try {
      return readdirSync(folder);
    } catch {
      return []; // not every Linux has both
    }
  });
  return names.some((name) => name.startsWith("ld-musl-")) && !names.some((name) => name.startsWith("ld-linux-"));
}
