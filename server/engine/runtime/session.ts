/**
 * The only file that knows onnxruntime-node: graphs in, numbers out. Where it cannot be loaded, session-wasm.ts serves.
 */

import type { Tensor as NativeTensor } from "onnxruntime-node";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { encodeModel } from "../../../models/graph/proto.ts";
import type { Graph } from "../../../models/graph/types.ts";
import { UNREAD, withUnreadOutput } from "../../../models/graph/unread-output.ts";
import { cacheFolder } from "../../files/whole-file.ts";
import type { Device } from "../device.ts";
import { slowNotice as noticeOfSlowness } from "../slow-notice.ts";
import { removeTelemetryLogs, switchOffTelemetry } from "./telemetry.ts";

/** A tensor of the runtime. What one run gave back can be fed to the next without a copy. */
export type RuntimeTensor = NativeTensor;

/** A graph ready to run. */
export interface Session {
  /**
   * Runs the graph; the JavaScript thread is blocked meanwhile.
   * @param into where some outputs are to be written: memory of their type and size that no input shares
   * @param wanted the names of the outputs to return, all by default; without `into`
   * @throws ModelError "runtime"
   */
  run(
    feeds: Readonly<Record<string, RuntimeTensor>>,
    into?: Readonly<Record<string, RuntimeTensor>>,
    wanted?: readonly string[],
  ): Promise<Record<string, RuntimeTensor>>;
  dispose(): Promise<void>;
}

/** How a session runs. */
export interface SessionOptions {
  /** The folder that holds the files of the graph's external data; an absolute path without links. */
  readonly folder: string;
  /** Threads of one operator. */
  readonly threads: number;
  /**
   * Whether idle threads spin for a while: quicker for many small operators, but two spinning sessions starve each
   * other.
   */
  readonly spin: boolean;
  /** Whether the memory of a run is kept for the next one: quicker for many small operators. Default true. */
  readonly keepMemory?: boolean;
  /**
   * Whether every run says where each output is to be written. It then returns those tensors; else the binding copies
   * each output to a new array, whether or not it was told where to write it.
   */
  readonly givenOutputs?: boolean;
  /** Default the CPU, which also runs what another device has no kernel for. */
  readonly device?: Device;
}

/** The loaded runtime, or the error that prevented loading it, which callers rethrow; a process has one. */
const runtime = await loadRuntime();

/** A sentence for people where the engine runs as WebAssembly, and why; undefined where it runs natively. */
export const slowNotice: string | undefined = runtime instanceof ModelError ? undefined : runtime.slowNotice;

/** Names of the devices that this build of the runtime knows; the drivers that they need may still be missing. */
export function knownDevices(): readonly string[] {
  return runtime instanceof ModelError ? [] : runtime.devices;
}

/**
 * Returns a session that runs the graph.
 * @throws ModelError "runtime" when the runtime refuses the graph or its weights, "memory" when there is too little
 */
export async function createSession(graph: Graph, options: SessionOptions): Promise<Session> {
  if (runtime instanceof ModelError) throw runtime;
  const session = await runtime.open(graph, options).catch((cause: unknown) => {
    throw failure(`could not load the ${graph.name} graph`, cause);
  });
  return {
    async run(feeds, into, wanted) {
      try {
        return await session.run(feeds, into, wanted);
      } catch (cause) {
        throw failure(`failed in the ${graph.name} graph`, cause);
      }
    },
    dispose: () => session.release(),
  };
}

/** An int32 tensor. */
export function int32(values: Int32Array | readonly number[], dims: readonly number[]): RuntimeTensor {
  return new (tensorClass())("int32", Int32Array.from(values), dims);
}

/** An int64 scalar. */
export function int64Scalar(value: number): RuntimeTensor {
  return new (tensorClass())("int64", BigInt64Array.of(BigInt(value)), []);
}

/** An int64 vector. */
export function int64(values: readonly number[]): RuntimeTensor {
  return new (tensorClass())("int64", BigInt64Array.from(values, BigInt), [values.length]);
}

/** A float32 tensor over the given memory. */
export function float32(values: Float32Array, dims: readonly number[]): RuntimeTensor {
  return new (tensorClass())("float32", values, dims);
}

/** Values of either width; training's gradients are checked in float64. */
export type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** A float32 or float64 tensor over the given memory. */
export function floats(values: Floats, dims: readonly number[]): RuntimeTensor {
  return values instanceof Float32Array ? float32(values, dims) : new (tensorClass())("float64", values, dims);
}

/** The memory of a float32 or float64 tensor. @throws ModelError "runtime" when it is of another type */
export function floatsData(tensor: RuntimeTensor | undefined): Float32Array | Float64Array {
  return tensor?.data instanceof Float64Array ? tensor.data : float32Data(tensor);
}

/** A bool tensor over the given memory, one byte an element. */
export function bool(values: Uint8Array, dims: readonly number[]): RuntimeTensor {
  return new (tensorClass())("bool", values, dims);
}

/** The memory of a float32 tensor. @throws ModelError "runtime" when it is of another type */
export function float32Data(tensor: RuntimeTensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new ModelError("runtime", `A graph gave ${tensor?.type ?? "nothing"} where float32 was expected.`);
}

/** The elements of an integer tensor as numbers. @throws ModelError "runtime" when it is of another type */
export function integerData(tensor: RuntimeTensor | undefined): number[] {
  if (tensor?.data instanceof BigInt64Array) return Array.from(tensor.data, Number);
  if (tensor?.data instanceof Int32Array) return Array.from(tensor.data);
  throw new ModelError("runtime", `A graph gave ${tensor?.type ?? "nothing"} where integers were expected.`);
}

function tensorClass(): typeof NativeTensor {
  if (runtime instanceof ModelError) throw runtime;
  return runtime.Tensor;
}

/** The differences between the native runtime and the WebAssembly one. */
interface Runtime {
  readonly Tensor: typeof NativeTensor;
  open(graph: Graph, options: SessionOptions): Promise<{ run: Session["run"]; release(): Promise<void> }>;
  readonly slowNotice?: string;
  readonly devices: readonly string[];
}

/** The error of the runtime; memory that ran out is told apart. */
function failure(what: string, cause: unknown): ModelError {
  const why = reason(cause);
  if (/bad_alloc|Failed to allocate memory|out of memory/i.test(why)) {
    const advice = "Close other programs, raise the limit on this process's memory, or choose a smaller model.";
    return new ModelError("memory", `There is too little memory: ONNX Runtime ${what}. ${advice}`, { cause });
  }
  return new ModelError("runtime", `ONNX Runtime ${what}: ${why}`, { cause });
}

/** The native runtime, else WebAssembly; SPANFILL_ENGINE=wasm asks for that. */
async function loadRuntime(): Promise<Runtime | ModelError> {
  removeTelemetryLogs(cacheFolder());
  try {
    if (process.env["SPANFILL_ENGINE"] === "wasm") throw new Error("SPANFILL_ENGINE is wasm");
    switchOffTelemetry();
    return native(await import("onnxruntime-node"));
  } catch (cause) {
    const why = whyNotNative(cause);
    try {
      const { wasmOpener, Tensor } = await import("./session-wasm.ts");
      const openWasm = wasmOpener();
      return {
        Tensor,
        slowNotice: noticeOfSlowness(why),
        devices: ["cpu"],
        async open(graph, { folder, threads, device = "cpu" }) {
          if (device !== "cpu") throw new Error("the engine runs as WebAssembly here, which only has the CPU");
          return openWasm(graph, folder, threads);
        },
      };
    } catch (second) {
      const text = `No engine can be loaded here, neither natively (${why}) nor as WebAssembly (${reason(second)}). Install Spanfill again.`;
      return new ModelError("runtime", text, { cause });
    }
  }
}

function native(ort: typeof import("onnxruntime-node")): Runtime {
  return {
    Tensor: ort.Tensor,
    devices: ort.listSupportedBackends().map(({ name }) => name),
    async open(graph, { folder, threads, spin, keepMemory = true, givenOutputs = false, device = "cpu" }) {
      const session = await ort.InferenceSession.create(encodeModel(givenOutputs ? withUnreadOutput(graph) : graph), {
        executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        enableMemPattern: false,
        enableCpuMemArena: keepMemory,
        // Its errors are thrown, too; only what ends the process is printed.
        logSeverityLevel: 4,
        extra: {
          session: {
            model_external_initializers_file_folder_path: folder,
            intra_op: { allow_spinning: spin ? "1" : "0" },
          },
        },
      });
      return {
        async run(feeds, into, wanted = session.outputNames) {
          if (into === undefined) return session.run(feeds, wanted);
          const fetches = Object.fromEntries(session.outputNames.map((name) => [name, into[name] ?? null]));
          if (!givenOutputs) return session.run(feeds, fetches);
          // The outputs are written when the binding finds that it cannot read the first one, and gives up.
          await session.run(feeds, { ...fetches, [UNREAD]: null }).catch((cause: unknown) => {
            if (!(cause instanceof Error && /Non tensor type is temporarily not/.test(cause.message))) throw cause;
          });
          return { ...into };
        },
        release: () => session.release(),
      };
    },
  };
}

function whyNotNative(cause: unknown): string {
  const machine = `${process.platform}-${process.arch}`;
  if (/cannot find (package|module)/i.test(reason(cause)))
    return `this installation has no native engine for ${machine}`;
  return `the native engine could not be loaded (${reason(cause).split("\n", 1)[0]})`;
}
